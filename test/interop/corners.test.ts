/** Corners where brokers that claim to be Kafka are known to fall, one test each, over a real connection. */
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import type { Int64 } from '../../broker/int64.ts';
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../broker/protocol/messages/11-join-group.ts';
import { Heartbeat } from '../../broker/protocol/messages/12-heartbeat.ts';
import { SyncGroup } from '../../broker/protocol/messages/14-sync-group.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DescribeConfigs } from '../../broker/protocol/messages/32-describe-configs.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import { IncrementalAlterConfigs } from '../../broker/protocol/messages/44-incremental-alter-configs.ts';
import { buildBatch, type RecordInput } from '../../broker/records/build.ts';
import { writeLegacyMessages } from '../../broker/records/legacy.ts';
import { readRecords } from '../../broker/records/record.ts';
import { eventually } from '../support/eventually.ts';
import { type InteropCluster, startInteropCluster } from './interop-cluster.ts';

/** The addresses of this machine that are tried. */
const LOOPBACK = Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === '::1'))
  ? ['127.0.0.1', '::1']
  : ['127.0.0.1'];
const TOPIC_RESOURCE = 2;
const EARLIEST = -2;
const LATEST = -1;
const MAX_TIMESTAMP = -3;
const APPEND = 2;
const SUBTRACT = 3;

let interop: InteropCluster;
let broker: KafkaConnection;

beforeAll(async () => {
  interop = await startInteropCluster({
    brokers: 1,
    properties: { 'offsets.topic.num.partitions': '3', listeners: 'PLAINTEXT://localhost:0' },
  });
  broker = await interop.connect();
});
afterAll(() => interop?.close());

async function createTopic(name: string, configs: Record<string, string> = {}): Promise<string> {
  const answer = await broker.request(CreateTopics, {
    timeoutMs: 20_000,
    topics: [
      {
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
  });
  expect(answer.topics[0]).toMatchObject({ errorCode: ErrorCode.NONE });
  return name;
}

async function produceBatch(topic: string, records: Buffer, version?: number) {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const answer = await broker.request(Produce, { acks: -1, timeoutMs: 5000, topicData }, version);
  return answer.responses[0]?.partitionResponses[0];
}

async function produce(topic: string, records: readonly RecordInput[]): Promise<void> {
  expect(await produceBatch(topic, buildBatch({ records }))).toMatchObject({ errorCode: ErrorCode.NONE });
}

const texts = (...values: string[]): RecordInput[] => values.map((value) => ({ value: Buffer.from(value) }));

async function fetch(topic: string, fetchOffset: number, maxBytes: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }];
  const answer = await broker.request(
    Fetch,
    { maxWaitMs: 100, minBytes: 1, maxBytes, topics: [{ topic, partitions }] },
    11,
  );
  const found = answer.responses[0]?.partitions[0];
  return { errorCode: found?.errorCode, records: found?.records ?? Buffer.alloc(0) };
}

async function offsetAt(topic: string, timestamp: Int64): Promise<[number | undefined, Int64 | undefined]> {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const answer = await broker.request(ListOffsets, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions }],
  });
  const found = answer.topics[0]?.partitions[0];
  return [found?.offset, found?.timestamp];
}

async function commit(groupId: string, topic: string, more: object = {}): Promise<number | undefined> {
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'm', ...more }];
  const topics = [{ name: topic, partitions }];
  const answer = await broker.request(OffsetCommit, { groupId, memberId: '', topics, ...more }, 8);
  return answer.topics[0]?.partitions[0]?.errorCode;
}

async function committed(groupId: string, topic: string, version = 8) {
  const topics = [{ name: topic, partitionIndexes: [0] }];
  const request = version < 8 ? { groupId, topics } : { groups: [{ groupId, topics }] };
  const answer = await broker.request(OffsetFetch, request, version);
  const group = version < 8 ? answer : answer.groups[0];
  return { ...group?.topics[0]?.partitions[0], groupError: group?.errorCode };
}

