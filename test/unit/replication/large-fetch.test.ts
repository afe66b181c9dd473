/** A fetch, or a deletion, of so many partitions that it begins to wait in turns: nothing is missed in between. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { ReplicationCluster, TOPIC } from './cluster-kit.ts';

describe('a fetch of very many partitions', () => {
  const COUNT = 1000;
  /** Two turns read them all for the first time; in the third it begins to wait. */
  const FIRST_OF_WAIT = 3;

  /** A fetch of all of them, which waits; `afterPiece` is told of each piece of its work. */
  async function waitingForAll(afterPiece: (cluster: ReplicationCluster, pieces: number) => void) {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    for (let partition = 0; partition < COUNT; partition++) cluster.create([1], partition);
    const partitions = Array.from({ length: COUNT }, (_, partition) => ({
      ...{ topic: TOPIC, topicId: ZERO_UUID, partition, fetchOffset: 0, maxBytes: 1000 },
      ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 },
    }));
    let pieces = 0;
    const turns = new Turns(cluster.clock, (piece) => {
      const result = piece();
      afterPiece(cluster, ++pieces);
      return result;
    });
    const limits = { maxWaitMs: 10_000, minBytes: 1, maxBytes: 1e6, clientRack: null } as const;
    const { replicas } = cluster.node(1);
    const waiting = replicas.fetch({ ...limits, isolation: 'read_uncommitted', partitions }, turns);
    return { cluster, waiting: Promise.resolve(waiting) };
  }

  it.each([
    ['that it waits for already', 3],
    ['that it is still to wait for', COUNT - 1],
  ])('is answered when something comes to one %s', async (_what, partition) => {
    const { cluster, waiting } = await waitingForAll((those, pieces) => {
      if (pieces === FIRST_OF_WAIT) void those.produce(1, ['a'], { acks: 1, partition });
    });
    const startedMs = cluster.clock.nowMs();
    const outcomes = await cluster.clock.runUntilSettled(waiting, 20_000);
    const found = outcomes.filter(({ records }) => records.length > 0);
    expect(found.map(({ wanted }) => wanted.partition)).toEqual([partition]);
    expect(cluster.clock.nowMs() - startedMs).toBeLessThan(100);
  });

  it('is answered when it waits for all, and one has been moved away', async () => {
    const { cluster, waiting } = await waitingForAll(() => {});
    await cluster.clock.runFor(100);
    const elsewhere = { leader: 2, leaderEpoch: 1, partitionEpoch: 1, replicas: [1, 2], isr: [2] };
    Object.assign(cluster.truth(COUNT - 2), elsewhere);
    cluster.tell(COUNT - 2, { only: [1] });
    const outcomes = await cluster.clock.runUntilSettled(waiting, 100);
    expect(outcomes[COUNT - 2]?.error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

describe('a deletion of the records of very many partitions', () => {
  const COUNT = 1000;
  const DELETED_PER_TURN = 100;

  async function deleting(replicas: number[]) {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    for (let partition = 0; partition < COUNT; partition++) cluster.create(replicas, partition);
    const entries = Array.from({ length: COUNT }, (_, partition) => ({
      ...{ topic: TOPIC, partition, offset: partition === 7 ? 1000 : 0 },
    }));
    let pieces = 0;
    const turns = new Turns(cluster.clock, (piece) => {
      pieces++;
      return piece();
    });
    const deleted = cluster.node(1).replicas.deleteRecords(entries, 10_000, turns);
    const outcomes = await cluster.clock.runUntilSettled(Promise.resolve(deleted), 20_000);
    return { outcomes, pieces };
  }

  it.each([[[1]], [[1, 2]]])('takes its turns, with replicas on %s', async (replicas) => {
    const { outcomes, pieces } = await deleting(replicas);
    expect(pieces).toBeGreaterThanOrEqual(COUNT / DELETED_PER_TURN);
    const failed = outcomes.filter(({ error }) => error !== ErrorCode.NONE);
    expect(failed).toMatchObject([{ partition: 7, error: ErrorCode.OFFSET_OUT_OF_RANGE }]);
    expect(outcomes.map(({ partition }) => partition)).toEqual(Array.from({ length: COUNT }, (_, at) => at));
  });
});
