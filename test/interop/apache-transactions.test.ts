/**
 * Apache's broker on our `__transaction_state`, and we on its: ids, epochs, open transactions and the records
 * of ended ones are the same to both; and what Kafka's decoder reads in our log.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { DescribeTransactions } from '../../broker/protocol/messages/65-describe-transactions.ts';
import { kafkaClient } from '../../scripts/cli/client.ts';
import { eventually } from '../support/eventually.ts';
import { startApacheInPlace } from './apache-in-place.ts';
import { APACHE_VERSION, type ApacheBroker, stopApacheProcess } from './apache-process.ts';
import { writeDecidedEnd } from './decided-end.ts';
import { type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';

const TOPIC = 'payments';
const GROUP = 'payers';
/** Written in transactions whose end is decided, and not yet told. */
const DECIDED = { ours: 'decided-ours', theirs: 'decided-theirs' };
type Prefix = keyof typeof DECIDED;
const IDS = ['idle', 'committed', 'aborted', 'open'];
const STOP_TIMEOUT_MS = 60_000;
const TIMEOUT_MS = 90_000;
const TRANSACTION = 1;
const skip = skipped("Apache's broker on our transactions", jarsLack(APACHE_VERSION));

let interop: InteropCluster;
let apache: ApacheBroker | null = null;
const producers: Producer[] = [];

beforeAll(async () => {
  if (skip) return;
  interop = await startInteropCluster({
    brokers: 1,
    properties: {
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.num.partitions': '2',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'controlled.shutdown.enable': 'false',
    },
  });
}, TIMEOUT_MS);
afterAll(async () => {
  await Promise.allSettled(producers.map((each) => each.disconnect()));
  apache?.child.kill('SIGKILL');
  await interop?.close();
});

async function producer(transactionalId: string): Promise<Producer> {
  const one = kafkaClient(interop.bootstrap).producer({
    transactionalId,
    transactionTimeout: 600_000,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  producers.push(one);
  await one.connect();
  return one;
}

/** One is to be committed and one aborted, by whoever reads the log next. */
async function leaveDecidedEnds(prefix: Prefix): Promise<void> {
  for (const [id, state] of [
    [`${prefix}-commit`, 'PrepareCommit'],
    [`${prefix}-abort`, 'PrepareAbort'],
  ] as const) {
    const transaction = await (await producer(id)).transaction();
    await transaction.send({ topic: DECIDED[prefix], messages: [{ value: id, partition: 0 }] });
    await writeDecidedEnd(interop.cluster.broker(1).port, id, state);
  }
}

async function decidedEndsAreTold(prefix: Prefix): Promise<void> {
  const told = ['CompleteCommit', 'CompleteAbort'];
  await eventually(`the ends of ${prefix} are told`, async () => {
    const states = (await described([`${prefix}-commit`, `${prefix}-abort`])).map(
      (one) => one.transactionState,
    );
    return states.join() === told.join();
  });
}

async function transact(transactionalId: string, value: string, ends: 'commit' | 'abort' | 'leave') {
  const transaction = await (await producer(transactionalId)).transaction();
  await transaction.send({ topic: TOPIC, messages: [{ value, partition: 0 }] });
  if (ends === 'leave') return;
  const topics = [{ topic: TOPIC, partitions: [{ partition: 0, offset: String(value.length) }] }];
  await transaction.sendOffsets({ consumerGroupId: GROUP, topics });
  await transaction[ends]();
}

/** A producer takes the id up, and does nothing with it. */
async function takeUp(transactionalId: string): Promise<void> {
  const connection = await interop.connect();
  await eventually(`${transactionalId} has a coordinator`, async () => {
    const asked = { keyType: TRANSACTION, coordinatorKeys: [transactionalId] };
    return (await connection.request(FindCoordinator, asked)).coordinators[0]?.errorCode === 0;
  });
  await eventually(`${transactionalId} has a producer`, async () => {
    const request = { transactionalId, transactionTimeoutMs: 60_000 };
    return (await connection.request(InitProducerId, request)).errorCode === 0;
  });
  connection.close();
}

/** With the partitions in one order. */
async function described(ids: readonly string[] = IDS) {
  const connection = await interop.connect();
  const { transactionStates } = await connection.request(DescribeTransactions, {
    transactionalIds: [...ids],
  });
  connection.close();
  return transactionStates.map(({ topics, ...one }) => ({
    ...one,
    topics: topics.map(({ topic, partitions }) => `${topic}-${partitions}`).sort(),
  }));
}

async function committedOffset(): Promise<string | undefined> {
  const admin = kafkaClient(interop.bootstrap).admin();
  await admin.connect();
  const offsets = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
  await admin.disconnect();
  return offsets[0]?.partitions[0]?.offset;
}

async function readCommitted(count: number, topic = TOPIC): Promise<string[]> {
  const groupId = `reader-${count}-${Math.round(performance.now())}`;
  const consumer = kafkaClient(interop.bootstrap).consumer({ groupId, maxWaitTimeInMs: 50 });
  const values: string[] = [];
  const crashes: string[] = [];
  consumer.on(consumer.events.CRASH, ({ payload }) => void crashes.push(String(payload.error)));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => void values.push(String(message.value)),
  });
  await eventually(`${count} committed records`, () => values.length >= count).catch(
    async (error: unknown) => {
      const seen = { values, crashes, ...(await endsOf(topic)) };
      throw new Error(`read of ${topic}: ${JSON.stringify(seen)}\n${apache?.log()}`, { cause: error });
    },
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  await consumer.disconnect();
  return values;
}

/**
 * Kafka's coordinator may have read its log before its broker is told which topics there are; then it takes one for
 * deleted and tells it no end: the transaction stays open there for ever. It says so.
 */
function hasTakenForDeleted(topic: string): boolean {
  return new RegExp(`Couldn't find leader endpoint for partitions \\S*${topic}-0`).test(apache?.log() ?? '');
}

/** How far a topic can be read, with and without what is in transactions. */
async function endsOf(topic: string): Promise<Record<'end' | 'stable', string>> {
  const connection = await interop.connect();
  const endWith = async (isolationLevel: number): Promise<string> => {
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n, maxNumOffsets: 1 }];
    const request = { replicaId: -1, isolationLevel, topics: [{ name: topic, partitions }] };
    const { topics } = await connection.request(ListOffsets, request);
    return String(topics[0]?.partitions[0]?.offset);
  };
  const ends = { end: await endWith(0), stable: await endWith(1) };
  connection.close();
  return ends;
}

