/** The controller when things go wrong: garbage in the tree, a cut-off session, brokers that do not answer. */
import { afterEach, describe, expect, it } from 'vitest';
import type { BrokerInfo } from '../../../broker/cluster.ts';
import { BrokerChannels } from '../../../broker/controller/broker-channels.ts';
import { EventQueue } from '../../../broker/controller/events.ts';
import { RequestBatch } from '../../../broker/controller/request-batch.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import type { PeerRequest, PeerResponseTo } from '../../../broker/peers/messages.ts';
import { PeerUnreachable } from '../../../broker/peers/peers.contract.ts';
import type { Clock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { assignment, TestCluster } from './cluster.ts';
import { clusterOf } from './views.ts';

let cluster: TestCluster | undefined;

afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const put = (path: string, text: string) =>
  ({ op: 'create', path, data: Buffer.from(text), lifetime: 'persistent' }) as const;

describe('a broker that does not answer', () => {
  it('is told of once, until it has answered', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    const said = () => cluster?.log.filter((line) => line.includes('to broker 2 got no answer')).length;
    for (const times of [1, 2]) {
      cluster.answers.set(2, () => null);
      await cluster.any().topics.create(`t${times}`, assignment([[1, 2]]), new Map());
      await cluster.pass(2000);
      expect(said()).toBe(times);
      cluster.answers.delete(2);
      await cluster.pass(2000);
    }
  });
});

describe('garbage in the tree', () => {
  it('of one topic, one state and one broker does not keep the others from being led', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('good', [1, 2], [1, 2]);
    const state = '/brokers/topics/good/partitions/1/state';
    cluster.tree.commit([put('/brokers/topics/bad', 'nonsense'), put('/brokers/ids/7', '{}')], 0n, 0);
    cluster.tree.commit([{ op: 'put', path: state, data: Buffer.from('[]'), version: 0 }], 0n, 0);
    await cluster.kill(1);
    await cluster.until(() => cluster?.state('good', 0)?.leader === 2);
    await cluster.until(() => cluster?.active() !== undefined);
    const said = (text: string): boolean => cluster?.log.some((line) => line.includes(text)) ?? false;
    expect(said('/brokers/topics/bad')).toBe(true);
    expect(said('/brokers/topics/good/partitions/1/state')).toBe(true);
    expect(said('/brokers/ids/7')).toBe(true);
    await cluster.createTopic('later', [2]);
  });

  it('in a request of an old tool is removed with the request', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1);
    const paths = ['/admin/preferred_replica_election', '/admin/reassign_partitions'];
    cluster.tree.commit(
      paths.map((path) => put(path, 'nonsense')),
      0n,
      0,
    );
    await cluster.until(() => paths.every((path) => cluster?.tree.read(path) === null));
  });

  it('that keeps a controller from taking office makes it rest before it stands again', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1);
    cluster.tree.commit([{ op: 'put', path: '/feature', data: Buffer.from('{}'), version: 0 }], 0n, 0);
    cluster.tree.commit([{ op: 'remove', path: '/controller', version: -1 }], 0n, 0);
    const { controller } = cluster.member(1);
    await cluster.until(() => cluster?.log.some((line) => line.includes('Could not take office')) ?? false);
    await cluster.settle();
    expect(controller.isActive).toBe(false);
    expect(cluster.tree.read('/controller')).toBeNull();
    expect(cluster.tree.read('/controller_epoch')?.data.toString()).toBe('2');
    const feature = Buffer.from('{"features":{},"version":2,"status":1}');
    cluster.tree.commit([{ op: 'put', path: '/feature', data: feature, version: 1 }], 0n, 0);
    await cluster.pass(1000);
    expect(controller.isActive).toBe(true);
  });
});

describe('a controller that is cut off from ZooKeeper', () => {
  it('changes nothing once another has been elected, and answers NOT_CONTROLLER', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    const old = cluster.controller();
    const { coordinator, epoch, id } = cluster.member(old.controllerId);
    const other = cluster.member(id === 1 ? 2 : 1);
    coordinator.onSession((state) => {
      if (state === 'lost') old.onSessionLost();
    });
    cluster.source.suspend(coordinator.sessionId);
    cluster.source.expire(coordinator.sessionId);
    await cluster.until(() => other.controller.isActive && other.controller.failoverTimeline !== null);
    await cluster.settle();
    const before = cluster.tree.read('/brokers/topics/t/partitions/0/state');
    const answer = old.alterPartition({
      type: 'AlterPartition',
      brokerId: id,
      brokerEpoch: epoch,
      partitions: [
        { topic: 't', partition: 0, leaderEpoch: 0, newIsr: [1], leaderRecoveryState: 0, partitionEpoch: 0 },
      ],
    });
    cluster.source.resume(coordinator.sessionId);
    expect((await answer).error).toBe(ErrorCode.NOT_CONTROLLER);
    expect(old.isActive).toBe(false);
    expect(cluster.tree.read('/brokers/topics/t/partitions/0/state')).toEqual(before);
    expect(cluster.state('t', 0)?.leader).toBe(other.id);
  });

  it('for a moment goes on, and a commit whose answer was lost is not made twice', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    const { controllerId } = cluster.controller();
    cluster.source.dropNextAnswer(cluster.member(controllerId).coordinator.sessionId);
    const other = controllerId === 1 ? 2 : 1;
    await cluster.kill(other);
    await cluster.until(() => cluster?.state('t', 0)?.isr.length === 1);
    await cluster.settle();
    expect(cluster.state('t', 0)).toEqual({ leader: controllerId, isr: [controllerId], leaderEpoch: 1 });
    expect(cluster.controller().epoch).toBe(1);
  });
});

