/** The cluster that other projects' tests run on: real clients, real replication, and nothing left behind. */
import { existsSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KitCluster, startCluster } from './cluster.ts';

let cluster: KitCluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(() => cluster.close());

describe('a cluster in this process', () => {
  it('replicates what an ordinary client produces, and gives it back', async () => {
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: 't', numPartitions: 1, replicationFactor: 3 }],
    });
    await admin.disconnect();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 't', acks: -1, messages: [{ value: 'one' }, { value: 'two' }] });
    await producer.disconnect();
    const ends = cluster.brokers.map((broker) => broker.inside.logs.log('t', 0)?.endOffset);
    expect(ends.filter((end) => end === 2).length).toBeGreaterThanOrEqual(2);

    const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: 't', fromBeginning: true });
    const values: string[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: ({ message }) => {
          values.push(String(message.value));
          if (values.length === 2) resolve();
          return Promise.resolve();
        },
      });
    });
    await consumer.disconnect();
    expect(values).toEqual(['one', 'two']);
  });

  it('has one controller', () => {
    expect(cluster.brokers.filter((broker) => broker.inside.controller.isActive)).toHaveLength(1);
  });

  it('leaves nothing behind', async () => {
    const short = await startCluster({ brokers: 1 });
    const [log] = [...short.brokers].map((broker) => broker.inside.logs.directories()[0]?.path);
    expect(existsSync(log ?? '')).toBe(true);
    await short.close();
    expect(existsSync(log ?? '')).toBe(false);
  });
});