async function coordinatorIsThere(): Promise<void> {
  const connection = await interop.connect();
  await eventually('all ids have a coordinator that has read its log', async () => {
    const asked = { keyType: TRANSACTION, coordinatorKeys: IDS };
    const { coordinators } = await connection.request(FindCoordinator, asked);
    if (coordinators.some(({ errorCode }) => errorCode !== 0)) return false;
    return (await described()).every(({ errorCode }) => errorCode === 0);
  });
  connection.close();
}

describe.skipIf(skip)("Apache's broker", () => {
  let ours: Awaited<ReturnType<typeof described>>;

  test(
    'and its decoder read our __transaction_state',
    async () => {
      const admin = kafkaClient(interop.bootstrap).admin();
      await admin.connect();
      await admin.createTopics({
        waitForLeaders: true,
        topics: [TOPIC, ...Object.values(DECIDED)].map((topic) => ({ topic })),
      });
      await admin.disconnect();
      await takeUp('idle');
      await transact('committed', 'one', 'commit');
      await transact('aborted', 'never', 'abort');
      await transact('committed', 'three', 'commit');
      await eventually('the offsets are committed', async () => (await committedOffset()) === '5');
      await transact('open', 'open', 'leave');
      await eventually('all ends are complete', async () =>
        (await described()).every(({ transactionState }) => !transactionState.startsWith('Prepare')),
      );
      ours = await described();
      expect(ours.map(({ transactionState }) => transactionState)).toEqual([
        'Empty',
        'CompleteCommit',
        'CompleteAbort',
        'Ongoing',
      ]);
      await leaveDecidedEnds('ours');
      const tools = new JavaTools(APACHE_VERSION);
      try {
        const said = (await Promise.all(stateLogs().map((file) => decoded(tools, file)))).join('\n');
        const lines = ours.map(
          ({ transactionalId, producerId, producerEpoch, transactionState }) =>
            `transactionalId=${transactionalId} payload: producerId:${producerId},producerEpoch:${producerEpoch},state=${transactionState}`,
        );
        expect(lines.filter((line) => !said.includes(line))).toEqual([]);
        expect(said).toMatch(/state=PrepareCommit,partitions=\[__consumer_offsets-0,payments-0\]/);
      } finally {
        tools.close();
      }
    },
    TIMEOUT_MS,
  );

  test(
    'knows our ids, epochs, open transactions and decided ends, and goes on with them',
    async () => {
      await interop.cluster.broker(1).child.stop(STOP_TIMEOUT_MS);
      apache = await startApacheInPlace(interop);
      await coordinatorIsThere();
      expect(await described()).toEqual(ours);
      expect(await committedOffset()).toBe('5');
      expect(await readCommitted(2)).toEqual(['one', 'three']);
      await decidedEndsAreTold('ours');
      if (!hasTakenForDeleted(DECIDED.ours))
        expect(await readCommitted(1, DECIDED.ours)).toEqual(['ours-commit']);
      await transact('committed', 'of Kafka', 'commit');
      await eventually('its transaction is complete', async () =>
        (await described()).every(({ transactionState }) => !transactionState.startsWith('Prepare')),
      );
      ours = await described();
      await leaveDecidedEnds('theirs');
    },
    TIMEOUT_MS,
  );

  test(
    'hands them back',
    async () => {
      if (apache !== null) await stopApacheProcess(apache);
      await interop.cluster.restart(1);
      await coordinatorIsThere();
      expect(await described()).toEqual(ours);
      await decidedEndsAreTold('theirs');
      expect(await readCommitted(1, DECIDED.theirs)).toEqual(['theirs-commit']);
      // A new producer of the open one has it aborted, and what waited behind it is there.
      await transact('open', 'of ours', 'commit');
      expect(await readCommitted(4)).toEqual(['one', 'three', 'of Kafka', 'of ours']);
      await eventually('the offset of the last commit', async () => (await committedOffset()) === '7');
      const connection = await interop.connect();
      const request = { transactionalId: 'committed', transactionTimeoutMs: 60_000 };
      const next = await connection.request(InitProducerId, request);
      const last = ours.find(({ transactionalId }) => transactionalId === 'committed');
      expect(next).toMatchObject({
        errorCode: 0,
        producerId: last?.producerId,
        producerEpoch: (last?.producerEpoch ?? 0) + 1,
      });
    },
    TIMEOUT_MS,
  );
});

function stateLogs(): string[] {
  const data = join(interop.cluster.broker(1).directory, 'data');
  return readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.startsWith('__transaction_state-') && name.endsWith('.log'))
    .map((name) => join(data, name));
}

async function decoded(tools: JavaTools, file: string): Promise<string> {
  const argv = ['--transaction-log-decoder', '--files', file];
  const { status, out } = await tools.run('kafka.tools.DumpLogSegments', argv);
  expect(status).toBe(0);
  return out;
}
