/** The controller at work on a tree: elections, failovers, brokers that come and go, topics. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { decodeEnvelope, encodeEnvelope } from '../../../broker/peers/envelope.ts';
import type { LeaderAndIsrRequest, UpdateMetadataRequest } from '../../../broker/peers/messages.ts';
import { FencedStore } from '../../../coordinator-client/stores/fenced-store.ts';
import { partitionStateZnode, topicZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { assignment, success, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

const alter = (broker: number, epoch: number, isr: number[], more: object = {}) => ({
  type: 'AlterPartition' as const,
  brokerId: broker,
  brokerEpoch: epoch,
  partitions: [
    {
      topic: 't',
      partition: 0,
      leaderEpoch: 0,
      newIsr: isr,
      leaderRecoveryState: 0,
      partitionEpoch: 0,
      ...more,
    },
  ],
});

describe('elections', () => {
  it('of three brokers one becomes the controller, and all see which', async () => {
    cluster = new TestCluster();
    await Promise.all([1, 2, 3].map((id) => cluster.start(id)));
    const controllers = [...cluster.members.values()].map(({ controller }) => controller);
    await cluster.until(() => controllers.every(({ controllerId }) => controllerId >= 1));
    await cluster.settle();
    const active = controllers.filter(({ isActive }) => isActive);
    expect(active).toHaveLength(1);
    expect(active[0]?.epoch).toBe(1);
    expect(new Set(controllers.map(({ controllerId }) => controllerId)).size).toBe(1);
  });

  it('the next one begins when the controller dies, and its epoch is one higher', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    const first = cluster.controller().controllerId;
    const seen: number[] = [];
    const other = [1, 2, 3].find((id) => id !== first) ?? 0;
    cluster.member(other).controller.onControllerChange((id) => seen.push(id));
    await cluster.kill(first);
    await cluster.until(() => cluster.active() !== undefined);
    expect(cluster.controller().epoch).toBe(2);
    expect(cluster.tree.read('/controller_epoch')?.data.toString()).toBe('2');
    await cluster.until(() => seen.length > 0);
    expect(seen.at(-1)).toBe(cluster.controller().controllerId);
    const { controllerId } = cluster.controller();
    expect(cluster.events('failover-finished').at(-1)).toMatchObject({
      ...{ controllerId, epoch: 2, brokers: 2, partitions: 0, partitionsMoved: 0 },
    });
  });

  it('a controller whose node is removed by hand stands again', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    cluster.tree.commit([{ op: 'remove', path: '/controller', version: -1 }], 0n, 0);
    await cluster.until(() => one?.controller.epoch === 2);
  });

  it('a lost session ends the office at once; a new one takes part again under a new epoch', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    if (one === undefined) throw new Error();
    const waiting = one.controller.alterPartition(alter(1, one.epoch, [1]));
    one.controller.onSessionLost();
    expect(one.controller.isActive).toBe(false);
    expect((await waiting).error).toBe(ErrorCode.NOT_CONTROLLER);
    cluster.source.expire(one.coordinator.sessionId);
    const again = await cluster.source.open(1000);
    const { ClusterStore } = await import('../../../coordinator-client/stores/cluster-store.ts');
    const store = new ClusterStore(again);
    const epoch = await cluster.register(store, 1);
    one.controller.onSessionRegained(store, epoch);
    await cluster.until(() => one.controller.epoch === 2);
    await again.close();
  });

  it('a controller that does not know it has been replaced changes nothing and resigns', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    if (one === undefined) throw new Error();
    // Somebody else has counted the epoch up; the watch on /controller tells nothing.
    const data = Buffer.from('9');
    cluster.tree.commit([{ op: 'put', path: '/controller_epoch', data, version: 1 }], 0n, 0);
    const before = cluster.tree.read('/brokers/topics/t/partitions/0/state');
    const answer = await one.controller.alterPartition(alter(1, one.epoch, [1]));
    expect(answer.error).toBe(ErrorCode.NOT_CONTROLLER);
    expect(cluster.tree.read('/brokers/topics/t/partitions/0/state')).toEqual(before);
    // The node it still holds is given up under the newer epoch, and the election goes on from there.
    await cluster.until(() => (cluster.active()?.controller.epoch ?? 0) >= 10);
  });
});

describe('a failover', () => {
  it('tells the living brokers before it tells leaders, and moves what the dead broker led', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2, 3], [2, 3, 1], [3, 1, 2]);
    const dead = cluster.controller().controllerId;
    cluster.forget();
    await cluster.kill(dead);
    await cluster.until(() => cluster.active() !== undefined);
    await cluster.settle();
    for (let partition = 0; partition < 3; partition++) {
      const state = cluster.state('t', partition);
      expect(state?.isr).not.toContain(dead);
      expect(state?.leader).not.toBe(dead);
      expect(state?.leaderEpoch).toBe(1);
    }
    const alive = [1, 2, 3].filter((id) => id !== dead);
    for (const id of alive) {
      const requests = cluster.toldTo(id).filter(({ controllerEpoch }) => controllerEpoch === 2);
      expect(requests.map(({ type }) => type)).toEqual(['UpdateMetadata', 'LeaderAndIsr', 'UpdateMetadata']);
      const first = requests[0] as UpdateMetadataRequest;
      expect(first.partitions).toEqual([]);
      expect(first.onlyTopics).toBeUndefined();
      expect(first.liveBrokers.map((broker) => broker.id)).toEqual(alive);
      // Only the last says that this is all: a broker that has just started must not take the first for it.
      expect(requests[2]).toMatchObject({ onlyTopics: ['t'], partitions: { length: 3 } });
      const leaders = requests[1] as LeaderAndIsrRequest;
      expect(leaders.partitions).toHaveLength(3);
      expect(leaders.brokerEpoch).toBe(cluster.member(id).epoch);
    }
    expect(cluster.controller().failoverTimeline).toMatchObject({
      epoch: 2,
      partitions: 3,
      partitionsMoved: 3,
    });
  });

  it('gives topics without an id one, and enables features', async () => {
    cluster = new TestCluster();
    await cluster.start(1);
    await cluster.until(() => cluster.active() !== undefined);
    const data = Buffer.from('{"version":1,"partitions":{"0":[1]}}');
    cluster.tree.commit([{ op: 'create', path: '/brokers/topics/old', data, lifetime: 'persistent' }], 0n, 0);
    await cluster.until(() => cluster.state('old', 0) !== null);
    expect((await cluster.any().topics.assignment('old'))?.topicId).toMatch(/^[\w-]{22}$/);
    expect(cluster.tree.read('/feature')?.data.toString()).toBe('{"features":{},"version":2,"status":1}');
  });

  it('repeats what was asked of the former controller: deletions, preferred elections', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    await cluster.createTopic('gone', [1, 2]);
    const first = cluster.controller().controllerId;
    const other = first === 1 ? 2 : 1;
    cluster.answers.set(first, () => null);
    cluster.answers.set(other, () => null);
    await cluster.any().topics.requestDeletion('gone');
    await cluster.settle();
    await cluster.kill(first);
    await cluster.until(() => cluster.active() !== undefined);
    cluster.answers.clear();
    expect(cluster.tree.read('/brokers/topics/gone')).not.toBeNull();
    await cluster.start(first);
    await cluster.until(() => cluster.tree.read('/admin/delete_topics/gone') === null);
    expect(cluster.tree.read('/brokers/topics/gone')).toBeNull();
  });
});

describe('brokers', () => {
  it('that die lose their leaders to the next in sync and leave the ISR', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [3, 1, 2], [1, 3, 2], [2, 1, 3]);
    cluster.forget();
    await cluster.kill(3);
    await cluster.until(() => cluster.state('t', 2)?.isr.length === 2);
    await cluster.settle();
    expect(cluster.state('t', 0)).toEqual({ leader: 1, isr: [1, 2], leaderEpoch: 1 });
    expect(cluster.state('t', 1)).toEqual({ leader: 1, isr: [1, 2], leaderEpoch: 1 });
    expect(cluster.state('t', 2)).toEqual({ leader: 2, isr: [2, 1], leaderEpoch: 1 });
    const metadata = cluster
      .toldTo(2)
      .findLast(({ type }) => type === 'UpdateMetadata') as UpdateMetadataRequest;
    expect(metadata.liveBrokers.map(({ id }) => id)).toEqual([1, 2]);
    expect(metadata.partitions.every(({ offlineReplicas }) => offlineReplicas.join() === '3')).toBe(true);
  });

  it('that are the last in sync stay in the ISR, without a leader, and lead again when they return', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2]);
    await cluster.kill(2);
    await cluster.until(() => cluster.state('t', 0)?.leader === -1);
    expect(cluster.state('t', 0)?.isr).toEqual([2]);
    const { metrics } = cluster.member(1);
    expect(await metrics.render()).toContain('kafka_controller_kafkacontroller_offlinepartitionscount 1');
    await cluster.start(2);
    await cluster.until(() => cluster.state('t', 0)?.leader === 2);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [2], leaderEpoch: 2 });
    await cluster.settle();
    expect(await metrics.render()).toContain('kafka_controller_kafkacontroller_offlinepartitionscount 0');
    expect(await metrics.render()).toContain('kafka_controller_kafkacontroller_activecontrollercount 1');
  });

  it('out of sync lead only where the topic allows it, and are marked as recovering', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    const two = cluster.member(2);
    expect((await one?.controller.alterPartition(alter(2, two.epoch, [2])))?.partitions[0]?.error).toBe(0);
    await cluster.kill(2);
    await cluster.until(() => cluster.state('t', 0)?.leader === -1);
    await one?.store.configs.write('topics', 't', new Map([['unclean.leader.election.enable', 'true']]));
    one?.controller.uncleanElectionAllowed('t');
    await cluster.until(() => cluster.state('t', 0)?.leader === 1);
    expect(cluster.state('t', 0)?.isr).toEqual([1]);
    expect(cluster.tree.read('/brokers/topics/t/partitions/0/state')?.data.toString()).toContain(
      '"leader_recovery_state":1',
    );
  });

  it('that come back under a new epoch before their death was seen are told everything anew', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    cluster.forget();
    const former = cluster.member(2);
    const session = await cluster.source.open(1000);
    const { ClusterStore } = await import('../../../coordinator-client/stores/cluster-store.ts');
    const path = '/brokers/ids/2';
    const data = cluster.tree.read(path)?.data ?? Buffer.alloc(0);
    await session.commit([
      { op: 'remove', path, version: -1 },
      { op: 'create', path, data, lifetime: 'session' },
    ]);
    const epoch = (await new ClusterStore(session).broker(2))?.epoch ?? 0;
    expect(epoch).toBeGreaterThan(former.epoch);
    await cluster.until(() => cluster.state('t', 0)?.leader === 1);
    await cluster.settle();
    const requests = cluster.toldTo(2);
    expect(requests.map(({ type }) => type)).toEqual(['UpdateMetadata', 'LeaderAndIsr', 'UpdateMetadata']);
    expect(requests.every(({ brokerEpoch }) => brokerEpoch === epoch)).toBe(true);
    expect(requests[0]).toMatchObject({ onlyTopics: ['t'] });
    await session.close();
  });

  it('get every request in order and again until they answer', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    let refusals = 3;
    cluster.answers.set(2, (request) => (refusals-- > 0 ? null : success(request)));
    cluster.forget();
    await cluster.createTopic('t', [1, 2]);
    await cluster.createTopic('u', [2, 1]);
    await cluster.until(() => cluster.toldTo(2).length === 4);
    const topics = cluster
      .toldTo(2)
      .map((request) => ('partitions' in request ? request.partitions[0]?.topic : ''));
    expect(topics).toEqual(['t', 't', 'u', 'u']);
  });

  it('with a failed disk lose the leaders on it', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    await cluster.createTopic('u', [2, 1]);
    cluster.answers.set(2, (request) => {
      if (request.type !== 'LeaderAndIsr') return success(request);
      const partitions = request.partitions.map(({ topic, partition }) => ({
        topic,
        partition,
        error: topic === 't' ? ErrorCode.KAFKA_STORAGE_ERROR : 0,
      }));
      return { error: 0, partitions };
    });
    cluster.tree.commit(
      [
        {
          op: 'create',
          path: '/log_dir_event_notification/log_dir_event_',
          data: Buffer.from('{"version":1,"broker":2,"event":1}'),
          lifetime: 'persistent',
          sequential: true,
        },
      ],
      0n,
      0,
    );
    await cluster.until(() => cluster.state('t', 0)?.leader === 1);
    expect(cluster.state('t', 0)?.isr).toEqual([1]);
    expect(cluster.state('u', 0)?.leader).toBe(2);
    await cluster.until(() => cluster.tree.children('/log_dir_event_notification')?.length === 0);
  });
});

describe('controlled shutdown', () => {
  it('moves leaders away, stops the replicas, and answers what has nowhere to go', async () => {
    cluster = new TestCluster();
    const [one, two] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1], [1, 2]);
    await cluster.createTopic('single', [2]);
    cluster.forget();
    const request = { type: 'ControlledShutdown' as const, brokerId: 2, brokerEpoch: two?.epoch ?? 0 };
    expect(await one?.controller.controlledShutdown(request)).toEqual({ error: 0, remainingPartitions: [] });
    expect(cluster.state('t', 0)).toEqual({ leader: 1, isr: [1], leaderEpoch: 1 });
    expect(cluster.state('t', 1)).toEqual({ leader: 1, isr: [1], leaderEpoch: 1 });
    expect(cluster.state('single', 0)?.leader).toBe(2);
    await cluster.settle();
    const stops = cluster.toldTo(2).filter(({ type }) => type === 'StopReplica');
    expect(stops).toMatchObject([{ partitions: [{ topic: 't', partition: 1, deletePartition: false }] }]);
  });

  it('answers the partitions whose other replicas are not in sync', async () => {
    cluster = new TestCluster();
    const [one, two] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    await one?.controller.alterPartition(alter(2, two?.epoch ?? 0, [2]));
    const request = { type: 'ControlledShutdown' as const, brokerId: 2, brokerEpoch: two?.epoch ?? 0 };
    expect(await one?.controller.controlledShutdown(request)).toEqual({
      error: 0,
      remainingPartitions: [{ topic: 't', partition: 0 }],
    });
  });

  it('is refused to a former self, to strangers, and by a broker that is not the controller', async () => {
    cluster = new TestCluster();
    const [one, two] = await cluster.startAll(1, 2);
    const ask = (brokerId: number, brokerEpoch: number) => ({
      type: 'ControlledShutdown' as const,
      brokerId,
      brokerEpoch,
    });
    const error = async (brokerId: number, epoch: number) =>
      (await one?.controller.controlledShutdown(ask(brokerId, epoch)))?.error;
    expect(await error(2, (two?.epoch ?? 0) - 1)).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(await error(7, 1)).toBe(ErrorCode.BROKER_NOT_AVAILABLE);
    const elsewhere = await two?.controller.controlledShutdown(ask(1, 1));
    expect(elsewhere?.error).toBe(ErrorCode.STALE_CONTROLLER_EPOCH);
  });
});

describe('topics', () => {
  it.each(['__proto__', 'constructor'])('keep their id whatever they are called (%s)', async (topic) => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    cluster.forget();
    await cluster.createTopic(topic, [2, 1]);
    const told = cluster
      .toldTo(2)
      .map((request) => decodeEnvelope(Buffer.concat(encodeEnvelope(request))).header);
    const ids = told.flatMap((request) => [...new Map((request as LeaderAndIsrRequest).topicIds)]);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids.map(([name, id]) => `${name} ${id}`))).toEqual(
      new Set([`${topic} AAAAAAAAAAAAAAAAAAAAAQ`]),
    );
  });

  it('get a leader, an ISR of the living, and LeaderAndIsr with isNew for its members', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    cluster.forget();
    await cluster.createTopic('t', [3, 2, 1]);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [2, 1], leaderEpoch: 0 });
    const [request] = cluster.toldTo(1) as LeaderAndIsrRequest[];
    expect(request).toMatchObject({
      type: 'LeaderAndIsr',
      controllerEpoch: 1,
      brokerEpoch: cluster.member(1).epoch,
      topicIds: [['t', 'AAAAAAAAAAAAAAAAAAAAAQ']],
      partitions: [
        {
          topic: 't',
          partition: 0,
          leader: 2,
          leaderEpoch: 0,
          isr: [2, 1],
          partitionEpoch: 0,
          replicas: [3, 2, 1],
          addingReplicas: [],
          removingReplicas: [],
          isNew: true,
          leaderRecoveryState: 0,
        },
      ],
    });
    expect(request?.liveLeaders.map(({ id }) => id)).toEqual([2]);
    cluster.forget();
    await cluster.start(3);
    await cluster.until(() => cluster.toldTo(3).length >= 2);
    expect(
      cluster
        .toldTo(3)
        .map(({ type }) => type)
        .slice(0, 2),
    ).toEqual(['UpdateMetadata', 'LeaderAndIsr']);
  });

  it('whose replicas are all dead wait for the first to come', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1);
    await cluster.any().topics.create('t', assignment([[2]]), new Map());
    await cluster.until(() => cluster.events('new-partitions-leaderless').length > 0);
    expect(cluster.events('new-partitions-leaderless')).toMatchObject([
      { why: 'no-living-replica', count: 1, partitions: ['t-0'] },
    ]);
    await cluster.start(2);
    await cluster.until(() => cluster.state('t', 0)?.leader === 2);
  });

  it('grow by partitions that are added to the assignment', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    await cluster.any().topics.replaceAssignment(
      't',
      assignment([
        [1, 2],
        [2, 1],
      ]),
      0,
    );
    await cluster.until(() => cluster.state('t', 1)?.leader === 2);
    expect(cluster.state('t', 0)?.leaderEpoch).toBe(0);
  });

  it('are deleted once every replica has said so, with leader -2 told first', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => cluster.tree.read('/admin/delete_topics/t') === null);
    expect(cluster.tree.read('/brokers/topics/t')).toBeNull();
    expect(cluster.tree.read('/config/topics/t')).toBeNull();
    const [metadata, stop] = cluster.toldTo(2);
    expect(metadata).toMatchObject({ type: 'UpdateMetadata', partitions: [{ leader: -2 }] });
    expect(stop).toMatchObject({
      type: 'StopReplica',
      partitions: [{ topic: 't', partition: 0, leaderEpoch: -2, deletePartition: true }],
    });
    await cluster.createTopic('t', [2, 1]);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [2, 1], leaderEpoch: 0 });
  });

  it('survive a failed deletion and are deleted when the broker returns', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.answers.set(2, (request) =>
      request.type === 'StopReplica'
        ? { error: 0, partitions: [{ topic: 't', partition: 0, error: ErrorCode.KAFKA_STORAGE_ERROR }] }
        : success(request),
    );
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => cluster.log.some((line) => line.includes('Broker 2 did not delete t-0')));
    await cluster.settle();
    expect(cluster.tree.read('/brokers/topics/t')).not.toBeNull();
    cluster.answers.clear();
    await cluster.kill(2);
    await cluster.start(2);
    await cluster.until(() => cluster.tree.read('/brokers/topics/t') === null);
  });

  it('are not deleted when unknown or when deletion is off; the request goes away', async () => {
    cluster = new TestCluster({ deleteTopicEnable: false });
    await cluster.startAll(1);
    await cluster.createTopic('t', [1]);
    await cluster.any().topics.requestDeletion('t');
    await cluster.any().topics.requestDeletion('unknown');
    await cluster.until(() => cluster.tree.children('/admin/delete_topics')?.length === 0);
    expect(cluster.tree.read('/brokers/topics/t')).not.toBeNull();
  });

  it('that are being deleted do not grow: the assignment is written back', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1);
    await cluster.createTopic('t', [1, 2]);
    await cluster.any().topics.requestDeletion('t');
    await cluster.settle();
    await cluster.any().topics.replaceAssignment(
      't',
      assignment([
        [1, 2],
        [1, 2],
      ]),
      0,
    );
    await cluster.until(() => cluster.tree.read('/brokers/topics/t')?.version === 2);
    expect((await cluster.any().topics.assignment('t'))?.partitions.size).toBe(1);
  });
});

describe('ISR changes', () => {
  it('are written without a new leader epoch and told to everybody', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    const request = alter(1, one?.epoch ?? 0, [1]);
    const answer = {
      error: 0,
      leader: 1,
      leaderEpoch: 0,
      isr: [1],
      leaderRecoveryState: 0,
      partitionEpoch: 1,
    };
    expect(await one?.controller.alterPartition(request)).toEqual({
      error: 0,
      partitions: [{ topic: 't', partition: 0, ...answer }],
    });
    expect(cluster.state('t', 0)).toEqual({ leader: 1, isr: [1], leaderEpoch: 0 });
    await cluster.settle();
    expect(cluster.toldTo(2)).toMatchObject([
      { type: 'UpdateMetadata', partitions: [{ isr: [1], partitionEpoch: 1 }] },
    ]);
    // The same again, as after a lost answer.
    expect((await one?.controller.alterPartition(request))?.partitions[0]).toMatchObject(answer);
  });

  it('lose against a state that somebody else has written; the controller reads it', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    const path = '/brokers/topics/t/partitions/0/state';
    const data = Buffer.from('{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]}');
    cluster.tree.commit([{ op: 'put', path, data, version: 0 }], 0n, 0);
    const first = await one?.controller.alterPartition(alter(1, one.epoch, [1]));
    expect(first?.partitions[0]?.error).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    const second = await one?.controller.alterPartition(alter(1, one.epoch, [1, 2], { partitionEpoch: 1 }));
    expect(second?.partitions[0]).toMatchObject({ error: 0, isr: [1, 2], partitionEpoch: 2 });
  });

  it('an election meets a state that somebody else has written: it is read, and decided again', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [3, 1, 2]);
    const path = '/brokers/topics/t/partitions/0/state';
    const data = Buffer.from('{"controller_epoch":1,"leader":3,"version":1,"leader_epoch":4,"isr":[3,2]}');
    cluster.tree.commit([{ op: 'put', path, data, version: 0 }], 0n, 0);
    await cluster.kill(3);
    await cluster.until(() => cluster.state('t', 0)?.leader === 2);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [2], leaderEpoch: 5 });
  });

  it('of leaders of old versions are read from their notices', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    const state = Buffer.from('{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]}');
    const notice = Buffer.from('{"version":1,"partitions":[{"topic":"t","partition":0}]}');
    cluster.tree.commit(
      [
        { op: 'put', path: '/brokers/topics/t/partitions/0/state', data: state, version: 0 },
        {
          op: 'create',
          path: '/isr_change_notification/isr_change_',
          data: notice,
          lifetime: 'persistent',
          sequential: true,
        },
      ],
      0n,
      0,
    );
    await cluster.until(() => cluster.toldTo(2).length === 1);
    expect(cluster.toldTo(2)).toMatchObject([
      { type: 'UpdateMetadata', partitions: [{ isr: [1], partitionEpoch: 1 }] },
    ]);
    await cluster.until(() => cluster.tree.children('/isr_change_notification')?.length === 0);
  });
});

describe('preferred leaders', () => {
  async function imbalanced(): Promise<void> {
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    await cluster.kill(2);
    await cluster.until(() => cluster.state('t', 0)?.leader === 1);
    const two = await cluster.start(2);
    await cluster.settle();
    const change = alter(1, cluster.member(1).epoch, [1, 2], { leaderEpoch: 1, partitionEpoch: 1 });
    const answer = await cluster.controller().alterPartition(change);
    expect(answer.partitions[0]?.error).toBe(0);
    expect(two.id).toBe(2);
  }

  it('get their partitions back at the periodic check, first after five seconds, then each interval', async () => {
    cluster = new TestCluster();
    await imbalanced();
    expect(cluster.runTimers(5000)).toBe(1);
    await cluster.until(() => cluster.state('t', 0)?.leader === 2);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [1, 2], leaderEpoch: 2 });
    await cluster.until(() => cluster.runTimers(300_000) === 1);
  });

  it('can be asked for, and are refused where they are not needed or not possible', async () => {
    cluster = new TestCluster();
    await imbalanced();
    await cluster.createTopic('deleted', [1, 9]);
    await cluster.any().topics.requestDeletion('deleted');
    await cluster.createTopic('dead', [9, 1]);
    const asked = ['t', 'dead', 'unknown', 'deleted'].map((topic) => ({ topic, partition: 0 }));
    const answers = await cluster.controller().electLeaders('preferred', asked);
    expect(answers).toMatchObject([
      { topic: 't', error: 0 },
      { topic: 'dead', error: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE },
      { topic: 'unknown', error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { topic: 'deleted', error: ErrorCode.INVALID_TOPIC_EXCEPTION },
    ]);
    expect(await cluster.controller().electLeaders('preferred', asked.slice(0, 1))).toMatchObject([
      { error: ErrorCode.ELECTION_NOT_NEEDED },
    ]);
    expect(await cluster.controller().electLeaders('unclean', asked.slice(0, 1))).toMatchObject([
      { error: ErrorCode.ELECTION_NOT_NEEDED },
    ]);
    expect(await cluster.member(2).controller.electLeaders('preferred', null)).toEqual({
      error: ErrorCode.NOT_CONTROLLER,
    });
  });

  it('can be asked for through the legacy znode, which is removed', async () => {
    cluster = new TestCluster();
    await imbalanced();
    const path = '/admin/preferred_replica_election';
    const data = Buffer.from('{"version":1,"partitions":[{"topic":"t","partition":0}]}');
    cluster.tree.commit([{ op: 'create', path, data, lifetime: 'persistent' }], 0n, 0);
    await cluster.until(() => cluster.tree.read(path) === null);
    expect(cluster.state('t', 0)?.leader).toBe(2);
  });
});

describe('producer ids', () => {
  it('come in blocks of a thousand, to registered brokers of the right epoch', async () => {
    cluster = new TestCluster();
    const [one, two] = await cluster.startAll(1, 2);
    const ask = (brokerId: number, brokerEpoch: number) =>
      one?.controller.allocateProducerIds({ type: 'AllocateProducerIds', brokerId, brokerEpoch });
    expect(await ask(1, one?.epoch ?? 0)).toEqual({ error: 0, producerIdStart: 0, producerIdLength: 1000 });
    expect(await ask(2, two?.epoch ?? 0)).toEqual({
      error: 0,
      producerIdStart: 1000,
      producerIdLength: 1000,
    });
    expect((await ask(2, 1))?.error).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect((await ask(5, 1))?.error).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
    const elsewhere = { type: 'AllocateProducerIds', brokerId: 1, brokerEpoch: 1 } as const;
    expect((await two?.controller.allocateProducerIds(elsewhere))?.error).toBe(ErrorCode.NOT_CONTROLLER);
  });
});

describe('reassignments', () => {
  const moveTo = (replicas: number[] | null) => [{ topic: 't', partition: 0, replicas }];

  it('add replicas, wait until they are in sync, then drop and delete the others', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    expect(await one?.controller.alterReassignments(moveTo([3, 2]))).toMatchObject([{ error: 0 }]);
    expect(await one?.controller.listReassignments(null)).toEqual([
      { topic: 't', partition: 0, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] },
    ]);
    await cluster.settle();
    expect(cluster.state('t', 0)).toEqual({ leader: 1, isr: [1, 2], leaderEpoch: 1 });
    expect(cluster.toldTo(3)[0]).toMatchObject({
      type: 'LeaderAndIsr',
      partitions: [{ isNew: true, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] }],
    });
    cluster.forget();
    const joined = alter(1, one?.epoch ?? 0, [1, 2, 3], { leaderEpoch: 1, partitionEpoch: 1 });
    expect((await one?.controller.alterPartition(joined))?.partitions[0]?.error).toBe(0);
    await cluster.until(() => cluster.events('reassignment-finished').length > 0);
    expect(cluster.events('reassignment-finished')).toMatchObject([
      { topic: 't', partition: 0, replicas: [3, 2] },
    ]);
    await cluster.settle();
    expect(cluster.state('t', 0)).toEqual({ leader: 3, isr: [2, 3], leaderEpoch: 2 });
    expect((await cluster.any().topics.assignment('t'))?.partitions.get(0)).toEqual({
      replicas: [3, 2],
      addingReplicas: [],
      removingReplicas: [],
    });
    expect(cluster.toldTo(1)).toContainEqual(
      expect.objectContaining({
        type: 'StopReplica',
        partitions: [{ topic: 't', partition: 0, leaderEpoch: 2, deletePartition: true }],
      }),
    );
  });

  it('end although the topic grows at that moment, and it keeps what it has grown', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2]);
    await one?.controller.alterReassignments(moveTo([3, 2]));
    await cluster.settle();
    const { tree } = cluster;
    const path = topicZnode.path('t');
    const commit = tree.commit.bind(tree);
    let grown = false;
    tree.commit = (changes, ...rest) => {
      const answer = commit(changes, ...rest);
      const ending = changes.some((change) => 'data' in change && change.data.includes('"leader":3'));
      const node = tree.read(path);
      if (grown || !ending || node === null) return answer;
      grown = true;
      const stored = topicZnode.decode('t', node.data);
      const added = { replicas: [2], addingReplicas: [], removingReplicas: [] };
      const data = topicZnode.encode({ ...stored, partitions: new Map([...stored.partitions, [1, added]]) });
      expect(commit([{ op: 'put', path, data, version: node.version }], 0n, 0)).toMatchObject({ ok: true });
      return answer;
    };
    const joined = alter(1, one?.epoch ?? 0, [1, 2, 3], { leaderEpoch: 1, partitionEpoch: 1 });
    await one?.controller.alterPartition(joined);
    await cluster.until(() => cluster?.state('t', 1)?.leader === 2);
    await cluster.settle();
    expect(grown).toBe(true);
    const { partitions = new Map() } = (await cluster.any().topics.assignment('t')) ?? {};
    expect([...partitions]).toEqual([
      [0, { replicas: [3, 2], addingReplicas: [], removingReplicas: [] }],
      [1, { replicas: [2], addingReplicas: [], removingReplicas: [] }],
    ]);
    expect(await one?.controller.listReassignments(null)).toEqual([]);
    expect(await one?.controller.alterReassignments(moveTo([2, 3]))).toMatchObject([{ error: 0 }]);
  });

  it('do not end, and delete nothing, when their last step meets a state in which nobody of the target can lead', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1]);
    await one?.controller.alterReassignments(moveTo([3]));
    await cluster.settle();
    const { tree } = cluster;
    const path = partitionStateZnode.path('t', 0);
    const commit = tree.commit.bind(tree);
    tree.commit = (changes, ...rest) => {
      const ending = changes.some((change) => 'data' in change && change.data.includes('"leader":3'));
      const node = tree.read(path);
      if (!ending || node === null) return commit(changes, ...rest);
      tree.commit = commit;
      const shrunk = { ...partitionStateZnode.decode('t', 0, node.data), isr: [1] };
      const data = partitionStateZnode.encode(shrunk);
      commit([{ op: 'put', path, data, version: node.version }], 0n, 0);
      return commit(changes, ...rest);
    };
    cluster.forget();
    const joined = alter(1, one?.epoch ?? 0, [1, 3], { leaderEpoch: 1, partitionEpoch: 1 });
    await one?.controller.alterPartition(joined);
    await cluster.settle();
    expect(tree.commit).toBe(commit);
    expect(cluster.state('t', 0)).toMatchObject({ leader: 1, isr: [1] });
    expect(cluster.toldTo(1).filter(({ type }) => type === 'StopReplica')).toEqual([]);
    expect(await one?.controller.listReassignments(null)).toEqual([
      { topic: 't', partition: 0, replicas: [3, 1], addingReplicas: [3], removingReplicas: [1] },
    ]);
  });

  it('can be cancelled, and are refused when they make no sense', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2]);
    const error = async (replicas: number[] | null) => {
      const answers = await one?.controller.alterReassignments(moveTo(replicas));
      return Array.isArray(answers) ? answers[0]?.error : undefined;
    };
    expect(await error(null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
    expect(await error([])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await error([1, 1])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await error([1, 9])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await error([1, 3])).toBe(0);
    expect(await error(null)).toBe(0);
    expect(await one?.controller.listReassignments(null)).toEqual([]);
    expect((await cluster.any().topics.assignment('t'))?.partitions.get(0)?.replicas).toEqual([1, 2]);
    expect(cluster.state('t', 0)?.isr).toEqual([1, 2]);
  });

  it('survive a failover, and come from the legacy znode too', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [2, 3]);
    const path = '/admin/reassign_partitions';
    const data = Buffer.from('{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[3]}]}');
    cluster.answers.set(3, () => null);
    cluster.tree.commit([{ op: 'create', path, data, lifetime: 'persistent' }], 0n, 0);
    await cluster.until(() => cluster.tree.read(path) === null);
    expect(cluster.state('t', 0)?.leader).toBe(3);
    await cluster.kill(cluster.controller().controllerId);
    cluster.answers.clear();
    await cluster.until(() => cluster.active() !== undefined);
    expect((await cluster.any().topics.assignment('t'))?.partitions.get(0)?.replicas).toEqual([3]);
  });
});

describe('many partitions', () => {
  it('a failover over a thousand partitions tells each broker in six requests, leadership in four of them', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    const lists = Array.from({ length: 1000 }, (_, i) => [1 + (i % 3), 1 + ((i + 1) % 3), 1 + ((i + 2) % 3)]);
    await cluster.createTopic('big', ...lists);
    cluster.forget();
    const dead = cluster.controller().controllerId;
    await cluster.kill(dead);
    await cluster.until(() => cluster.active() !== undefined);
    await cluster.settle();
    for (const id of [1, 2, 3].filter((one) => one !== dead)) {
      expect(cluster.toldTo(id).filter(({ controllerEpoch }) => controllerEpoch === 2)).toHaveLength(6);
    }
    expect(cluster.controller().failoverTimeline?.partitionsMoved).toBe(1000);
  });
});

describe('the fence', () => {
  it('holds for a store of an older epoch', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    await cluster.createTopic('t', [1]);
    const old = new FencedStore((one ?? cluster.member(1)).coordinator, 0, 0);
    await expect(old.deleteTopic('t')).rejects.toThrow(/superseded/);
    expect(cluster.state('t', 0)).not.toBeNull();
  });
});
