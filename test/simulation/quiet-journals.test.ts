/** What is produced and replicated costs the journals nothing: no event, and nothing asked of the disk for them. */
import { expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { buildBatch } from '../../broker/records/build.ts';
import type { ClusterClient } from './cluster-client.ts';
import { observeTree } from './observation.ts';
import { CLIENT_PORT, SimulatedCluster } from './simulated-cluster.ts';
import { newClient } from './workload.ts';

const BATCHES = 500;
const RECORDS_PER_BATCH = 20;
/** More than what a journal leaves in memory, and what a broker does once after its start, takes. */
const REST_MS = 30_000;
/** Long enough for what would be done by the clock. */
const PAUSE_MS = 100;

interface Counts {
  readonly events: number;
  /** Operations of all disks on segments of journals. */
  readonly operations: number;
}

/** Begins to count what is asked of the disks for journals. */
function counting(cluster: SimulatedCluster): () => Counts {
  let operations = 0;
  for (const { disk } of cluster.machines) {
    disk.fault = (_operation, path) => {
      if (/\/events-\d+\.jsonl$/.test(path)) operations++;
      return null;
    };
  }
  const lastIds = () =>
    cluster.machines.reduce((sum, { broker }) => sum + (broker?.inside.journal.lastId ?? 0), 0);
  const before = lastIds();
  return () => ({ events: lastIds() - before, operations });
}

async function create(cluster: SimulatedCluster, client: ClusterClient, name: string): Promise<void> {
  const controllerId = observeTree(cluster.tree).controllerId ?? 0;
  const { host } = cluster.machine(controllerId);
  const topic = { name, numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] };
  const request = { topics: [topic], timeoutMs: 5000, validateOnly: false };
  const asked = client.ask({ host, port: CLIENT_PORT }, CreateTopics, request);
  await cluster.clock.runUntilSettled(asked, 20_000);
  await cluster.clock.runFor(REST_MS);
}

async function produce(cluster: SimulatedCluster, client: ClusterClient, topic: string): Promise<number> {
  await cluster.clock.runUntilSettled(client.refresh(), 10_000);
  const { brokerId } = client.leader(topic, 0) ?? { brokerId: -1 };
  let lastOffset = -1;
  for (let batch = 0; batch < BATCHES; batch++) {
    const value = Buffer.alloc(1024, batch);
    const timestampMs = cluster.clock.wallMs();
    const records = buildBatch({
      records: Array.from({ length: RECORDS_PER_BATCH }, () => ({ timestampMs, value })),
    });
    const partitionData = [{ index: 0, records }];
    const asked = client.request(brokerId, Produce, {
      ...{ acks: -1, timeoutMs: 5000, topicData: [{ name: topic, partitionData }] },
    });
    const { responses } = await cluster.clock.runUntilSettled(asked, 10_000);
    const result = responses[0]?.partitionResponses[0];
    expect(result?.errorCode).toBe(ErrorCode.NONE);
    lastOffset = (result?.baseOffset ?? 0) + RECORDS_PER_BATCH - 1;
    await cluster.clock.runFor(PAUSE_MS);
  }
  return lastOffset;
}

it('ten thousand records on three replicas are no event, and no operation of a disk on a journal', {
  timeout: 120_000,
}, async () => {
  const cluster = new SimulatedCluster({
    seed: 1,
    brokers: 3,
    // Segments are rolled on the way, and nothing is recorded of that either.
    properties: { 'log.segment.bytes': String(1024 * 1024) },
  });
  for (const { id } of cluster.machines) cluster.start(id);
  await cluster.clock.runUntilTrue(
    () => cluster.machines.every(({ status }) => status === 'running'),
    30_000,
  );
  await cluster.clock.runFor(1000);
  const client = newClient(cluster, cluster.clock, 'producer', 10_000);
  await create(cluster, client, 'first');
  const counts = counting(cluster);
  expect(await produce(cluster, client, 'first')).toBe(BATCHES * RECORDS_PER_BATCH - 1);
  expect(counts()).toEqual({ events: 0, operations: 0 });
  // What does happen to a cluster is counted, so that nothing above means nothing.
  await create(cluster, client, 'second');
  const { events, operations } = counts();
  expect(events).toBeGreaterThan(0);
  expect(operations).toBeGreaterThan(0);
});
