/** @platformatic/kafka, which speaks the newest versions: Produce 11, Fetch 17, JoinGroup 9, FindCoordinator 6. */
import {
  Admin,
  Consumer,
  type Message,
  type MessagesStream,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type InteropCluster, startInteropCluster, storedAs } from './interop-cluster.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const TOPIC_RESOURCE = 2;
const SET = 0;

type StringConsumer = Consumer<string, string, string, string>;
type StringMessage = Message<string, string, string, string>;
type StringStream = MessagesStream<string, string, string, string>;

let interop: InteropCluster;
let admin: Admin;
let producer: Producer<string, string, string, string>;
const consumers: StringConsumer[] = [];

beforeAll(async () => {
  interop = await startInteropCluster();
  admin = new Admin(base());
  producer = new Producer({ ...base(), serializers: stringSerializers });
});
afterAll(async () => {
  await Promise.all(consumers.map((each) => each.close(true)));
  await producer?.close();
  await admin?.close();
  await interop?.close();
});

function base() {
  return { clientId: 'interop', bootstrapBrokers: interop.bootstrap.split(','), retries: 5, retryDelay: 100 };
}

async function createTopic(topic: string, partitions = 1): Promise<string> {
  await admin.createTopics({ topics: [topic], partitions, replicas: 3 });
  return topic;
}

function consumer(groupId: string): StringConsumer {
  const one = new Consumer({
    ...base(),
    groupId,
    deserializers: stringDeserializers,
    heartbeatInterval: 200,
    sessionTimeout: 6000,
    maxWaitTime: 100,
  });
  consumers.push(one);
  return one;
}

async function join(one: StringConsumer, topic: string, messages: StringMessage[]): Promise<StringStream> {
  const stream = await one.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
  });
  stream.on('data', (message) => messages.push(message));
  return stream;
}

async function read(topic: string, count: number): Promise<StringMessage[]> {
  const messages: StringMessage[] = [];
  const one = consumer(`reader-of-${topic}`);
  await join(one, topic, messages);
  await eventually(`${count} messages of ${topic}`, () => messages.length >= count);
  await one.close(true);
  return messages;
}

test.each(CODECS)('produces and consumes %s', async (codec) => {
  const topic = await createTopic(`codec-${codec}`);
  const values = Array.from({ length: 200 }, (_, index) => `value-${index}-${'x'.repeat(100)}`);
  const messages = values.map((value) => ({ topic, key: 'key', value }));
  const { offsets } = await producer.send({ messages, compression: codec, acks: -1 });
  expect(offsets).toEqual([{ topic, partition: 0, offset: 0n }]);
  expect((await read(topic, 200)).map(({ value }) => value)).toEqual(values);
  expect(await storedAs(interop, topic)).toEqual({ magic: 2, codec });
});

test('keeps keys, headers and null values; an idempotent producer', async () => {
  const topic = await createTopic('records');
  const idempotent = new Producer({ ...base(), serializers: stringSerializers, idempotent: true });
  const full = { topic, key: 'clé', value: 'värde', headers: { trace: 'abc', empty: '' } };
  for (const message of [
    { ...full, timestamp: 1_700_000_000_000n },
    { topic, key: 'tombstone' },
  ]) {
    await idempotent.send({ messages: [message], acks: -1 });
  }
  await idempotent.close();
  const [first, second] = await read(topic, 2);
  expect([first?.key, first?.value, first?.timestamp]).toEqual(['clé', 'värde', 1_700_000_000_000n]);
  expect([...(first?.headers ?? [])]).toEqual([
    ['trace', 'abc'],
    ['empty', ''],
  ]);
  expect([second?.key, second?.offset]).toEqual(['tombstone', 1n]);
});

test('a group: commits, a second member, list, describe, offsets, delete', async () => {
  const topic = await createTopic('shared', 4);
  const messages = Array.from({ length: 40 }, (_, index) => ({ topic, key: `key-${index}`, value: 'v' }));
  await producer.send({ messages, acks: -1 });
  const seen: StringMessage[] = [];
  const [first, second] = [consumer('group'), consumer('group')];
  await join(first, topic, seen);
  await eventually('all are read', () => seen.length === 40);
  await Promise.all(seen.map((message) => message.commit()));
  await join(second, topic, seen);
  await eventually('both have two partitions', () =>
    [first, second].every((each) => each.assignments?.[0]?.partitions.length === 2),
  );
  const described = (await admin.describeGroups({ groups: ['group'] })).get('group');
  expect([described?.state, described?.members.size, described?.protocolType]).toEqual([
    'Stable',
    2,
    'consumer',
  ]);
  expect((await admin.listGroups()).get('group')).toMatchObject({ groupType: 'classic' });
  const [offsets] = await admin.listConsumerGroupOffsets({ groups: ['group'] });
  const committed =
    offsets?.topics[0]?.partitions.map(({ committedOffset }) => Number(committedOffset)) ?? [];
  expect(committed.reduce((a, b) => a + b, 0)).toBe(40);
  await expect(admin.deleteGroups({ groups: ['group'] })).rejects.toThrow();
  await first.close(true);
  await second.close(true);
  await admin.deleteGroups({ groups: ['group'] });
  expect((await admin.listGroups()).has('group')).toBe(false);
});

test('offsets by time and deleted records', async () => {
  const topic = await createTopic('times');
  for (let index = 0; index < 5; index++) {
    const timestamp = BigInt(1_700_000_000_000 + index * 1000);
    await producer.send({ messages: [{ topic, key: 'k', value: 'v', timestamp }], acks: -1 });
  }
  const at = async (timestamp: bigint) => {
    const [answer] = await admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    return answer?.partitions[0]?.offset;
  };
  expect([await at(1_700_000_001_500n), await at(-1n), await at(-3n)]).toEqual([2n, 5n, 4n]);
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] });
  expect(await at(-2n)).toBe(3n);
});

test('topics and configs: create twice, describe, alter, grow, delete', async () => {
  const topic = await createTopic('administered', 2);
  await expect(createTopic('administered')).rejects.toThrow();
  const resource = { resourceType: TOPIC_RESOURCE, resourceName: topic } as const;
  const retention = async () => {
    const [answer] = await admin.describeConfigs({
      resources: [{ ...resource, configurationKeys: ['retention.ms'] }],
      includeSynonyms: true,
      includeDocumentation: true,
    });
    return answer?.configs[0]?.value;
  };
  await eventually('it is known', async () => (await retention().catch(() => null)) === '604800000');
  await admin.incrementalAlterConfigs({
    resources: [{ ...resource, configs: [{ name: 'retention.ms', value: '60000', configOperation: SET }] }],
  });
  await eventually('the change is seen', async () => (await retention()) === '60000');
  await admin.createPartitions({
    topics: [{ name: topic, count: 3, assignments: [{ brokerIds: [1, 2, 3] }] }],
  });
  await eventually('there are three partitions', async () => {
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
    return metadata.topics.get(topic)?.partitionsCount === 3;
  });
  const logs = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] });
  expect(logs).toHaveLength(3);
  await admin.deleteTopics({ topics: [topic] });
  await eventually('it is gone', async () => !(await admin.listTopics()).includes(topic));
});
