/** Consumer fetches and offsets, as the handlers above see them. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { batch } from '../log/support.ts';
import { atOnce, ReplicationCluster, TOPIC, TOPIC_ID } from './cluster-kit.ts';
import { fetch, fetching, oneBroker, values } from './one-consumer.ts';

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
      config: { replicaSelectorClass: 'org.apache.kafka.common.replica.RackAwareReplicaSelector' },
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
      topicId: ZERO_UUID,
      partition,
      fetchOffset: 0,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      maxBytes: 1_000_000,
      logStartOffset: -1,
    });
    const read = async (maxBytes: number, hardMaxBytes = false): Promise<number[]> => {
      const limits = { maxWaitMs: 0, minBytes: 1, maxBytes, hardMaxBytes, clientRack: '' };
      const outcomes = await cluster
        .node(1)
        .replicas.fetch(
          { ...limits, isolation: 'read_uncommitted', partitions: [want(0), want(1)] },
          new Turns(cluster.clock),
        );
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
      atOnce(
        replicas.listOffset(TOPIC, 0, {
          timestampMs,
          isolation,
          currentLeaderEpoch: -1,
          fetchOnlyLeader: true,
        }),
      );
    expect(list(-1)).toMatchObject({ error: 0, offset: 2, timestampMs: -1, leaderEpoch: 0 });
    expect(list(-1, null).offset).toBe(3);
    expect(list(-2)).toMatchObject({ error: 0, offset: 0, timestampMs: -1, leaderEpoch: 0 });
    expect(list(1000)).toMatchObject({ error: 0, offset: 0, timestampMs: 1000 });
    expect(list(1001)).toMatchObject({ error: 0, offset: -1, timestampMs: -1 });
    expect(list(-3)).toMatchObject({ error: 0, offset: 0, timestampMs: 1000 });
    expect(list(-5)).toMatchObject({ error: 0, offset: -1 });
    const other = cluster.node(2).replicas;
    const query = { timestampMs: -1, isolation: null, currentLeaderEpoch: -1, fetchOnlyLeader: true };
    expect(atOnce(other.listOffset(TOPIC, 0, query)).error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it('of segments, for clients of before there were indexes of times', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a', 'b']);
    cluster.network.cut('host1', 'host2');
    await cluster.produce(1, ['c'], { acks: 1 });
    const list = (
      timestampMs: number,
      maxOffsets: number,
      { isConsumer = true, at = 1 }: { isConsumer?: boolean; at?: number } = {},
    ) => {
      const query = { timestampMs, maxOffsets, isConsumer, fetchOnlyLeader: true };
      return cluster.node(at).replicas.legacyOffsets(TOPIC, 0, query);
    };
    // The end of the log, 3, lies beyond the high watermark.
    expect(list(-1, 5)).toEqual({ error: 0, offsets: [2, 0] });
    expect(list(-1, 1)).toEqual({ error: 0, offsets: [2] });
    expect(list(-1, 5, { isConsumer: false })).toEqual({ error: 0, offsets: [3, 0] });
    expect(list(-2, 5)).toEqual({ error: 0, offsets: [0] });
    expect(list(-1, -1)).toEqual({ error: ErrorCode.UNKNOWN_SERVER_ERROR, offsets: [] });
    expect(list(-1, 5, { at: 2 }).error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it('are not told by a new leader that has not yet committed what it began with', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    cluster.network.cut('host1', 'host2');
    await cluster.produce(1, ['a'], { acks: 1 });
    cluster.elect(1, [1, 2]);
    const query = { isolation: 'read_uncommitted' as const, currentLeaderEpoch: -1, fetchOnlyLeader: true };
    const { replicas } = cluster.node(1);
    expect(atOnce(replicas.listOffset(TOPIC, 0, { ...query, timestampMs: -1 })).error).toBe(
      ErrorCode.OFFSET_NOT_AVAILABLE,
    );
    expect(atOnce(replicas.listOffset(TOPIC, 0, { ...query, timestampMs: 500 })).error).toBe(
      ErrorCode.OFFSET_NOT_AVAILABLE,
    );
    expect(atOnce(replicas.listOffset(TOPIC, 0, { ...query, timestampMs: -2 })).offset).toBe(0);
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
