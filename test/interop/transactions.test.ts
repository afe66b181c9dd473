/**
 * Transactions of real clients: what is committed is read, what is aborted is not, offsets go with the
 * records, a newer producer fences an older one, and a broker that dies takes nothing with it.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  Consumer as PlatformaticConsumer,
  Producer as PlatformaticProducer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import kafkajs, { type Admin, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { DescribeTransactions } from '../../broker/protocol/messages/65-describe-transactions.ts';
import { ListTransactions } from '../../broker/protocol/messages/66-list-transactions.ts';
import { kafkaClient } from '../../scripts/cli/client.ts';
import { eventually } from '../support/eventually.ts';
import { commandLacks, type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';

const run = promisify(execFile);
const PARTITIONS = 3;
const TIMEOUT_MS = 60_000;
const TRANSACTION = 1;
const withoutKcat = skipped("kcat's transactions", commandLacks('kcat', ['-V']));

let interop: InteropCluster;
let kafka: ReturnType<typeof kafkaClient>;
let admin: Admin;
const producers: Producer[] = [];

beforeAll(async () => {
  interop = await startInteropCluster({
    properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' },
  });
  kafka = kafkaClient(interop.bootstrap);
  admin = kafka.admin();
  await admin.connect();
}, TIMEOUT_MS);
afterAll(async () => {
  await Promise.allSettled(producers.map((each) => each.disconnect()));
  await admin?.disconnect();
  await interop?.close();
});

async function createTopic(topic: string): Promise<string> {
  const topics = [{ topic, numPartitions: PARTITIONS, replicationFactor: 3 }];
  await admin.createTopics({ waitForLeaders: true, topics });
  return topic;
}

async function producer(transactionalId: string, transactionTimeout = 60_000): Promise<Producer> {
  const one = kafka.producer({
    transactionalId,
    maxInFlightRequests: 1,
    idempotent: true,
    transactionTimeout,
  });
  producers.push(one);
  await one.connect();
  return one;
}

/** A record a partition, each with that value. */
const spread = (value: string) =>
  Array.from({ length: PARTITIONS }, (_, partition) => ({ value: `${value}${partition}`, partition }));

