/** kafka-node, whose Consumer keeps its offsets in ZooKeeper by way of whichever broker it talks to. */
import type { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { kafkaClient } from '../../scripts/cli/client.ts';
import { eventually } from '../support/eventually.ts';
import { type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { nodePackage, nodePackageLacks } from './node-packages.ts';

const VERSION = '5.0.0';
const skip = skipped('kafka-node', nodePackageLacks('kafka-node', VERSION));
const TOPIC = 'read-once';
const GROUP = 'reader';
const PARTITIONS = 3;

interface Message {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

interface OldConsumer extends EventEmitter {
  /** With `force` it commits first. */
  close(force: boolean, done: (error: unknown) => void): void;
}

interface KafkaNode {
  readonly KafkaClient: new (options: object) => EventEmitter & { close(done: () => void): void };
  readonly Consumer: new (client: object, payloads: object[], options: object) => OldConsumer;
}

let interop: InteropCluster;
let kafkaNode: KafkaNode;

beforeAll(async () => {
  if (skip) return;
  kafkaNode = nodePackage('kafka-node', VERSION) as KafkaNode;
  interop = await startInteropCluster();
  const admin = kafkaClient(interop.bootstrap).admin();
  await admin.connect();
  const topic = { topic: TOPIC, numPartitions: PARTITIONS, replicationFactor: 3 };
  await admin.createTopics({ waitForLeaders: true, topics: [topic] });
  await admin.disconnect();
});
afterAll(() => interop?.close());

describe.skipIf(skip)('kafka-node', () => {
  test('a consumer that comes back goes on where it was, whichever broker it knows', async () => {
    await produce(0, 30);
    const first = await consumed(1, 30);
    await produce(30, 60);
    const second = await consumed(2, 30);
    await produce(60, 61);
    const third = await consumed(3, 1);
    expect(first).toEqual(new Set(numbers(0, 30)));
    expect(second).toEqual(new Set(numbers(30, 60)));
    expect(third).toEqual(new Set(['60']));
  });

  test('every broker knows its commits', async () => {
    const topics = [{ name: TOPIC, partitionIndexes: numbers(0, PARTITIONS).map(Number) }];
    for (const { id } of interop.cluster.brokers) {
      const connection = await interop.connect(id);
      const answer = await connection.request(OffsetFetch, { groupId: GROUP, topics }, 0);
      const offsets = answer.topics.flatMap(({ partitions }) => partitions.map((one) => one.committedOffset));
      expect(offsets).toEqual([21, 20, 20]);
    }
  });
});

function clientOf(brokerId: number) {
  const { port } = interop.cluster.broker(brokerId);
  return new kafkaNode.KafkaClient({ kafkaHost: `127.0.0.1:${port}`, autoConnect: true });
}

/**
 * The first `count` different values that a new consumer gets, which then stops with a commit. It asks for the
 * partitions of several brokers anew with each answer of one, and so gets some of them twice.
 */
async function consumed(brokerId: number, count: number): Promise<ReadonlySet<string>> {
  const values = new Set<string>();
  const failures: unknown[] = [];
  const payloads = numbers(0, PARTITIONS).map((partition) => ({
    topic: TOPIC,
    partition: Number(partition),
  }));
  const options = { groupId: GROUP, autoCommit: false, fetchMaxWaitMs: 100 };
  const consumer = new kafkaNode.Consumer(clientOf(brokerId), payloads, options);
  consumer.on('message', (message: Message) => values.add(message.value));
  consumer.on('error', (error: unknown) => failures.push(error));
  await eventually(`${count} values`, () => values.size >= count || failures.length > 0);
  await new Promise<void>((resolve, reject) => {
    consumer.close(true, (error) => (error ? reject(error) : resolve()));
  });
  expect(failures).toEqual([]);
  return values;
}

async function produce(from: number, to: number): Promise<void> {
  const producer = kafkaClient(interop.bootstrap).producer();
  await producer.connect();
  const messages = numbers(from, to).map((value) => ({ partition: Number(value) % PARTITIONS, value }));
  await producer.send({ topic: TOPIC, acks: -1, messages });
  await producer.disconnect();
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => String(from + index));
