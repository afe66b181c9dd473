/**
 * `__transaction_state` of a broker that was killed, each partition damaged in a way of its own: what Apache's broker
 * makes of the files, ours makes of them too. Nothing else was replicated, so that what stood before stands.
 */
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorName } from '../../broker/errors.ts';
import { partitionForKey } from '../../broker/java-hash.ts';
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { AddPartitionsToTxn } from '../../broker/protocol/messages/24-add-partitions-to-txn.ts';
import { DescribeTransactions } from '../../broker/protocol/messages/65-describe-transactions.ts';
import { completeBatches } from '../../broker/records/batch.ts';
import { eventually, pause } from '../support/eventually.ts';
import { copyForApache, startApacheOnCopy, withConnection } from './apache-in-place.ts';
import { APACHE_VERSION, type ApacheBroker, stopApacheProcess } from './apache-process.ts';
import { writeStateRecord } from './decided-end.ts';
import { type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { jarsLack } from './java-jars.ts';

const STATE_TOPIC = '__transaction_state';
const TOPIC = 'payments';
const TRANSACTION = 1;
const SESSION_TIMEOUT_MS = 4000;
const TIMEOUT_MS = 120_000;
const skip = skipped("Apache's broker on damaged transactions", jarsLack(APACHE_VERSION));

/** Of a partition, its log and where its last batch begins. */
interface Files {
  readonly directory: string;
  readonly log: string;
  readonly lastBatchAt: number;
}

interface Damage {
  readonly what: string;
  /** Written under the key of the second id, before the third comes. */
  readonly record?: { readonly key?: (key: Buffer) => Buffer; readonly value: Buffer | null };
  readonly files?: (files: Files) => void;
  /** What is known then of the ids: one that was taken up, one with an open transaction, one taken up last. */
  readonly leaves: readonly [string, string, string];
  /** Where Kafka knows less: it reads no further than a value that is none. */
  readonly leavesKafka?: readonly [string, string, string];
}

const NONE = 'TRANSACTIONAL_ID_NOT_FOUND';
const WHOLE = ['Empty/0', 'Ongoing/0', 'Empty/0'] as const;
const WITHOUT_LAST = ['Empty/0', 'Ongoing/0', NONE] as const;

const DAMAGES: readonly Damage[] = [
  { what: 'nothing', leaves: WHOLE },
  {
    what: 'a last batch cut in its header',
    files: ({ log, lastBatchAt }) => truncateSync(log, lastBatchAt + 30),
    leaves: WITHOUT_LAST,
  },
  {
    what: 'a last batch cut in its records',
    files: ({ log }) => truncateSync(log, statSync(log).size - 1),
    leaves: WITHOUT_LAST,
  },
  {
    what: 'a bit of the last batch turned over',
    files: ({ log, lastBatchAt }) => turnOver(log, lastBatchAt + 70),
    leaves: WITHOUT_LAST,
  },
  {
    what: 'a bit of the first batch turned over',
    files: ({ log }) => turnOver(log, 70),
    leaves: [NONE, NONE, NONE],
  },
  {
    what: 'bytes behind the last batch',
    files: ({ log }) => appendFileSync(log, Buffer.alloc(100, 0xa5)),
    leaves: WHOLE,
  },
  {
    what: 'no indexes, snapshots and epochs',
    files: ({ directory }) => {
      for (const name of readdirSync(directory))
        if (/index$|snapshot$|^leader-epoch/.test(name)) rmSync(join(directory, name));
    },
    leaves: WHOLE,
  },
  { what: 'no bytes at all', files: ({ log }) => truncateSync(log, 0), leaves: [NONE, NONE, NONE] },
  { what: 'a tombstone', record: { value: null }, leaves: ['Empty/0', NONE, 'Empty/0'] },
  {
    what: 'a key of a later version',
    record: { key: ofLaterVersion, value: Buffer.alloc(9) },
    leaves: WHOLE,
  },
  {
    what: 'a value that is empty',
    record: { value: Buffer.alloc(0) },
    leaves: WHOLE,
    leavesKafka: WITHOUT_LAST,
  },
  {
    what: 'a value that is garbage',
    record: { value: Buffer.alloc(40, 0xa5) },
    leaves: WHOLE,
    leavesKafka: WITHOUT_LAST,
  },
  {
    what: 'a value of a later version',
    record: { value: Buffer.from('0002000000', 'hex') },
    leaves: WHOLE,
    leavesKafka: WITHOUT_LAST,
  },
];

const IDS = DAMAGES.map((_, partition) => ['first', 'second', 'third'].map((name) => idIn(name, partition)));

let interop: InteropCluster;
let apache: ApacheBroker | null = null;

beforeAll(async () => {
  if (skip) return;
  interop = await startInteropCluster({
    brokers: 1,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    properties: {
      'transaction.state.log.num.partitions': String(DAMAGES.length),
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'controlled.shutdown.enable': 'false',
    },
  });
  await withConnection(interop, writeAll);
  await interop.cluster.broker(1).child.kill();
  const data = join(interop.cluster.broker(1).directory, 'data');
  for (const [partition, { files }] of DAMAGES.entries()) files?.(filesOf(data, partition));
  await copyForApache(interop);
}, TIMEOUT_MS);
afterAll(async () => {
  apache?.child.kill('SIGKILL');
  await interop?.close();
});

/** An id of this partition. */
function idIn(name: string, partition: number): string {
  for (let number = 0; ; number++) {
    const id = `${name}-${number}`;
    if (partitionForKey(id, DAMAGES.length) === partition) return id;
  }
}

function ofLaterVersion(key: Buffer): Buffer {
  const later = Buffer.from(key);
  later.writeInt16BE(1);
  return later;
}

function turnOver(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
  writeFileSync(file, bytes);
}

function filesOf(data: string, partition: number): Files {
  const directory = join(data, `${STATE_TOPIC}-${partition}`);
  const log = join(directory, '00000000000000000000.log');
  return { directory, log, lastBatchAt: [...completeBatches(readFileSync(log))].at(-1) ?? 0 };
}

async function writeAll(connection: KafkaConnection): Promise<void> {
  const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  await connection.request(CreateTopics, { topics, timeoutMs: 10_000 });
  await coordinatorIsThere(connection);
  for (const [partition, { record }] of DAMAGES.entries()) {
    const [first = '', second = '', third = ''] = IDS[partition] ?? [];
    await takenUp(connection, first);
    const { producerId, producerEpoch } = await takenUp(connection, second);
    await eventually(`${second} has a transaction`, async () => {
      const { errorCode, resultsByTransaction } = await connection.request(AddPartitionsToTxn, {
        transactions: [
          {
            transactionalId: second,
            producerId,
            producerEpoch,
            verifyOnly: false,
            topics: [{ name: TOPIC, partitions: [0] }],
          },
        ],
      });
      const result = resultsByTransaction[0]?.topicResults[0]?.resultsByPartition[0];
      return (result?.partitionErrorCode ?? errorCode) === 0;
    });
    if (record !== undefined) {
      const key = record.key?.(keyOf(second)) ?? keyOf(second);
      await writeStateRecord(interop.cluster.broker(1).port, partition, { key, value: record.value });
    }
    await takenUp(connection, third);
  }
}

function keyOf(id: string): Buffer {
  const key = Buffer.alloc(4 + id.length);
  key.writeInt16BE(id.length, 2);
  key.write(id, 4);
  return key;
}

/** While it loads, while a transaction ends, and while a session that was lost is opened again. */
const AGAIN = [
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
];

async function takenUp(connection: KafkaConnection, transactionalId: string) {
  for (;;) {
    const answer = await connection.request(InitProducerId, {
      transactionalId,
      transactionTimeoutMs: 600_000,
    });
    const error = errorName(answer.errorCode);
    if (!AGAIN.includes(error)) return { ...answer, error };
    await pause(50);
  }
}

async function coordinatorIsThere(connection: KafkaConnection): Promise<void> {
  const ids = IDS.flat();
  await eventually('all ids have a coordinator that has read its log', async () => {
    const asked = { keyType: TRANSACTION, coordinatorKeys: ids };
    const { coordinators } = await connection.request(FindCoordinator, asked);
    if (coordinators.some(({ errorCode }) => errorCode !== 0)) return false;
    const { transactionStates } = await connection.request(DescribeTransactions, { transactionalIds: ids });
    return transactionStates.every(({ errorCode }) => ['NONE', NONE].includes(errorName(errorCode)));
  });
}

/** Of each partition, what is known of its ids. */
async function known(): Promise<string[][]> {
  return withConnection(interop, async (connection) => {
    await coordinatorIsThere(connection);
    const states = new Map<string, string>();
    const { transactionStates } = await connection.request(DescribeTransactions, {
      transactionalIds: IDS.flat(),
    });
    for (const { transactionalId, errorCode, transactionState, producerEpoch } of transactionStates)
      states.set(
        transactionalId,
        errorCode === 0 ? `${transactionState}/${producerEpoch}` : errorName(errorCode),
      );
    return IDS.map((ids) => ids.map((id) => states.get(id) ?? ''));
  });
}

/** All ids are used again, whatever was known of them: epochs and errors. */
async function usedAgain(): Promise<string[]> {
  return withConnection(interop, async (connection) => {
    const answers: string[] = [];
    for (const id of IDS.flat()) {
      const { error, producerEpoch } = await takenUp(connection, id);
      answers.push(`${id}: ${error}, ${producerEpoch}`);
    }
    return answers;
  });
}

describe.skipIf(skip)('damaged in some way', () => {
  let kafkasAgain: string[] = [];

  test(
    "a partition is to Apache's broker what we say that it is",
    async () => {
      apache = await startApacheOnCopy(interop);
      const found = await known();
      for (const [at, { what, leaves, leavesKafka }] of DAMAGES.entries())
        expect([what, ...(found[at] ?? [])]).toEqual([what, ...(leavesKafka ?? leaves)]);
      kafkasAgain = await usedAgain();
      await stopApacheProcess(apache);
    },
    TIMEOUT_MS,
  );

  test(
    'a partition is to our broker what it is to Apache, or more, and goes on',
    async () => {
      await interop.cluster.restart(1);
      const found = await known();
      for (const [at, { what, leaves }] of DAMAGES.entries())
        expect([what, ...(found[at] ?? [])]).toEqual([what, ...leaves]);
      const again = await usedAgain();
      const moreThanKafka = DAMAGES.flatMap(({ leavesKafka }, at) =>
        leavesKafka === undefined ? [] : IDS[at]?.[2],
      );
      const alike = (line: string): boolean => !moreThanKafka.includes(line.slice(0, line.indexOf(':')));
      expect(again.filter(alike)).toEqual(kafkasAgain.filter(alike));
      expect(again.filter((line) => !line.includes('NONE'))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