/** Values of a topic, sorted, once there are `count`; what comes within the next moment as well. */
async function read(topic: string, count: number, readUncommitted = false): Promise<string[]> {
  const groupId = `reader-${topic}-${readUncommitted}-${count}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, readUncommitted });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => void values.push(String(message.value)),
  });
  await eventually(`${count} records of ${topic}`, () => values.length >= count);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await consumer.disconnect();
  return values.sort();
}

async function coordinatorOf(transactionalId: string): Promise<number> {
  for (const { id } of interop.cluster.brokers) {
    try {
      const connection = await interop.connect(id);
      const asked = { keyType: TRANSACTION, coordinatorKeys: [transactionalId] };
      const { coordinators } = await connection.request(FindCoordinator, asked);
      const [found] = coordinators;
      if (found !== undefined && found.errorCode === 0) return found.nodeId;
    } catch {
      // That one is dead.
    }
  }
  throw new Error(`${transactionalId} has no coordinator`);
}

async function stateOf(transactionalId: string): Promise<string> {
  const connection = await interop.connect(await coordinatorOf(transactionalId));
  const { transactionStates } = await connection.request(DescribeTransactions, {
    transactionalIds: [transactionalId],
  });
  return transactionStates[0]?.transactionState ?? '';
}

/** kafkajs does not ask again when the markers of the transaction before are not all written yet. */
async function untilComplete(transactionalId: string): Promise<void> {
  await eventually('the transaction is complete', async () =>
    (await stateOf(transactionalId)).startsWith('Complete'),
  );
}

describe('kafkajs', () => {
  test(
    'what is committed is read, what is aborted is not',
    async () => {
      const topic = await createTopic('commits');
      const one = await producer('commits');
      for (const [value, ends] of [
        ['a', 'commit'],
        ['b', 'abort'],
        ['c', 'commit'],
      ] as const) {
        const transaction = await one.transaction();
        await transaction.send({ topic, messages: spread(value) });
        await transaction[ends]();
        await untilComplete('commits');
      }
      expect(await read(topic, 6)).toEqual(['a0', 'a1', 'a2', 'c0', 'c1', 'c2']);
      expect(await read(topic, 9, true)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'c0', 'c1', 'c2']);
      expect(await stateOf('commits')).toBe('CompleteCommit');
    },
    TIMEOUT_MS,
  );

  test(
    'records behind an open transaction wait for it',
    async () => {
      const topic = await createTopic('open');
      const one = await producer('open');
      const transaction = await one.transaction();
      await transaction.send({ topic, messages: [{ value: 'first', partition: 0 }] });
      const plain = kafka.producer();
      producers.push(plain);
      await plain.connect();
      await plain.send({ topic, messages: [{ value: 'second', partition: 0 }] });
      expect(await read(topic, 0)).toEqual([]);
      expect(await stateOf('open')).toBe('Ongoing');
      await transaction.commit();
      expect(await read(topic, 2)).toEqual(['first', 'second']);
    },
    TIMEOUT_MS,
  );

  test(
    'offsets are committed with the transaction, or not at all',
    async () => {
      const topic = await createTopic('offsets');
      const one = await producer('offsets');
      const committed = async () => {
        const [found] = await admin.fetchOffsets({ groupId: 'offsets', topics: [topic] });
        return found?.partitions.find(({ partition }) => partition === 0)?.offset;
      };
      for (const [offset, ends] of [
        ['5', 'commit'],
        ['9', 'abort'],
      ] as const) {
        const transaction = await one.transaction();
        const topics = [{ topic, partitions: [{ partition: 0, offset }] }];
        await transaction.sendOffsets({ consumerGroupId: 'offsets', topics });
        await transaction.send({ topic, messages: spread(offset) });
        await transaction[ends]();
        await untilComplete('offsets');
        await eventually('the offset of the commit stands', async () => (await committed()) === '5');
      }
      expect(await read(topic, 3)).toEqual(['50', '51', '52']);
    },
    TIMEOUT_MS,
  );

  test(
    'a producer that comes again fences the one before, and aborts what it left open',
    async () => {
      const topic = await createTopic('fenced');
      const older = await producer('fenced');
      const left = await older.transaction();
      await left.send({ topic, messages: spread('old') });
      const newer = await producer('fenced');
      const transaction = await newer.transaction();
      await transaction.send({ topic, messages: spread('new') });
      await expect(left.commit()).rejects.toThrow(/epoch|fenced/i);
      await transaction.commit();
      expect(await read(topic, 3)).toEqual(['new0', 'new1', 'new2']);
    },
    TIMEOUT_MS,
  );

  test(
    'a transaction that lasts longer than its timeout is aborted',
    async () => {
      const topic = await createTopic('late');
      const one = await producer('late', 5000);
      const transaction = await one.transaction();
      await transaction.send({ topic, messages: spread('late') });
      await eventually('it is aborted', async () => (await stateOf('late')) === 'CompleteAbort');
      await expect(transaction.commit()).rejects.toThrow(/epoch|fenced/i);
      const connection = await interop.connect(await coordinatorOf('late'));
      const listed = await connection.request(ListTransactions, { stateFilters: ['CompleteAbort'] });
      expect(listed.transactionStates.map(({ transactionalId }) => transactionalId)).toContain('late');
      const next = await producer('late');
      const again = await next.transaction();
      await again.send({ topic, messages: spread('again') });
      await again.commit();
      expect(await read(topic, 3)).toEqual(['again0', 'again1', 'again2']);
    },
    TIMEOUT_MS,
  );
});

test(
  'platformatic: what is committed is read, what is aborted is not',
  async () => {
    const topic = await createTopic('platformatic');
    const base = {
      clientId: 'interop',
      bootstrapBrokers: interop.bootstrap.split(','),
      retries: 10,
      retryDelay: 50,
    };
    const one = new PlatformaticProducer({
      ...base,
      serializers: stringSerializers,
      idempotent: true,
      transactionalId: 'platformatic',
    });
    for (const [value, ends] of [
      ['a', 'commit'],
      ['b', 'abort'],
      ['c', 'commit'],
    ] as const) {
      const transaction = await one.beginTransaction();
      await transaction.send({ messages: spread(value).map((message) => ({ ...message, topic })) });
      await transaction[ends]();
    }
    await one.close();
    expect(await read(topic, 6)).toEqual(['a0', 'a1', 'a2', 'c0', 'c1', 'c2']);
    const consumer = new PlatformaticConsumer({
      ...base,
      groupId: 'platformatic',
      deserializers: stringDeserializers,
      maxWaitTime: 100,
      isolationLevel: 1,
    });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
    const values: string[] = [];
    stream.on('data', ({ value }) => values.push(String(value)));
    await eventually('all committed records', () => values.length >= 6);
    await consumer.close(true);
    expect(values.sort()).toEqual(['a0', 'a1', 'a2', 'c0', 'c1', 'c2']);
  },
  TIMEOUT_MS,
);

test.skipIf(withoutKcat)(
  'kcat: produces in a transaction, and reads what is committed',
  async () => {
    const topic = await createTopic('kcat');
    const aborted = await producer('not-kcat');
    const transaction = await aborted.transaction();
    await transaction.send({ topic, messages: [{ value: 'aborted', partition: 0 }] });
    await transaction.abort();
    const child = run(
      'kcat',
      ['-b', interop.bootstrap, '-P', '-t', topic, '-p', '0', '-X', 'transactional.id=kcat'],
      {
        timeout: 60_000,
      },
    );
    child.child.stdin?.end('one\ntwo\n');
    await child;
    const read_committed = ['-X', 'isolation.level=read_committed', '-X', 'fetch.wait.max.ms=50'];
    const { stdout } = await run(
      'kcat',
      [
        '-b',
        interop.bootstrap,
        '-C',
        '-t',
        topic,
        '-p',
        '0',
        '-o',
        'beginning',
        '-e',
        '-q',
        ...read_committed,
      ],
      { timeout: 60_000 },
    );
    expect(stdout).toBe('one\ntwo\n');
  },
  TIMEOUT_MS,
);

describe('a broker that is killed', () => {
  /** More patient than it would be by itself: a dead broker's session lives on for a while. */
  async function patientProducer(transactionalId: string): Promise<Producer> {
    const client = new kafkajs.Kafka({
      brokers: interop.bootstrap.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 60, initialRetryTime: 100, maxRetryTime: 500 },
    });
    const one = client.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
    producers.push(one);
    await one.connect();
    return one;
  }

  async function leaderOf(topic: string): Promise<number> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions[0]?.leader ?? 0;
  }

  test.each(['coordinator', 'leader'])(
    'as %s: the transaction goes on, all of it or nothing',
    async (role) => {
      const topic = await createTopic(`killed-${role}`);
      const id = `killed-${role}`;
      const one = await patientProducer(id);
      const before = await one.transaction();
      await before.send({ topic, messages: spread('before') });
      await before.commit();
      const transaction = await one.transaction();
      await transaction.send({ topic, messages: spread('kept') });
      const victim = role === 'coordinator' ? await coordinatorOf(id) : await leaderOf(topic);
      await interop.cluster.broker(victim).child.kill();
      try {
        await transaction.send({ topic, messages: spread('more') });
        await transaction.commit();
        const aborted = await one.transaction();
        await aborted.send({ topic, messages: spread('aborted') });
        await aborted.abort();
      } finally {
        await interop.cluster.restart(victim);
      }
      const values = ['before', 'kept', 'more'].flatMap((value) => spread(value).map((each) => each.value));
      expect(await read(topic, values.length)).toEqual(values.sort());
    },
    120_000,
  );
});