/** The one broker coordinates every group, once it has read its part of the offsets topic. */
async function coordinated(groupId: string): Promise<void> {
  await eventually('the group has a coordinator', async () => {
    const answer = await broker.request(FindCoordinator, { keyType: 0, coordinatorKeys: [groupId] });
    if (answer.coordinators[0]?.errorCode !== ErrorCode.NONE) return false;
    const beat = { groupId, generationId: 0, memberId: 'nobody' };
    const { errorCode } = await broker.request(Heartbeat, beat);
    return errorCode === ErrorCode.UNKNOWN_MEMBER_ID;
  });
}

async function config(topic: string, name: string): Promise<string | null | undefined> {
  const resource = { resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: [name] };
  const answer = await broker.request(DescribeConfigs, { resources: [resource], includeSynonyms: true });
  return answer.results[0]?.configs[0]?.value;
}

async function alterConfig(topic: string, name: string, configOperation: number, value: string) {
  const answer = await broker.request(IncrementalAlterConfigs, {
    validateOnly: false,
    resources: [
      { resourceType: TOPIC_RESOURCE, resourceName: topic, configs: [{ name, configOperation, value }] },
    ],
  });
  return answer.responses[0]?.errorCode;
}

test('a fetch offset in the middle of a batch: the batch comes whole', async () => {
  const topic = await createTopic('middle');
  await produce(topic, texts('a', 'b', 'c'));
  await produce(topic, texts('d', 'e'));
  const { records } = await fetch(topic, 1, 1 << 20);
  expect(readRecords(records, 0).map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect((await fetch(topic, 5, 1 << 20)).records).toHaveLength(0);
  expect((await fetch(topic, 6, 1 << 20)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
});

test('a first batch larger than max_bytes comes whole, or the consumer would hang', async () => {
  const topic = await createTopic('large');
  await produce(topic, [{ value: Buffer.alloc(50_000, 'x') }]);
  await produce(topic, texts('small'));
  const { records } = await fetch(topic, 0, 1000);
  expect(readRecords(records, 0).map(({ value }) => value?.length)).toEqual([50_000]);
});

test('OffsetFetch of an unknown group: offset -1, and no error', async () => {
  const topic = await createTopic('uncommitted');
  await coordinated('never-seen');
  for (const version of [1, 5, 7, 8, 9]) {
    expect(await committed('never-seen', topic, version), `version ${version}`).toMatchObject({
      committedOffset: -1,
      errorCode: ErrorCode.NONE,
      groupError: ErrorCode.NONE,
      metadata: '',
    });
  }
});

test('commit metadata is kept byte for byte, up to its limit', async () => {
  const topic = await createTopic('annotated');
  await coordinated('annotating');
  const metadata = 'näme \u0000 \u{1F980} {"json": [1]}\n';
  expect(await commit('annotating', topic, { committedMetadata: metadata })).toBe(ErrorCode.NONE);
  expect(await committed('annotating', topic)).toMatchObject({ committedOffset: 5, metadata });
  const long = 'x'.repeat(4097);
  expect(await commit('annotating', topic, { committedMetadata: long })).toBe(
    ErrorCode.OFFSET_METADATA_TOO_LARGE,
  );
  expect(await commit('annotating', topic, { committedMetadata: null })).toBe(ErrorCode.NONE);
  expect(await committed('annotating', topic)).toMatchObject({ metadata: '' });
});

test.each(['none', 'lz4'] as const)(
  'records without a key on a compacted topic (%s): INVALID_RECORD',
  async (codec) => {
    const topic = await createTopic(`compacted-${codec}`, { 'cleanup.policy': 'compact' });
    const key = Buffer.from('key');
    const records = [{ key, value: key }, { value: Buffer.from('keyless') }];
    const answer = await produceBatch(topic, buildBatch({ codec, records }));
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1 });
    expect(answer?.recordErrors).toMatchObject([{ batchIndex: 1 }]);
    expect(await offsetAt(topic, LATEST)).toEqual([0, -1]);
  },
);

test('ListOffsets by time: the first record not older, in the middle of a compressed batch too', async () => {
  const topic = await createTopic('timed', { 'retention.ms': '-1' });
  const at = (timestampMs: number) => ({ timestampMs, value: Buffer.from('v') });
  const records = [at(1000), at(3000), at(2000)];
  expect(await produceBatch(topic, buildBatch({ codec: 'gzip', records }))).toMatchObject({ errorCode: 0 });
  await produce(topic, [at(5000)]);
  expect(await offsetAt(topic, 1500)).toEqual([1, 3000]);
  expect(await offsetAt(topic, 3001)).toEqual([3, 5000]);
  expect(await offsetAt(topic, 0)).toEqual([0, 1000]);
  expect(await offsetAt(topic, 5001)).toEqual([-1, -1]);
  expect(await offsetAt(topic, MAX_TIMESTAMP)).toEqual([3, 5000]);
  expect(await offsetAt(topic, EARLIEST)).toEqual([0, -1]);
});

test('CreatePartitions answers for every topic', async () => {
  const topic = await createTopic('grown');
  const grow = async (topics: { name: string; count: number }[], validateOnly: boolean) => {
    const all = topics.map((each) => ({ ...each, assignments: null }));
    const answer = await broker.request(CreatePartitions, { topics: all, timeoutMs: 5000, validateOnly });
    return answer.results.map(({ name, errorCode }) => [name, errorCode]);
  };
  expect(await grow([{ name: topic, count: 3 }], true)).toEqual([[topic, ErrorCode.NONE]]);
  const both = [
    { name: topic, count: 3 },
    { name: 'missing', count: 2 },
  ];
  expect((await grow(both, false)).sort()).toEqual([
    [topic, ErrorCode.NONE],
    ['missing', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ]);
  await eventually('it is known to have three', async () => {
    const answer = await broker.request(Metadata, { topics: [{ name: topic }] });
    return answer.topics[0]?.partitions.length === 3;
  });
  expect(await grow([{ name: topic, count: 2 }], false)).toEqual([[topic, ErrorCode.INVALID_PARTITIONS]]);
});

test('commits by who is no member: fine while the group is empty, not while it has members', async () => {
  const topic = await createTopic('simple');
  await coordinated('simple-group');
  expect(await commit('simple-group', topic)).toBe(ErrorCode.NONE);
  expect(await committed('simple-group', topic)).toMatchObject({ committedOffset: 5 });
  const { memberId, generationId } = await joinAlone('simple-group', null);
  expect(await commit('simple-group', topic)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  const as = (generation: number) => ({ memberId, generationIdOrMemberEpoch: generation });
  expect(await commit('simple-group', topic, as(generationId + 1))).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await commit('simple-group', topic, as(generationId))).toBe(ErrorCode.NONE);
});

test('a static member comes back without a rebalance, and its former self is fenced', async () => {
  await coordinated('static-group');
  const before = await joinAlone('static-group', 'instance-1');
  const again = await joinAlone('static-group', 'instance-1');
  expect(again.generationId).toBe(before.generationId);
  expect(again.memberId).not.toBe(before.memberId);
  const groupInstanceId = 'instance-1';
  const beat = (memberId: string) => ({
    groupId: 'static-group',
    generationId: again.generationId,
    memberId,
    groupInstanceId,
  });
  expect((await broker.request(Heartbeat, beat(before.memberId))).errorCode).toBe(
    ErrorCode.FENCED_INSTANCE_ID,
  );
  expect((await broker.request(Heartbeat, beat(again.memberId))).errorCode).toBe(ErrorCode.NONE);
});

test('max.message.bytes is enforced, and its change is', async () => {
  const topic = await createTopic('limited', { 'max.message.bytes': '1000' });
  const large = buildBatch({ records: [{ value: Buffer.alloc(2000) }] });
  expect(await produceBatch(topic, large)).toMatchObject({ errorCode: ErrorCode.MESSAGE_TOO_LARGE });
  expect(await alterConfig(topic, 'max.message.bytes', 0, '3000')).toBe(ErrorCode.NONE);
  await eventually('the change has effect', async () => {
    const answer = await produceBatch(topic, Buffer.from(large));
    return answer?.errorCode === ErrorCode.NONE;
  });
});

test('IncrementalAlterConfigs appends to lists and subtracts from them', async () => {
  const topic = await createTopic('listed');
  const seen = (value: string) =>
    eventually(`it is ${value}`, async () => (await config(topic, 'cleanup.policy')) === value);
  expect(await alterConfig(topic, 'cleanup.policy', APPEND, 'compact')).toBe(ErrorCode.NONE);
  await seen('delete,compact');
  expect(await alterConfig(topic, 'cleanup.policy', APPEND, 'compact')).toBe(ErrorCode.NONE);
  expect(await alterConfig(topic, 'cleanup.policy', SUBTRACT, 'delete')).toBe(ErrorCode.NONE);
  await seen('compact');
  expect(await alterConfig(topic, 'retention.ms', APPEND, '1')).toBe(ErrorCode.INVALID_CONFIG);
});

test.each([0, 1] as const)(
  'messages of format v%i are converted up, and down again for old clients',
  async (magic) => {
    const topic = await createTopic(`legacy-${magic}`);
    const messages = ['a', 'b', 'c'].map((text, offset) => ({
      offset,
      timestampMs: magic === 0 ? -1 : 1_700_000_000_000,
      key: Buffer.from(text),
      value: Buffer.from(text),
    }));
    const written = writeLegacyMessages(messages, { magic, codec: 'gzip', logAppendTime: false });
    expect(await produceBatch(topic, written, magic === 0 ? 1 : 2)).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    });
    const { records } = await fetch(topic, 0, 1 << 20);
    expect(readRecords(records, 0).map(({ key }) => key?.toString())).toEqual(['a', 'b', 'c']);
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
    const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] };
    for (const version of [0, 1, 2, 3]) {
      const answer = await broker.request(Fetch, request, version);
      const down = answer.responses[0]?.partitions[0]?.records;
      expect(down?.[16], `Fetch ${version}`).toBe(version < 2 ? 0 : 1);
    }
  },
);

