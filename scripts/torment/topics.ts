/** The topics of a round: made, read at the end as readers of committed data do, and deleted. */
import { ErrorCode } from '../../broker/errors.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { batchProducerEpoch, batchProducerId } from '../../broker/records/batch.ts';
import { readRecords } from '../../broker/records/record.ts';
import { storedBatches } from '../../test/kit/records.ts';
import { type AdminClient, reasonOf } from '../cli/admin-client.ts';
import { type Found, type FoundRecord, transactionsGroup } from './history/entries.ts';

export const PARTITIONS = 3;

const TIMEOUT_MS = 30_000;
const READ_LIMIT_MS = 60_000;
const LOOK_MS = 100;
const LATEST = -1;

interface TopicLayout {
  readonly firstLeader: number;
  readonly brokers: number;
  /** Left out: one on each broker. */
  readonly replicas?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Partition 0 of all is led by `firstLeader`, the next ones by the brokers after it, in turn. */
export async function createTopics(
  admin: AdminClient,
  names: readonly string[],
  { firstLeader, brokers, replicas = brokers, configs = {} }: TopicLayout,
): Promise<void> {
  const assignments = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
    partitionIndex,
    brokerIds: Array.from(
      { length: replicas },
      (_each, replica) => ((firstLeader - 1 + partitionIndex + replica) % brokers) + 1,
    ),
  }));
  const topics = names.map((name) => ({
    ...{ name, numPartitions: -1, replicationFactor: -1, assignments },
    configs: Object.entries({ 'min.insync.replicas': '2', ...configs }).map(([key, value]) => ({
      name: key,
      value,
    })),
  }));
  const request = { topics, timeoutMs: TIMEOUT_MS };
  const answer = await admin.askController(CreateTopics, request, (response) => response.topics);
  const refused = answer.topics.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw new Error(`topic ${refused.name} was not created: ${reasonOf(refused)}`);
}

export async function deleteTopics(admin: AdminClient, names: readonly string[]): Promise<void> {
  const request = { topics: names.map((name) => ({ name })), topicNames: names, timeoutMs: TIMEOUT_MS };
  await admin.askController(DeleteTopics, request, ({ responses }) => responses);
}

/** All that is committed. Rejects when a transaction stays open that nobody will end. */
export async function readTopic(admin: AdminClient, topic: string): Promise<Found> {
  await untilStable(admin, topic);
  const numbers = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const partitions = await Promise.all(numbers.map((partition) => readPartition(admin, topic, partition)));
  return { partitions, transactionsOffset: await transactionsOffset(admin, topic) };
}

async function readPartition(admin: AdminClient, topic: string, partition: number): Promise<FoundRecord[]> {
  const found: FoundRecord[] = [];
  for await (const { bytes, at } of storedBatches(admin, { topic, partition, isolation: 'read_committed' })) {
    const producer = `${batchProducerId(bytes, at)}/${batchProducerEpoch(bytes, at)}`;
    for (const { offset, value } of readRecords(bytes, at))
      found.push({ offset, value: value?.toString() ?? '', producer });
  }
  return found;
}

/** Once no transaction is open that would change it. */
async function transactionsOffset(admin: AdminClient, topic: string): Promise<number> {
  const groupId = transactionsGroup(topic);
  const asked = { groupId, topics: [{ name: topic, partitionIndexes: [0] }] };
  const request = { groups: [asked], requireStable: true };
  const { groups } = await admin.askCoordinator(groupId, OffsetFetch, request, (answer) =>
    answer.groups.flatMap((group) => [group, ...group.topics.flatMap(({ partitions }) => partitions)]),
  );
  const found = groups[0]?.topics[0]?.partitions[0];
  if (found === undefined || found.errorCode !== ErrorCode.NONE)
    throw new Error(`group ${groupId}: ${found === undefined ? 'no answer' : reasonOf(found)}`);
  return Number(found.committedOffset);
}

/** Until readers of committed data may read as far as all others. */
async function untilStable(admin: AdminClient, topic: string): Promise<void> {
  const deadlineMs = performance.now() + READ_LIMIT_MS;
  for (;;) {
    const [all, committed] = await Promise.all([endOffsets(admin, topic, 0), endOffsets(admin, topic, 1)]);
    if (all !== null && all === committed) return;
    if (performance.now() > deadlineMs)
      throw new Error(`${topic} ends at ${all}, but for readers of committed data at ${committed}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** In one text; null while a leader does not say. */
async function endOffsets(admin: AdminClient, topic: string, isolationLevel: number): Promise<string | null> {
  const metadata = await admin.metadata([topic]);
  const known = metadata.topics[0]?.partitions ?? [];
  if (known.length !== PARTITIONS) return null;
  const ends = known.map(async ({ leaderId, partitionIndex }) => {
    if (leaderId < 0) return null;
    const partitions = [{ partitionIndex, timestamp: LATEST }];
    const request = { replicaId: -1, isolationLevel, topics: [{ name: topic, partitions }] };
    const answer = await admin.askBroker(leaderId, metadata, ListOffsets, request);
    const found = answer.topics[0]?.partitions[0];
    return found?.errorCode === ErrorCode.NONE ? `${partitionIndex}:${found.offset}` : null;
  });
  const found = await Promise.all(ends);
  return found.includes(null) ? null : found.sort().join(' ');
}