describe('a channel to a broker', () => {
  const broker = (epoch: number): BrokerInfo => ({ id: 1, epoch, rack: null, endpoints: [] });
  const request = (controllerEpoch: number) =>
    ({
      type: 'UpdateMetadata',
      controllerId: 9,
      controllerEpoch,
      brokerEpoch: -1,
      topicIds: [],
      partitions: [],
      liveBrokers: [],
    }) as const;

  function harness() {
    const timers: { delayMs: number; run: () => void }[] = [];
    const clock: Clock = {
      wallMs: () => 0,
      nowMs: () => 0,
      after: (delayMs, run) => {
        const timer = { delayMs, run };
        timers.push(timer);
        return { cancel: () => timers.splice(0) };
      },
      soon: (run) => run(),
    };
    const sent: string[] = [];
    const answers: { resolve: () => void; reject: () => void }[] = [];
    const answered: number[] = [];
    const channels = new BrokerChannels({
      peers: {
        request: <R extends PeerRequest>(to: BrokerInfo, one: R) => {
          const { controllerEpoch, brokerEpoch } = one as unknown as ReturnType<typeof request>;
          sent.push(`${controllerEpoch} to epoch ${to.epoch}/${brokerEpoch}`);
          return new Promise<PeerResponseTo<R>>((resolve, reject) => {
            answers.push({
              resolve: () => resolve({ error: 0 } as PeerResponseTo<R>),
              reject: () => reject(new PeerUnreachable('down')),
            });
          });
        },
      },
      clock,
      diagnostics: silent,
      requestTimeoutMs: 1,
      answered: (_, one) => answered.push(one.controllerEpoch),
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    return { channels, timers, sent, answers, answered, turn };
  }

  it('has one request in flight, sends it again after 100 ms, and keeps the order', async () => {
    const { channels, timers, sent, answers, answered, turn } = harness();
    channels.add(broker(5));
    channels.send(1, request(1));
    channels.send(1, request(2));
    channels.send(7, request(3));
    expect(sent).toEqual(['1 to epoch 5/5']);
    answers[0]?.reject();
    await turn();
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([100]);
    timers[0]?.run();
    expect(sent).toEqual(['1 to epoch 5/5', '1 to epoch 5/5']);
    expect(channels.queueSize).toBe(2);
    answers[1]?.resolve();
    await turn();
    expect(sent.at(-1)).toBe('2 to epoch 5/5');
    expect(answered).toEqual([1]);
  });

  it('drops what was meant for a former self of the broker, and its late answers', async () => {
    const { channels, sent, answers, answered, turn } = harness();
    channels.add(broker(5));
    channels.send(1, request(1));
    channels.send(1, request(2));
    channels.add(broker(6));
    channels.send(1, request(3));
    answers[0]?.resolve();
    await turn();
    expect(sent).toEqual(['1 to epoch 5/5', '3 to epoch 6/6']);
    expect(answered).toEqual([]);
  });

  it('sends nothing any more once all are removed', async () => {
    const { channels, timers, sent, answers, turn } = harness();
    channels.add(broker(5));
    channels.send(1, request(1));
    answers[0]?.reject();
    await turn();
    channels.removeAll();
    for (const timer of timers) timer.run();
    expect(sent).toHaveLength(1);
  });
});

describe('the event queue', () => {
  it('runs one event at a time, merges those that do the same, and survives one that throws', async () => {
    const ran: string[] = [];
    const failed: string[] = [];
    const queue = new EventQueue(async ({ name }) => {
      failed.push(name);
    });
    const event = (name: string, key?: string) => ({
      name,
      ...(key === undefined ? {} : { key }),
      run: async () => {
        ran.push(`${name} begins`);
        await Promise.resolve();
        if (name === 'bad') throw new Error('bad');
        ran.push(`${name} ends`);
      },
    });
    queue.put(event('a', 'look'));
    queue.put(event('b', 'look'));
    queue.put(event('bad'));
    queue.put(event('c'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ran).toEqual(['a begins', 'a ends', 'bad begins', 'c begins', 'c ends']);
    expect(failed).toEqual(['bad']);
  });

  it('answers those whose event will not run', async () => {
    const dropped: string[] = [];
    const queue = new EventQueue(async () => {});
    const event = (name: string) => ({ name, run: async () => {}, dropped: () => dropped.push(name) });
    queue.put(event('a'));
    queue.clear();
    queue.close();
    queue.put(event('b'));
    expect(dropped).toEqual(['a', 'b']);
  });
});

describe('requests about very many partitions', () => {
  it('are cut into pieces: ten thousand where only memory is concerned, few where files are', () => {
    const sketches = Array.from({ length: 10_001 }, () => ({ replicas: [1], leader: 1 }));
    const state = clusterOf([1], ...sketches);
    const batch = new RequestBatch(state, 1);
    for (const partition of state.partitions()) {
      batch.add({ request: 'LeaderAndIsr', to: [1], partition, isNew: false });
    }
    for (const partition of state.partitions()) {
      batch.add({ request: 'StopReplica', to: 1, partition, deletePartition: false });
    }
    const sizes = (type: string): number[] =>
      batch.requests().flatMap(({ request }) => (request.type === type ? [request.partitions.length] : []));
    const pieces = [...Array.from({ length: 40 }, () => 250), 1];
    expect(sizes('LeaderAndIsr')).toEqual(pieces);
    expect(sizes('UpdateMetadata')).toEqual([10_000, 1]);
    expect(sizes('StopReplica')).toEqual(pieces);
  });
});
