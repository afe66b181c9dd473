/** Brokers that die, come back, lose a disk, or ask to leave. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { UpdateMetadataRequest } from '../../../broker/peers/messages.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { alter, success, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

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

  it.each(['true', ' TRUE '])(
    'out of sync lead only where the topic allows it (%j), and are marked as recovering',
    async (allowed) => {
      cluster = new TestCluster();
      const [one] = await cluster.startAll(1, 2);
      await cluster.createTopic('t', [2, 1]);
      const two = cluster.member(2);
      expect((await one?.controller.alterPartition(alter(2, two.epoch, [2])))?.partitions[0]?.error).toBe(0);
      await cluster.kill(2);
      await cluster.until(() => cluster.state('t', 0)?.leader === -1);
      await one?.store.configs.write('topics', 't', new Map([['unclean.leader.election.enable', allowed]]));
      one?.controller.uncleanElectionAllowed('t');
      await cluster.until(() => cluster.state('t', 0)?.leader === 1);
      expect(cluster.state('t', 0)?.isr).toEqual([1]);
      expect(cluster.tree.read('/brokers/topics/t/partitions/0/state')?.data.toString()).toContain(
        '"leader_recovery_state":1',
      );
    },
  );

  it('that come back under a new epoch before their death was seen are told everything anew', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    cluster.forget();
    const former = cluster.member(2);
    const session = await cluster.source.open(1000);
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
