/** With vitest: a cluster for the file, new for each test. (kafkajs asks for records every 5 s unless told otherwise.) */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type KitCluster, startCluster } from '../cluster.ts'; // in your project: 'odradek/testkit'

/** Far more than any of it takes: also a machine that is busy with other things is given its time. */
const TIME_MS = 60_000;
vi.setConfig({ testTimeout: TIME_MS, hookTimeout: TIME_MS });
let cluster: KitCluster;

beforeAll(async () => {
  cluster = await startCluster({ brokers: 3 });
});
beforeEach(() => cluster.reset());
afterAll(() => cluster.close());

it('delivers orders', async () => {
  await cluster.createTopics({ name: 'orders', partitions: 2 });
  const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 100 });
  const seen: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) });
  await cluster.awaitAssigned('billing', 'orders');
  await cluster.produce('orders', ['one', 'two']);
  await expect.poll(() => seen.sort(), { timeout: TIME_MS }).toEqual(['one', 'two']);
  await consumer.disconnect();
});

it('delivers each order once, though an acknowledgement is lost', async () => {
  await cluster.createTopics('orders');
  cluster.failNext({ api: 'Produce', error: 'close', carriedOut: true, clientId: 'shop' });
  const kafka = new Kafka({
    clientId: 'shop',
    brokers: cluster.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20 },
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  await producer.send({ topic: 'orders', acks: -1, messages: [{ value: 'one' }] });
  await producer.disconnect();
  expect(cluster.requests({ api: 'Produce', clientId: 'shop' })).toHaveLength(2);
  await cluster.expectEveryAcknowledgedRecordOnce('orders', ['one']);
});
