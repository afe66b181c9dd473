/**
 * Requests with integers beyond 2^53 in every field that a client may put them in, and what is answered:
 * asked of two brokers, the answers can be compared. All go over one connection, so a broker that closes
 * it fails everything that follows.
 */

import { ErrorCode } from '../../broker/errors.ts';
import { type Int64, toInt64 } from '../../broker/int64.ts';
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteRecords } from '../../broker/protocol/messages/21-delete-records.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { DescribeConfigs } from '../../broker/protocol/messages/32-describe-configs.ts';
import { DescribeProducers } from '../../broker/protocol/messages/61-describe-producers.ts';
import { completeBatches } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { readRecords } from '../../broker/records/record.ts';
import { eventually } from '../support/eventually.ts';
import { unbounded } from '../unit/protocol/unbounded.ts';

const NANOSECONDS = 1_700_000_000_000_000_000n;
const PRODUCER_ID = 2n ** 60n + 1n;
const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);
const COMMITTED: readonly Int64[] = [2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, MAX, MIN, -7, -1];
const TIMES = [NANOSECONDS, NANOSECONDS + 1n, NANOSECONDS + 2n, NANOSECONDS + 3n, 2n ** 53n, MAX, 5n, -3n];
const OFFSETS = [2n ** 53n + 1n, 2n ** 62n, MAX, MIN];
const CONFIGS: Readonly<Record<string, string>> = {
  'segment.ms': String(MAX),
  'retention.ms': String(2n ** 62n + 1n),
  'message.timestamp.after.max.ms': String(2n ** 60n),
};

const far = (value: bigint): number => toInt64(value) as number;

/** Creates the topic, writes to it what is far, and asks for it in every way. */
export async function askFarAway(broker: KafkaConnection, topic: string): Promise<object> {
  await createTopic(broker, topic, {});
  await createTopic(broker, `${topic}-bounded`, CONFIGS);
  return {
    produced: await produceFar(broker, topic),
    refused: await produce(
      broker,
      `${topic}-bounded`,
      buildBatch({ records: [{ timestampMs: NANOSECONDS }] }),
    ),
    configs: await configs(broker, `${topic}-bounded`),
    fetched: await Promise.all(OFFSETS.map((offset) => fetchError(broker, topic, far(offset)))),
    deleted: await Promise.all([...OFFSETS, -2n].map((offset) => deleteRecords(broker, topic, far(offset)))),
    initialised: await initProducerId(broker),
    committed: await commitFar(broker, topic),
    kept: await readFarAway(broker, topic),
  };
}

/** What is kept of it, also by a broker that takes over. */
export async function readFarAway(broker: KafkaConnection, topic: string): Promise<object> {
  return {
    records: await times(broker, topic),
    offsets: await Promise.all(TIMES.map((time) => offsetAt(broker, topic, toInt64(time)))),
    producers: await producers(broker, topic),
    commits: await committed(broker, topic),
  };
}

async function createTopic(
  broker: KafkaConnection,
  name: string,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const configs = Object.entries(values).map(([key, value]) => ({ name: key, value }));
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }];
  await broker.request(CreateTopics, { timeoutMs: 5000, topics });
  await eventually(`${name} has a leader`, async () => {
    return (await offsetAt(broker, name, -1)).errorCode === ErrorCode.NONE;
  });
}

async function produce(broker: KafkaConnection, name: string, records: Buffer) {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const answer = await broker.request(Produce, { acks: -1, timeoutMs: 5000, topicData });
  const found = answer.responses[0]?.partitionResponses[0];
  return {
    errorCode: found?.errorCode,
    baseOffset: found?.baseOffset,
    logAppendTimeMs: found?.logAppendTimeMs,
  };
}

async function produceFar(broker: KafkaConnection, topic: string): Promise<object[]> {
  const value = Buffer.from('x');
  const at = (...timestamps: Int64[]) => timestamps.map((timestampMs) => ({ timestampMs, value }));
  const producer = { producerEpoch: 0, baseSequence: 0 };
  const mixed = at(NANOSECONDS, 5, NANOSECONDS + 2n, MAX, 7);
  return [
    await produce(broker, topic, buildBatch({ records: mixed.slice(0, 3) })),
    await produce(broker, topic, buildBatch({ records: mixed, codec: 'gzip' })),
    await produce(
      broker,
      topic,
      buildBatch({ ...producer, producerId: PRODUCER_ID, records: at(NANOSECONDS) }),
    ),
    await produce(
      broker,
      topic,
      buildBatch({ ...producer, producerId: PRODUCER_ID + 1n, records: at(NANOSECONDS + 1n) }),
    ),
  ];
}

