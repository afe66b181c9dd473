/**
 * A bit of what a leader has stored turns over, and nobody notices until it is read: a client is given an error or bytes
 * whose checksum tells, a follower takes nothing of it, and what is acknowledged is still in the other replicas. (The
 * first 17 bytes of a batch are outside of its checksum; of these Kafka notices no more either.)
 */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { batchCrcIsValid, batchSizeBytes, completeBatches } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { simulatedRandom } from '../support/simulated-random.ts';
import type { ClusterClient } from './cluster-client.ts';
import { observeTree } from './observation.ts';
import { CLIENT_PORT, SimulatedCluster } from './simulated-cluster.ts';
import { newClient } from './workload.ts';

const TOPIC = 'orders';
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const BATCHES = 12;
const FIRST_CHECKED_BYTE = 17;
/** Among them some whose batch seems to end beyond the log. */
const SEEDS: readonly number[] = [1, 2, 3, 4, 5, 6, 43, 48, 63];
const [LEADER, SOUND, EMPTIED] = [1, 2, 3];

interface Scene {
  readonly cluster: SimulatedCluster;
  readonly client: ClusterClient;
  /** What everybody has of partition 0. */
  readonly stored: Buffer;
}

const fileOf = (partition: number): string => `/data/${TOPIC}-${partition}/00000000000000000000.log`;

const logBytes = ({ cluster }: Pick<Scene, 'cluster'>, id: number, partition = 0): Buffer => {
  const log = cluster.machine(id).broker?.inside.logs.log(TOPIC, partition);
  const { disk } = cluster.machine(id);
  return log === undefined || disk.stat(fileOf(partition)) === null
    ? Buffer.alloc(0)
    : disk.readFile(fileOf(partition));
};

const inSync = ({ cluster }: Scene, partition: number): readonly number[] =>
  observeTree(cluster.tree).states.find(({ name }) => name === `${TOPIC}-${partition}`)?.isr ?? [];

/** Three brokers; two partitions that broker 1 leads, with acknowledged records; broker 3 has lost its replicas. */
async function started(seed: number): Promise<Scene> {
  const properties = { 'auto.leader.rebalance.enable': 'false' };
  const cluster = new SimulatedCluster({ seed, brokers: 3, properties });
  for (const { id } of cluster.machines) cluster.start(id);
  await cluster.clock.runUntilTrue(
    () => cluster.machines.every(({ status }) => status === 'running'),
    30_000,
  );
  const opening = cluster.machine(LEADER).source?.open(1000);
  if (opening === undefined) throw new Error('broker 1 is not there');
  const store = new ClusterStore(await cluster.clock.runUntilSettled(opening, 5000));
  const assignment = { replicas: [LEADER, SOUND, EMPTIED], addingReplicas: [], removingReplicas: [] };
  const partitions = new Map([0, 1].map((partition) => [partition, assignment] as const));
  await cluster.clock.runUntilSettled(
    store.topics.create(TOPIC, { topicId: TOPIC_ID, partitions }, new Map()),
    5000,
  );
  await cluster.clock.runFor(1000);
  const client = newClient(cluster, cluster.clock, 'client', 10_000);
  for (let batch = 0; batch < BATCHES; batch++)
    for (const partition of [0, 1]) await produce({ cluster, client }, partition, `record ${batch}`);
  const scene = { cluster, client, stored: logBytes({ cluster }, LEADER) };
  cluster.crash(EMPTIED, 'all');
  await cluster.clock.runFor(3000);
  expect(inSync(scene, 0)).toEqual([LEADER, SOUND]);
  for (const partition of [0, 1]) cluster.machine(EMPTIED).disk.removeTree(`/data/${TOPIC}-${partition}`);
  return scene;
}

async function produce(
  { cluster, client }: Omit<Scene, 'stored'>,
  partition: number,
  value: string,
): Promise<void> {
  const records = buildBatch({
    records: [{ timestampMs: cluster.clock.wallMs(), value: Buffer.from(value) }],
  });
  const topicData = [{ name: TOPIC, partitionData: [{ index: partition, records }] }];
  const to = { host: cluster.machine(LEADER).host, port: CLIENT_PORT };
  const asked = client.ask(to, Produce, { acks: -1, timeoutMs: 5000, topicData });
  const answer = await cluster.clock.runUntilSettled(asked, 10_000);
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
}

/** What the leader gives a client from this offset on. */
async function fetched({ cluster, client }: Scene, fetchOffset: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1000 }];
  const request = {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1000,
    topics: [{ topic: TOPIC, topicId: TOPIC_ID, partitions }],
  };
  const asked = client.ask({ host: cluster.machine(LEADER).host, port: CLIENT_PORT }, Fetch, request);
  const answer = await cluster.clock.runUntilSettled(asked, 10_000);
  return answer.responses[0]?.partitions[0];
}

/** Turns a bit of the leader's file that a checksum covers; the number of its batch, and where that begins. */
function rot({ cluster, stored }: Scene, seed: number): { readonly batch: number; readonly at: number } {
  const random = simulatedRandom(seed);
  const begins = [...completeBatches(stored)];
  const batch = random.int(begins.length);
  const at = begins[batch] ?? 0;
  const checkedBytes = batchSizeBytes(stored, at) - FIRST_CHECKED_BYTE;
  cluster
    .machine(LEADER)
    .disk.rot(fileOf(0), at + FIRST_CHECKED_BYTE + random.int(checkedBytes), random.int(8));
  return { batch, at };
}

describe('a bit that turns over in what a leader has stored', () => {
  it.each(SEEDS)('reaches nobody unnoticed, and costs no acknowledged record (seed %i)', async (seed) => {
    const scene = await started(seed);
    const { cluster, stored } = scene;
    const { batch, at } = rot(scene, seed);

    const given = await fetched(scene, batch);
    const bytes = given?.records ?? Buffer.alloc(0);
    expect([ErrorCode.NONE, ErrorCode.CORRUPT_MESSAGE]).toContain(given?.errorCode);
    if (given?.errorCode === ErrorCode.NONE) expect(batchCrcIsValid(bytes, 0)).toBe(false);

    cluster.start(EMPTIED);
    await cluster.clock.runFor(8000);
    // Of the damaged partition it has at most what precedes the damage (what comes at once is taken whole or not at
    // all, as in Kafka), and of the other one everything.
    const taken = logBytes(scene, EMPTIED);
    expect(taken.length).toBeLessThanOrEqual(at);
    expect(taken.equals(stored.subarray(0, taken.length))).toBe(true);
    expect(logBytes(scene, EMPTIED, 1)).toEqual(logBytes(scene, SOUND, 1));
    expect(inSync(scene, 0)).toEqual([LEADER, SOUND]);
    expect(inSync(scene, 1)).toContain(EMPTIED);
    expect(cluster.machines.map(({ status }) => status)).toEqual(['running', 'running', 'running']);

    cluster.crash(LEADER, 'all');
    await cluster.clock.runFor(8000);
    expect(logBytes(scene, SOUND)).toEqual(stored);
    expect(logBytes(scene, EMPTIED)).toEqual(stored);

    cluster.start(LEADER);
    await cluster.clock.runFor(8000);
    // What was not flushed is checked when a broker comes back after a crash.
    expect(logBytes(scene, LEADER)).toEqual(stored);
    expect(inSync(scene, 0).toSorted()).toEqual([LEADER, SOUND, EMPTIED]);
  });
});
