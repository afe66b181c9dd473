/** A disk that fails under a running broker: what the rest of the cluster makes of it. */
import { describe, expect, it } from 'vitest';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const TOPIC = 'orders';
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const PARTITIONS = 4;

/** Three brokers with two directories each, and a topic whose partitions broker 1 leads all. */
async function started(): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster({
    seed: 1,
    brokers: 3,
    properties: { 'log.dirs': '/data,/more', 'auto.leader.rebalance.enable': 'false' },
  });
  for (const { id } of cluster.machines) cluster.start(id);
  const running = (): boolean => cluster.machines.every(({ status }) => status === 'running');
  await cluster.clock.runUntilTrue(running, 30_000);
  const partitions = Array.from(
    { length: PARTITIONS },
    (_, partition) => [partition, { replicas: [1, 2, 3], addingReplicas: [], removingReplicas: [] }] as const,
  );
  const opening = cluster.machine(1).source?.open(1000);
  if (opening === undefined) throw new Error('broker 1 is not there');
  const session = await cluster.clock.runUntilSettled(opening, 5000);
  const made = new ClusterStore(session).topics.create(
    TOPIC,
    { topicId: TOPIC_ID, partitions: new Map(partitions) },
    new Map(),
  );
  await cluster.clock.runUntilSettled(made, 5000);
  await cluster.clock.runUntilTrue(() => ledBy(cluster, 1) === PARTITIONS, 5000);
  await cluster.clock.runFor(500);
  return cluster;
}

/** How many partitions the metadata of broker 3 shows to be led by `broker`. */
function ledBy(cluster: SimulatedCluster, broker: number): number {
  const topic = cluster.machine(3).broker?.inside.metadata.topic(TOPIC);
  return [...(topic?.partitions.values() ?? [])].filter(({ leader }) => leader === broker).length;
}

describe('a log directory that fails', () => {
  it('has its partitions led by other brokers, and those of the other directory left alone', async () => {
    const cluster = await started();
    const logs = cluster.machine(1).broker?.inside.logs;
    const inData = Array.from({ length: PARTITIONS }, (_, p) => logs?.log(TOPIC, p)?.logDirectory).filter(
      (directory) => directory === '/data',
    ).length;
    expect(inData).toBe(PARTITIONS / 2);
    cluster.machine(1).disk.fault = (_, path) => (path.startsWith('/data') ? 'EIO' : null);
    await cluster.clock.runFor(10_000);
    expect(ledBy(cluster, 1)).toBe(PARTITIONS - inData);
    expect(ledBy(cluster, -1)).toBe(0);
  });

  it('ends the broker when it was the last one', async () => {
    const cluster = await started();
    cluster.machine(1).disk.fault = () => 'EIO';
    await cluster.clock.runFor(20_000);
    expect(cluster.machine(3).broker?.inside.metadata.isAlive(1)).toBe(false);
    expect(ledBy(cluster, 1) + ledBy(cluster, -1)).toBe(0);
  });
});