async function configs(broker: KafkaConnection, topic: string): Promise<object[]> {
  const resources = [{ resourceType: 2, resourceName: topic, configurationKeys: Object.keys(CONFIGS) }];
  const { results } = await broker.request(DescribeConfigs, { resources });
  return (results[0]?.configs ?? [])
    .map(({ name, value }) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function fetchOnce(broker: KafkaConnection, topic: string, fetchOffset: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }];
  const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, topics: [{ topic, partitions }] };
  return (await broker.request(unbounded(Fetch), request, 12)).responses[0]?.partitions[0];
}

async function fetchError(broker: KafkaConnection, topic: string, offset: number) {
  return (await fetchOnce(broker, topic, offset))?.errorCode;
}

async function times(broker: KafkaConnection, topic: string): Promise<Int64[]> {
  const bytes = (await fetchOnce(broker, topic, 0))?.records ?? Buffer.alloc(0);
  return [...completeBatches(bytes)]
    .flatMap((at) => readRecords(bytes, at))
    .map(({ timestampMs }) => timestampMs);
}

async function offsetAt(broker: KafkaConnection, name: string, timestamp: Int64) {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp }] }];
  const answer = await broker.request(ListOffsets, { replicaId: -1, isolationLevel: 0, topics }, 7);
  const found = answer.topics[0]?.partitions[0];
  return { errorCode: found?.errorCode, offset: found?.offset, timestamp: found?.timestamp };
}

async function deleteRecords(broker: KafkaConnection, name: string, offset: number) {
  const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }];
  const answer = await broker.request(unbounded(DeleteRecords), { timeoutMs: 1000, topics });
  const found = answer.topics[0]?.partitions[0];
  return { errorCode: found?.errorCode, lowWatermark: found?.lowWatermark };
}

/** Only whether it is given one: which, is the cluster's choice. */
async function initProducerId(broker: KafkaConnection): Promise<(number | boolean)[]> {
  const request = { transactionalId: null, transactionTimeoutMs: 1000, producerId: far(2n ** 62n) };
  const answers = [];
  for (const producerEpoch of [5, -1]) {
    const answer = await broker.request(unbounded(InitProducerId), { ...request, producerEpoch });
    answers.push(answer.errorCode, answer.producerId >= 0);
  }
  return answers;
}

async function producers(broker: KafkaConnection, name: string) {
  const topics = [{ name, partitionIndexes: [0] }];
  const { activeProducers = [] } =
    (await broker.request(DescribeProducers, { topics })).topics[0]?.partitions[0] ?? {};
  return activeProducers
    .map(({ producerId, lastTimestamp }) => ({ producerId, lastTimestamp }))
    .sort((a, b) => (a.producerId < b.producerId ? -1 : 1));
}

/** A group of its own for each: the topic has one partition. */
async function commitFar(broker: KafkaConnection, topic: string): Promise<(number | undefined)[]> {
  const errors = [];
  for (const [index, committedOffset] of COMMITTED.entries()) {
    const key = `${topic}-${index}`;
    await eventually('the group has a coordinator', async () => {
      const { coordinators } = await broker.request(FindCoordinator, { keyType: 0, coordinatorKeys: [key] });
      return coordinators[0]?.errorCode === ErrorCode.NONE;
    });
    const topics = [
      { name: topic, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] },
    ];
    const request = { groupId: key, generationIdOrMemberEpoch: -1, memberId: '', topics };
    errors.push(
      await eventuallyCommitted(broker, { ...request, retentionTimeMs: 2n ** 61n + BigInt(index) }, 4),
    );
    if (index % 2 === 0) errors.push(await eventuallyCommitted(broker, request, 8));
    errors.push(await eventuallyCommitted(broker, { groupId: key, topics }, 0));
  }
  return errors;
}

async function eventuallyCommitted(broker: KafkaConnection, request: object, version: number) {
  let errorCode: number | undefined;
  await eventually('the coordinator has loaded its groups', async () => {
    const answer = await broker.request(OffsetCommit, request, version);
    errorCode = answer.topics[0]?.partitions[0]?.errorCode;
    return errorCode !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && errorCode !== ErrorCode.NOT_COORDINATOR;
  });
  return errorCode;
}

async function committed(broker: KafkaConnection, topic: string): Promise<(Int64 | undefined)[]> {
  const offsets = [];
  for (const index of COMMITTED.keys()) {
    const topics = [{ name: topic, partitionIndexes: [0] }];
    let offset: Int64 | undefined;
    await eventually('the coordinator has loaded its groups', async () => {
      const answer = await broker.request(OffsetFetch, { groupId: `${topic}-${index}`, topics }, 5);
      offset = answer.topics[0]?.partitions[0]?.committedOffset;
      return answer.errorCode === ErrorCode.NONE;
    });
    const inZookeeper = await broker.request(OffsetFetch, { groupId: `${topic}-${index}`, topics }, 0);
    offsets.push(offset, inZookeeper.topics[0]?.partitions[0]?.committedOffset);
  }
  return offsets;
}
