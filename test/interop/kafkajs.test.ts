/** kafkajs, with the codecs that it leaves to others taken from broker/records. */
import type { Admin, Consumer, EachMessagePayload } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMPRESSIONS, kafkaClient } from '../../scripts/cli/client.ts';
import { eventually } from '../support/eventually.ts';
import { type InteropCluster, startInteropCluster, storedAs } from './interop-cluster.ts';

const TOPIC_RESOURCE = 2;

let interop: InteropCluster;
let kafka: ReturnType<typeof kafkaClient>;
let admin: Admin;
const consumers: Consumer[] = [];

beforeAll(async () => {
  interop = await startInteropCluster();
  kafka = kafkaClient(interop.bootstrap);
  admin = kafka.admin();
  await admin.connect();
});
afterAll(async () => {
  await Promise.all(consumers.map((each) => each.disconnect()));
  await admin?.disconnect();
  await interop?.close();
});

async function createTopic(topic: string, numPartitions = 1): Promise<string> {
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions, replicationFactor: 3 }],
  });
  return topic;
}

type Sent = Parameters<ReturnType<typeof kafka.producer>['send']>[0]['messages'];

async function send(topic: string, messages: Sent, options: { codec?: string; idempotent?: boolean } = {}) {
  const producer = kafka.producer({ idempotent: options.idempotent ?? false });
  await producer.connect();
  try {
    const compression = COMPRESSIONS[options.codec ?? 'none'] ?? 0;
    return await producer.send({ topic, acks: -1, compression, messages });
  } finally {
    await producer.disconnect();
  }
}

async function join(groupId: string, topic: string, each: (payload: EachMessagePayload) => void) {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 200, maxWaitTimeInMs: 100 });
  consumers.push(consumer);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.run({ autoCommitThreshold: 1, eachMessage: async (payload) => each(payload) });
  await joined;
  return consumer;
}

async function read(topic: string, count: number): Promise<EachMessagePayload['message'][]> {
  const messages: EachMessagePayload['message'][] = [];
  const consumer = await join(`reader-of-${topic}`, topic, ({ message }) => messages.push(message));
  await eventually(`${count} messages of ${topic}`, () => messages.length >= count);
  await consumer.disconnect();
  return messages;
}

test.each(Object.keys(COMPRESSIONS))('produces and consumes %s', async (codec) => {
  const topic = await createTopic(`codec-${codec}`);
  const values = Array.from({ length: 200 }, (_, index) => `value-${index}-${'x'.repeat(100)}`);
  await send(
    topic,
    values.map((value) => ({ key: 'key', value })),
    { codec },
  );
  expect((await read(topic, 200)).map(({ value }) => value?.toString())).toEqual(values);
  expect(await storedAs(interop, topic)).toEqual({ magic: 2, codec });
});

test('keeps keys, headers and null values; an idempotent producer', async () => {
  const topic = await createTopic('records');
  const headers = { trace: ['abc', ''], other: 'x' };
  const full = { key: 'clé', value: 'värde', headers, timestamp: '1700000000000' };
  const [sent] = await send(topic, [full, { key: 'tombstone', value: null }, { value: 'keyless' }], {
    idempotent: true,
  });
  expect(sent).toMatchObject({ errorCode: 0, baseOffset: '0' });
  const [first, second, third] = await read(topic, 3);
  expect([first?.key?.toString(), first?.value?.toString(), first?.timestamp]).toEqual([
    'clé',
    'värde',
    '1700000000000',
  ]);
  expect(JSON.parse(JSON.stringify(first?.headers, (_, each) => each))).toEqual(
    JSON.parse(JSON.stringify({ trace: [Buffer.from('abc'), Buffer.from('')], other: Buffer.from('x') })),
  );
  expect([second?.key?.toString(), second?.value, third?.key]).toEqual(['tombstone', null, null]);
});

test('a group: commits, a second member, list, describe, offsets, delete', async () => {
  const topic = await createTopic('shared', 4);
  const messages = Array.from({ length: 40 }, (_, index) => ({ value: String(index), partition: index % 4 }));
  await send(topic, messages);
  const seen: string[] = [];
  const first = await join('group', topic, ({ message }) => seen.push(String(message.value)));
  await eventually('all are read', () => seen.length === 40);
  await join('group', topic, ({ message }) => seen.push(String(message.value)));
  await eventually('both are members', async () => {
    const { groups } = await admin.describeGroups(['group']);
    return groups[0]?.state === 'Stable' && groups[0].members.length === 2;
  });
  await send(topic, messages);
  await eventually('all are read once more', () => seen.length >= 80);
  expect((await admin.listGroups()).groups).toContainEqual({ groupId: 'group', protocolType: 'consumer' });
  await expect(admin.deleteGroups(['group'])).rejects.toMatchObject({
    groups: [{ groupId: 'group', errorCode: 68 }],
  });
  await eventually('all is committed', async () => {
    const [offsets] = await admin.fetchOffsets({ groupId: 'group', topics: [topic] });
    return offsets?.partitions.every(({ offset }) => offset === '20') === true;
  });
  expect(seen.length).toBe(80);
  await Promise.all(consumers.splice(consumers.indexOf(first)).map((each) => each.disconnect()));
  await admin.resetOffsets({ groupId: 'group', topic, earliest: true });
  await admin.deleteGroups(['group']);
  expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).not.toContain('group');
});

test('offsets by time, watermarks, deleted records', async () => {
  const topic = await createTopic('times');
  const at = (index: number) => 1_700_000_000_000 + index * 1000;
  for (let index = 0; index < 5; index++) {
    await send(topic, [{ value: 'v', timestamp: String(at(index)) }]);
  }
  expect(await admin.fetchTopicOffsetsByTimestamp(topic, at(2) - 500)).toEqual([
    { partition: 0, offset: '2' },
  ]);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
  expect(await admin.fetchTopicOffsets(topic)).toEqual([{ partition: 0, offset: '5', high: '5', low: '3' }]);
});

test('topics and configs: create twice, describe, alter, grow, delete', async () => {
  const topic = await createTopic('administered', 2);
  expect(await admin.createTopics({ topics: [{ topic }] })).toBe(false);
  const retention = async () => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ type: TOPIC_RESOURCE, name: topic }],
    });
    return resources[0]?.configEntries.find(({ configName }) => configName === 'retention.ms')?.configValue;
  };
  expect(await retention()).toBe('604800000');
  const configEntries = [{ name: 'retention.ms', value: '60000' }];
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: TOPIC_RESOURCE, name: topic, configEntries }],
  });
  await eventually('the change is seen', async () => (await retention()) === '60000');
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
  await eventually('there are three partitions', async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length === 3;
  });
  expect((await admin.describeCluster()).brokers).toHaveLength(3);
  await admin.deleteTopics({ topics: [topic] });
  await eventually('it is gone', async () => !(await admin.listTopics()).includes(topic));
});