test('a listener of localhost is reached by its IPv4 and its IPv6 address', async () => {
  for (const host of [...LOOPBACK, 'localhost']) {
    const connection = await interop.connect(1, host);
    const { brokers } = await connection.request(Metadata, { topics: [] });
    expect(
      brokers.map((each) => each.host),
      host,
    ).toEqual(['localhost']);
  }
});

test('a listener without a host is reached by every address, and advertises the name of the machine', async () => {
  const everywhere = await startInteropCluster({ brokers: 1, properties: { listeners: 'PLAINTEXT://:0' } });
  try {
    for (const host of LOOPBACK) {
      const connection = await everywhere.connect(1, host);
      const { brokers } = await connection.request(Metadata, { topics: [] });
      expect(brokers[0]?.host.length, host).toBeGreaterThan(0);
    }
  } finally {
    await everywhere.close();
  }
});

/** Joins as the only member and leads itself. */
async function joinAlone(groupId: string, groupInstanceId: string | null) {
  const metadata = Buffer.from([0, 1, 0, 0, 0, 0, 255, 255, 255, 255]);
  const request = {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    groupInstanceId,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata }],
  };
  let joined = await broker.request(JoinGroup, request);
  if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
    joined = await broker.request(JoinGroup, { ...request, memberId: joined.memberId });
  }
  expect(joined.errorCode).toBe(ErrorCode.NONE);
  const { memberId, generationId } = joined;
  const member = { groupId, generationId, memberId, groupInstanceId };
  const assignments = [{ memberId, assignment: metadata }];
  const synced = await broker.request(SyncGroup, {
    ...member,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments,
  });
  expect(synced.errorCode).toBe(ErrorCode.NONE);
  return { memberId, generationId };
}
