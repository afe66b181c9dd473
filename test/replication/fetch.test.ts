/** Consumer fetches, offsets and leadership requests, as the handlers above see them. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/protocol/errors.ts';
import { completeBatches } from '../../broker/records/batch.ts';
import { readRecords } from '../../broker/records/record.ts';
import type { LeadershipChange } from '../../broker/replication/leadership.ts';
import { RACK_AWARE_SELECTOR } from '../../broker/replication/preferred-replica.ts';
import type { FetchOutcome } from '../../broker/replication/read-partition.ts';
import type { FetchRequest } from '../../broker/replication/replica-fetch.ts';
import { batch } from '../log/support.ts';
import { ReplicationCluster, TOPIC, TOPIC_ID } from './cluster-kit.ts';

interface Wanted extends Partial<Omit<FetchRequest, 'partitions'>> {
  readonly offset?: number;
  readonly partition?: number;
  readonly topic?: string;
  readonly epoch?: number;
  readonly lastEpoch?: number;
  readonly topicId?: string;
  readonly partitionMaxBytes?: number;
}

async function fetch(cluster: ReplicationCluster, id: number, wanted: Wanted = {}): Promise<FetchOutcome> {
  const [outcome] = await cluster.clock.runUntilSettled(fetching(cluster, id, wanted), 60_000);
  if (outcome === undefined) throw new Error('no outcome');
  return outcome;
}

function fetching(cluster: ReplicationCluster, id: number, wanted: Wanted): Promise<FetchOutcome[]> {
  const { offset = 0, partition = 0, topic = TOPIC, epoch = -1, lastEpoch = -1, topicId, ...rest } = wanted;
  const { partitionMaxBytes = 1_000_000, ...limits } = rest;
  const want = {
    topic,
    partition,
    fetchOffset: offset,
    currentLeaderEpoch: epoch,
    lastFetchedEpoch: lastEpoch,
    maxBytes: partitionMaxBytes,
    logStartOffset: -1,
    ...(topicId !== undefined && { topicId }),
  };
  return Promise.resolve(
    cluster.node(id).replicas.fetch({
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 10_000_000,
      isolation: 'read_uncommitted',
      clientRack: '',
      partitions: [want],
      ...limits,
    }),
  );
}

function values({ records }: FetchOutcome): string[] {
  return [...completeBatches(records)].flatMap((at) =>
    readRecords(records, at).map(({ offset, value }) => `${offset}:${value}`),
  );
}

async function oneBroker(topic: Record<string, string> = {}): Promise<ReplicationCluster> {
  const cluster = await ReplicationCluster.start({ brokers: 1, topic });
  cluster.create([1]);
  return cluster;
}

describe('a consumer reads', () => {
  it('what is committed, and not what is not', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a']);
    cluster.network.cut('host1', 'host2');
    await cluster.produce(1, ['b'], { acks: 1 });
    const outcome = await fetch(cluster, 1);
    expect(values(outcome)).toEqual(['0:a']);
    expect(outcome).toMatchObject({ error: 0, highWatermark: 1, lastStableOffset: 1, logStartOffset: 0 });
    expect(outcome.abortedTransactions).toBeNull();
    for (const offset of [1, 2]) {
      const beyond = await fetch(cluster, 1, { offset });
      expect([beyond.error, values(beyond)]).toEqual([ErrorCode.NONE, []]);
    }
    expect((await fetch(cluster, 1, { offset: 3 })).error).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });

  it('committed transactions only, when it asks for that', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    const open = batch(['t'], { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true });
    const appended = cluster.node(1).replicas.append({
      acks: -1,
      timeoutMs: 1000,
      origin: 'client',
      apiVersion: 9,
      entries: [{ topic: TOPIC, partition: 0, records: open }],
    });
    expect(appended).toMatchObject([{ error: 0, baseOffset: 1 }]);
    await cluster.produced(1, ['b']);
    expect(values(await fetch(cluster, 1))).toEqual(['0:a', '1:t', '2:b']);
    const committed = await fetch(cluster, 1, { isolation: 'read_committed' });
    expect(values(committed)).toEqual(['0:a']);
    expect(committed).toMatchObject({ lastStableOffset: 1, highWatermark: 3, abortedTransactions: [] });
  });

  it.each([
    ['an unknown topic', { topic: 'nothing' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['another topic id', { topicId: 'AAAAAAAAAAAAAAAAAAAABQ' }, ErrorCode.INCONSISTENT_TOPIC_ID],
    ['an old leader epoch', { epoch: 0 }, ErrorCode.FENCED_LEADER_EPOCH],
    ['a future leader epoch', { epoch: 2 }, ErrorCode.UNKNOWN_LEADER_EPOCH],
  ])('nothing of %s', async (_what, wanted, error) => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    cluster.elect(1);
    expect((await fetch(cluster, 1, wanted)).error).toBe(error);
    expect((await fetch(cluster, 1, { topicId: TOPIC_ID, epoch: 1 })).error).toBe(ErrorCode.NONE);
  });

  it('is told where its epoch ended when it tells its last epoch', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a', 'b']);
    cluster.elect(1);
    await cluster.produced(1, ['c']);
    const outcome = await fetch(cluster, 1, { offset: 3, lastEpoch: 0 });
    expect(outcome).toMatchObject({ error: 0, divergingEpoch: { epoch: 0, endOffset: 2 } });
    expect(values(outcome)).toEqual([]);
  });

  it('is sent to the leader by who is not, and told who that is', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a']);
    await cluster.clock.runFor(100);
    const refused = await fetch(cluster, 2, { clientRack: null });
    expect(refused).toMatchObject({
      error: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 1, leaderEpoch: 0 },
    });
    // A version that can say where it is may read from a follower.
    expect(values(await fetch(cluster, 2))).toEqual(['0:a']);
    expect((await fetch(cluster, 2, { offset: 2 })).error).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });

  it('waits on a follower until that has heard that the record is committed', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.clock.runFor(100);
    const waiting = fetching(cluster, 2, { maxWaitMs: 10_000 });
    const startedMs = cluster.clock.nowMs();
    await cluster.produced(1, ['a']);
    const [outcome] = await cluster.clock.runUntilSettled(waiting, 10_000);
    expect(outcome === undefined ? [] : values(outcome)).toEqual(['0:a']);
    expect(cluster.clock.nowMs() - startedMs).toBeLessThan(50);
  });

  it('from the replica of its own rack, if the selector is set and that has the offset', async () => {
    const cluster = await ReplicationCluster.start({
      racks: ['x', 'y', 'z'],
      config: { replicaSelectorClass: RACK_AWARE_SELECTOR },
    });
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    const preferred = async (clientRack: string | null, offset = 0) =>
      (await fetch(cluster, 1, { clientRack, offset })).preferredReadReplica;
    expect(await preferred('y')).toBe(2);
    expect(await preferred('x')).toBe(-1);
    expect(await preferred('nowhere')).toBe(-1);
    expect(await preferred(null)).toBe(-1);
    const sent = await fetch(cluster, 1, { clientRack: 'z', maxWaitMs: 10_000, minBytes: 1000 });
    expect([sent.preferredReadReplica, sent.records.length, sent.highWatermark]).toEqual([3, 0, 1]);
    cluster.network.cut('host1', 'host2');
    await cluster.produce(1, ['b'], { acks: 1 });
    expect(await preferred('y', 2)).toBe(-1);
    cluster.alive.delete(3);
    expect(await preferred('z')).toBe(-1);
  });
});

describe('a fetch waits', () => {
  it('until there is something, at most as long as it said', async () => {
    const cluster = await oneBroker();
    const patient = fetching(cluster, 1, { maxWaitMs: 5000 });
    await cluster.clock.runFor(1000);
    await cluster.produce(1, ['a'], { acks: 1 });
    const [outcome] = await cluster.clock.runUntilSettled(patient, 0);
    expect(outcome === undefined ? [] : values(outcome)).toEqual(['0:a']);
    const startedMs = cluster.clock.nowMs();
    expect(values(await fetch(cluster, 1, { offset: 1, maxWaitMs: 500 }))).toEqual([]);
    expect(cluster.clock.nowMs() - startedMs).toBeCloseTo(500, 0);
  });

  it('until there is as much as it wants', async () => {
    const cluster = await oneBroker();
    const size = batch(['a']).length;
    let done = false;
    const waiting = fetching(cluster, 1, { maxWaitMs: 60_000, minBytes: 3 * size });
    void waiting.then(() => {
      done = true;
    });
    for (const value of ['a', 'b']) await cluster.produced(1, [value], { acks: 1 });
    await cluster.clock.runFor(100);
    expect(done).toBe(false);
    await cluster.produced(1, ['c'], { acks: 1 });
    const [outcome] = await cluster.clock.runUntilSettled(waiting, 0);
    expect(outcome === undefined ? [] : values(outcome)).toEqual(['0:a', '1:b', '2:c']);
  });

  it('not for what lies in the next segment when it reads at the end of one', async () => {
    const size = batch(['a']).length;
    const cluster = await oneBroker({ 'segment.bytes': String(2 * size) });
    for (const value of ['a', 'b', 'c']) await cluster.produced(1, [value], { acks: 1 });
    const startedMs = cluster.clock.nowMs();
    expect(values(await fetch(cluster, 1, { maxWaitMs: 10_000, minBytes: 100 * size }))).toEqual([
      '0:a',
      '1:b',
    ]);
    const rolling = fetching(cluster, 1, { offset: 2, maxWaitMs: 10_000, minBytes: 100 * size });
    for (const value of ['d', 'e']) await cluster.produced(1, [value], { acks: 1 });
    const [outcome] = await cluster.clock.runUntilSettled(rolling, 0);
    expect(outcome === undefined ? [] : values(outcome)).toEqual(['2:c', '3:d']);
    expect(cluster.clock.nowMs()).toBe(startedMs);
  });

  it('not when a partition has an error, and no longer once its partition has moved', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.clock.runFor(100);
    const startedMs = cluster.clock.nowMs();
    await fetch(cluster, 1, { topic: 'nothing', maxWaitMs: 10_000 });
    expect(cluster.clock.nowMs()).toBe(startedMs);
    const waiting = fetching(cluster, 1, { maxWaitMs: 10_000, clientRack: null });
    cluster.elect(2);
    const [outcome] = await cluster.clock.runUntilSettled(waiting, 0);
    expect(outcome?.error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

describe('the limits of a fetch', () => {
  it('let the first batch through whole, and leave out what no longer fits', async () => {
    const cluster = await oneBroker();
    cluster.create([1], 1);
    for (const partition of [0, 1]) {
      for (const value of ['a', 'b']) await cluster.produced(1, [value.repeat(1000)], { partition });
    }
    const size = batch(['a'.repeat(1000)]).length;
    const want = (partition: number) => ({
      topic: TOPIC,
      partition,
      fetchOffset: 0,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      maxBytes: 1_000_000,
      logStartOffset: -1,
    });
    const read = async (maxBytes: number, hardMaxBytes = false): Promise<number[]> => {
      const outcomes = await cluster.node(1).replicas.fetch({
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes,
        hardMaxBytes,
        isolation: 'read_uncommitted',
        clientRack: '',
        partitions: [want(0), want(1)],
      });
      return outcomes.map(({ records }) => records.length);
    };
    expect(await read(1)).toEqual([size, 0]);
    expect(await read(1, true)).toEqual([0, 0]);
    expect(await read(3 * size)).toEqual([2 * size, size]);
    expect(await read(10 * size)).toEqual([2 * size, 2 * size]);
  });
});

describe('offsets', () => {
  it('by time, of the end and of the start, for consumers and for replicas', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a', 'b']);
    cluster.network.cut('host1', 'host2');
    await cluster.produce(1, ['c'], { acks: 1 });
    const { replicas } = cluster.node(1);
    const list = (timestampMs: number, isolation: 'read_uncommitted' | null = 'read_uncommitted') =>
      replicas.listOffset(TOPIC, 0, {
        timestampMs,
        isolation,
        currentLeaderEpoch: -1,
        fetchOnlyLeader: true,
      });
    expect(list(-1)).toMatchObject({ error: 0, offset: 2, timestampMs: -1, leaderEpoch: 0 });
    expect(list(-1, null).offset).toBe(3);
    expect(list(-2)).toMatchObject({ error: 0, offset: 0, timestampMs: -1, leaderEpoch: 0 });
    expect(list(1000)).toMatchObject({ error: 0, offset: 0, timestampMs: 1000 });
    expect(list(1001)).toMatchObject({ error: 0, offset: -1, timestampMs: -1 });
    expect(list(-3)).toMatchObject({ error: 0, offset: 0, timestampMs: 1000 });
    expect(list(-5)).toMatchObject({ error: 0, offset: -1 });
    const other = cluster.node(2).replicas;
    const query = { timestampMs: -1, isolation: null, currentLeaderEpoch: -1, fetchOnlyLeader: true };
    expect(other.listOffset(TOPIC, 0, query).error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it('are not told by a new leader that has not yet committed what it began with', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    cluster.network.cut('host1', 'host2');
    await cluster.produce(1, ['a'], { acks: 1 });
    cluster.elect(1, [1, 2]);
    const query = { isolation: 'read_uncommitted' as const, currentLeaderEpoch: -1, fetchOnlyLeader: true };
    const { replicas } = cluster.node(1);
    expect(replicas.listOffset(TOPIC, 0, { ...query, timestampMs: -1 }).error).toBe(
      ErrorCode.OFFSET_NOT_AVAILABLE,
    );
    expect(replicas.listOffset(TOPIC, 0, { ...query, timestampMs: 500 }).error).toBe(
      ErrorCode.OFFSET_NOT_AVAILABLE,
    );
    expect(replicas.listOffset(TOPIC, 0, { ...query, timestampMs: -2 }).offset).toBe(0);
  });

  it('at which an epoch ended', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    cluster.elect(1);
    await cluster.produced(1, ['b']);
    const { replicas } = cluster.node(1);
    const ask = (leaderEpoch: number, currentLeaderEpoch = -1) =>
      replicas.endOffsetForEpoch(TOPIC, 0, { leaderEpoch, currentLeaderEpoch, fetchOnlyLeader: true });
    expect([ask(0), ask(1), ask(7)]).toEqual([
      { error: 0, epoch: 0, endOffset: 1 },
      { error: 0, epoch: 1, endOffset: 2 },
      { error: 0, epoch: -1, endOffset: -1 },
    ]);
    expect(ask(0, 0).error).toBe(ErrorCode.FENCED_LEADER_EPOCH);
  });
});

describe('appends', () => {
  it('are refused one by one, and the others go through', async () => {
    const cluster = await oneBroker();
    const entries = [
      { topic: 'nothing', partition: 0, records: batch(['a']) },
      { topic: TOPIC, partition: 0, records: batch(['b']) },
      { topic: '__consumer_offsets', partition: 0, records: batch(['c']) },
    ];
    const request = { acks: -1, timeoutMs: 1000, origin: 'client' as const, apiVersion: 9, entries };
    const outcomes = cluster.node(1).replicas.append(request);
    expect(outcomes).toMatchObject([
      { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { error: ErrorCode.NONE, baseOffset: 0 },
      { error: ErrorCode.INVALID_TOPIC_EXCEPTION },
    ]);
    expect(cluster.node(1).replicas.append({ ...request, acks: 2 })).toMatchObject(
      entries.map(() => ({ error: ErrorCode.INVALID_REQUIRED_ACKS })),
    );
  });

  it('that wait for acks=all end when the leader loses its role', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.clock.runFor(100);
    cluster.network.isolate(['host1'], ['host2', 'host3']);
    const waiting = cluster.produce(1, ['a']);
    cluster.elect(2);
    const outcome = await cluster.clock.runUntilSettled(waiting, 0);
    expect(outcome).toMatchObject({
      error: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 2, leaderEpoch: 1 },
    });
  });

  it('of coordinators are fenced by the epoch they were elected in', async () => {
    const cluster = await oneBroker();
    cluster.elect(1);
    const { replicas } = cluster.node(1);
    const write = (leaderEpoch: number) =>
      replicas.appendToCoordinatorLog(TOPIC, 0, batch(['a']), { leaderEpoch, timeoutMs: 1000 });
    expect(await write(0)).toEqual({ error: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 });
    expect(await write(1)).toEqual({ error: ErrorCode.NONE, baseOffset: 0 });
    const read = replicas.readForCoordinator(TOPIC, 0, 0, 1000);
    expect(read).toMatchObject({ nextOffset: 1, logEndOffset: 1 });
  });
});

describe('LeaderAndIsr and StopReplica', () => {
  it('announce leaders, then followers, then what was deleted', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    const heard: string[] = [];
    const { replicas, info } = cluster.node(1);
    replicas.onLeadership((change: LeadershipChange) => {
      heard.push(`${change.partition} ${change.role} ${change.leaderEpoch}`);
    });
    const from = { controllerId: 1, controllerEpoch: 1, brokerEpoch: info.epoch, topicIds: {} };
    const state = (partition: number, leader: number, replicaIds = [1, 2]) => ({
      topic: TOPIC,
      partition,
      controllerEpoch: 1,
      leader,
      leaderEpoch: 4,
      isr: replicaIds,
      partitionEpoch: 0,
      replicas: replicaIds,
      addingReplicas: [],
      removingReplicas: [],
      isNew: true,
      leaderRecoveryState: 0,
    });
    const partitions = [state(0, 2), state(1, 1), state(2, 9), state(3, 2, [2])];
    const request = { type: 'LeaderAndIsr' as const, ...from, partitions, liveLeaders: [] };
    const errors = replicas.becomeLeaderOrFollower(request).partitions.map(({ error }) => error);
    expect(errors).toEqual([0, 0, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(heard).toEqual(['1 leader 4', '0 follower 4']);
    // A leader that is not alive: there is a log, but nothing is followed.
    expect(replicas.partition(TOPIC, 2)?.log).not.toBeNull();
    expect(replicas.partition(TOPIC, 2)?.role).toBe('none');
    const again = replicas.becomeLeaderOrFollower(request).partitions.map(({ error }) => error);
    expect(again).toEqual([
      ErrorCode.STALE_CONTROLLER_EPOCH,
      ErrorCode.STALE_CONTROLLER_EPOCH,
      0,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    const stop = (leaderEpoch: number, deletePartition: boolean) =>
      replicas.stopReplicas({
        type: 'StopReplica',
        ...from,
        partitions: [{ topic: TOPIC, partition: 1, leaderEpoch, deletePartition }],
      }).partitions[0]?.error;
    expect(stop(3, true)).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(stop(4, false)).toBe(0);
    expect(replicas.partition(TOPIC, 1)).toBeDefined();
    expect(stop(-2, true)).toBe(0);
    expect([replicas.partition(TOPIC, 1), cluster.node(1).logs.log(TOPIC, 1)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(heard.at(-1)).toBe('1 stopped 4');
    expect(stop(4, true)).toBe(0);
  });

  it('refuse a topic that was deleted and made anew under the same name', async () => {
    const cluster = await oneBroker();
    const { replicas, info } = cluster.node(1);
    const truth = cluster.truth();
    const answer = replicas.becomeLeaderOrFollower({
      type: 'LeaderAndIsr',
      controllerId: 1,
      controllerEpoch: 1,
      brokerEpoch: info.epoch,
      topicIds: { [TOPIC]: 'AAAAAAAAAAAAAAAAAAAABQ' },
      liveLeaders: [],
      partitions: [
        {
          ...truth,
          topic: TOPIC,
          partition: 0,
          controllerEpoch: 1,
          leaderEpoch: 9,
          addingReplicas: [],
          removingReplicas: [],
          isNew: true,
          leaderRecoveryState: 0,
        },
      ],
    });
    expect(answer.partitions[0]?.error).toBe(ErrorCode.INCONSISTENT_TOPIC_ID);
  });

  it('find the high watermark of before in the checkpoint', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a', 'b']);
    await cluster.clock.runFor(6000);
    cluster.kill(1);
    await cluster.startBroker(1);
    cluster.truth().isr = [1, 2];
    cluster.truth().replicas = [1, 2];
    cluster.tell(0, { only: [1] });
    expect(cluster.log(1).highWatermark).toBe(2);
    cluster.node(1).replicas.shutdown();
  });

  it('are answered KAFKA_STORAGE_ERROR once the log directory has failed, as all requests are', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    cluster.node(1).disk.fault = (operation) => (operation === 'write' ? 'EIO' : null);
    expect((await cluster.produced(1, ['b'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await cluster.clock.runFor(10);
    expect((await cluster.produced(1, ['c'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await fetch(cluster, 1)).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    cluster.truth().leaderEpoch += 1;
    expect(cluster.tell().get(1)?.partitions[0]?.error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(await cluster.node(1).metrics.render()).toMatch(/offlinereplicacount 1\n/);
  });
});
