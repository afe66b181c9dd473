/** Replication throttles (KIP-73): who is held back, by which end of a stream, and who never is. */
import { describe, expect, it } from 'vitest';
import { namesReplica } from '../../../broker/quotas/replication-quota.ts';
import { type ClusterOptions, ReplicationCluster } from './cluster-kit.ts';

const RATE = 100_000;
const BATCHES = 100;
const VALUE = 'x'.repeat(10_000);

/** Broker 2 comes back to a leader that has a megabyte it does not have. */
async function comingBack(options: ClusterOptions): Promise<ReplicationCluster> {
  const cluster = await ReplicationCluster.start({
    brokers: 2,
    ...options,
    config: { replicaFetchMaxBytes: 20_000, replicaLagTimeMaxMs: 1000, ...options.config },
  });
  cluster.create([1, 2]);
  cluster.kill(2);
  cluster.elect(1, [1]);
  for (let batch = 0; batch < BATCHES; batch++) await cluster.produced(1, [VALUE]);
  await cluster.startBroker(2);
  cluster.elect(1, [1]);
  return cluster;
}

/** Seconds until broker 2 has everything. */
async function caughtUpAfter(cluster: ReplicationCluster): Promise<number> {
  const startedMs = cluster.clock.nowMs();
  await cluster.until(() => cluster.log(2).endOffset === BATCHES, 60_000);
  return (cluster.clock.nowMs() - startedMs) / 1000;
}

const LEADER = { 'leader.replication.throttled.replicas': '0:1' };
const FOLLOWER = { 'follower.replication.throttled.replicas': '*' };

describe('a replica that is not in sync', () => {
  it('gets what it lacks at once where nothing throttles it', async () => {
    const rates = { leaderReplicationThrottledRate: RATE, followerReplicationThrottledRate: RATE };
    expect(await caughtUpAfter(await comingBack({ config: rates }))).toBeLessThan(3);
    expect(await caughtUpAfter(await comingBack({ topic: { ...LEADER, ...FOLLOWER } }))).toBeLessThan(3);
  });

  it('is sent no more than the throttle of its leader allows', async () => {
    const config = { leaderReplicationThrottledRate: RATE };
    const took = await caughtUpAfter(await comingBack({ topic: LEADER, config }));
    expect(took).toBeGreaterThan(8);
    expect(took).toBeLessThan(12);
  });

  it('takes no more than its own throttle allows', async () => {
    const config = { followerReplicationThrottledRate: RATE, peerStreamCreditBytes: 65_536 };
    const took = await caughtUpAfter(await comingBack({ topic: FOLLOWER, config }));
    expect(took).toBeGreaterThan(8);
    expect(took).toBeLessThan(12);
  });

  it('joins the in-sync replicas in the end, and is held back no more', async () => {
    const config = { leaderReplicationThrottledRate: RATE, followerReplicationThrottledRate: RATE };
    const cluster = await comingBack({ topic: { ...LEADER, ...FOLLOWER }, config });
    await cluster.until(() => cluster.truth().isr.length === 2, 60_000);
    const startedMs = cluster.clock.nowMs();
    for (let batch = 0; batch < BATCHES; batch++) await cluster.produced(1, [VALUE]);
    expect(cluster.clock.nowMs() - startedMs).toBeLessThan(2000);
    expect(cluster.truth().isr).toHaveLength(2);
  });
});

describe('a list of throttled replicas', () => {
  it('names a replica by partition and broker, or all', () => {
    expect(namesReplica([], 0, 1)).toBe(false);
    expect(namesReplica(['0:1', '1:2'], 1, 2)).toBe(true);
    expect(namesReplica(['0:1', '1:2'], 0, 2)).toBe(false);
    expect(namesReplica(['*'], 7, 9)).toBe(true);
  });
});
