/** Records that the disk has to bring: who wants them waits, and nobody else. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { atOnce, Turns } from '../../../broker/platform/turns.ts';
import type { FetchOutcome } from '../../../broker/replication/requests/read-partition.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { ReplicationCluster, TOPIC } from './cluster-kit.ts';
import { values } from './one-consumer.ts';
import { leaderOnly, playedFollower } from './played-follower.ts';

async function fetched(cluster: ReplicationCluster, partitions: readonly number[]): Promise<FetchOutcome[]> {
  const wants = partitions.map((partition) => ({
    ...{ topic: TOPIC, topicId: ZERO_UUID, partition, fetchOffset: 0, maxBytes: 1_000_000 },
    ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 },
  }));
  const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 10_000_000, isolation: 'read_uncommitted' } as const;
  const request = { ...limits, clientRack: '', partitions: wants };
  return cluster.node(1).replicas.fetch(request, new Turns(cluster.clock));
}

describe('a consumer whose records the disk has to bring', () => {
  it('is answered when they are there, and keeps nobody waiting', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 1 });
    cluster.create([1]);
    cluster.create([1], 1);
    await cluster.produced(1, ['old']);
    await cluster.produced(1, ['new'], { partition: 1 });
    const { disk } = cluster.node(1);
    const coming = Promise.withResolvers<void>();
    const asked: string[] = [];
    disk.warming = (path) => {
      if (!path.includes(`${TOPIC}-0/`)) return null;
      asked.push(path);
      return coming.promise;
    };
    let outcomes: FetchOutcome[] = [];
    void fetched(cluster, [1, 0]).then((answer) => {
      outcomes = answer;
    });
    await cluster.clock.runFor(100);
    expect([asked.length, outcomes]).toEqual([1, []]);
    expect((await cluster.settled(fetched(cluster, [1]))).map(values)).toEqual([['0:new']]);
    coming.resolve();
    await cluster.clock.runFor(1);
    expect(outcomes.map(values)).toEqual([['0:new'], ['0:old']]);
    expect(asked.length).toBe(1);
  });

  it('gets nothing of a log that is gone meanwhile', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 1 });
    cluster.create([1]);
    await cluster.produced(1, ['old']);
    const { disk, replicas } = cluster.node(1);
    const coming = Promise.withResolvers<void>();
    disk.warming = () => coming.promise;
    const fetching = fetched(cluster, [0]);
    const stop = { topic: TOPIC, partition: 0, leaderEpoch: -2, deletePartition: true };
    atOnce(replicas.apply({ lead: [], follow: [], stop: [stop] }));
    coming.resolve();
    expect((await cluster.settled(fetching)).map(({ error }) => error)).not.toContain(ErrorCode.NONE);
  });
});

describe('a leader', () => {
  it('sends of other partitions while the disk has to bring what one follower wants', async () => {
    const cluster = await leaderOnly(2);
    for (const partition of [0, 1]) await cluster.produced(1, ['a'], { acks: 1, partition });
    const coming = Promise.withResolvers<void>();
    const asked: string[] = [];
    cluster.node(1).disk.warming = (path) => {
      if (!path.includes(`${TOPIC}-0/`)) return null;
      asked.push(path);
      return coming.promise;
    };
    const follower = await playedFollower(cluster, 1_000_000);
    await follower.subscribe(1, 0);
    await follower.subscribe(2, 1);
    await cluster.produced(1, ['b'], { acks: 1, partition: 0 });
    await cluster.clock.runFor(100);
    const sentIds = (): number[] =>
      follower.heard.flatMap((said) => (said.type === 'records' ? said.items.map(({ id }) => id) : []));
    expect([sentIds(), asked.length]).toEqual([[2], 1]);
    coming.resolve();
    await cluster.clock.runFor(100);
    expect([sentIds(), asked.length]).toEqual([[2, 1], 1]);
  });

  it('forgets what the disk was to bring for a subscription that has ended', async () => {
    const cluster = await leaderOnly(1);
    await cluster.produced(1, ['a'], { acks: 1 });
    const coming = Promise.withResolvers<void>();
    cluster.node(1).disk.warming = () => coming.promise;
    const follower = await playedFollower(cluster, 1_000_000);
    await follower.subscribe(1, 0);
    await follower.say({ type: 'unsubscribe', ids: [1] });
    coming.resolve();
    await cluster.clock.runFor(100);
    expect(follower.recordBytes()).toBe(0);
    cluster.node(1).disk.warming = null;
    await follower.subscribe(2, 0);
    expect(follower.recordBytes()).toBeGreaterThan(0);
  });
});
