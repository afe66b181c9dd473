/**
 * Kafka Streams with exactly_once_v2 while each broker in turn is killed: every word's counts come out as
 * 1, 2, 3, … to the number that was put in, none left out and none twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patientClient } from '../../scripts/bonus/payments.ts';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { eventually } from '../support/eventually.ts';
import { CLIENTS, type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { jarsLack, javaArguments } from './java-jars.ts';

const STREAMS = '3.9.1-streams';
const [LINES, COUNTS] = ['lines', 'counts'];
const PARTITIONS = 3;
const WORDS = ['none', 'lost', 'none', 'twice', 'whatever', 'dies'];
const LINES_BEFORE_A_KILL = 20;
const STEP_MS = 60_000;
const skip = skipped("Kafka Streams' word count", jarsLack(STREAMS));

let interop: InteropCluster;
let producer: Producer;
let streams: ChildProcess | null = null;
let said = '';
/** What was put in, by word. */
const expected = new Map<string, number>();

beforeAll(async () => {
  if (skip) return;
  interop = await startInteropCluster();
  const kafka = patientClient('streams', interop.bootstrap);
  const admin = kafka.admin();
  await admin.connect();
  const topics = [LINES, COUNTS].map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 3 }));
  await admin.createTopics({ waitForLeaders: true, topics });
  await admin.disconnect();
  producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
}, STEP_MS);

afterAll(async () => {
  streams?.kill('SIGKILL');
  await producer?.disconnect();
  await interop?.close();
});

describe.skipIf(skip)('Kafka Streams with exactly_once_v2', () => {
  test(
    'counts every word once while each broker is killed in turn',
    async () => {
      startStreams();
      await eventually('it is running', () => hasEnded() || said.includes('running'), STEP_MS);
      for (const { id, child } of interop.cluster.brokers) {
        await putIn(LINES_BEFORE_A_KILL);
        await child.kill();
        await putIn(LINES_BEFORE_A_KILL);
        await interop.cluster.restart(id);
        await allInSync();
      }
      await putIn(LINES_BEFORE_A_KILL);
      const counts = await readCounts();
      expect(said).not.toContain('failed');
      expect(hasEnded()).toBe(false);
      for (const [word, count] of expected) {
        const oneByOne = Array.from({ length: count }, (_, index) => index + 1);
        expect(counts.get(word), word).toEqual(oneByOne);
      }
      expect([...counts.keys()].sort()).toEqual([...expected.keys()].sort());
    },
    4 * STEP_MS,
  );
});

function startStreams(): void {
  const program = join(CLIENTS, 'WordCount.java');
  const state = join(interop.directory, 'streams');
  const argv = [...javaArguments(STREAMS), program, interop.bootstrap, LINES, COUNTS, state];
  streams = spawn('java', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [streams.stdout, streams.stderr])
    stream?.setEncoding('utf8').on('data', (part) => (said += part));
}

function hasEnded(): boolean {
  return streams === null || streams.exitCode !== null || streams.signalCode !== null;
}

/** A line at a time, to each partition in turn. */
async function putIn(lines: number): Promise<void> {
  for (let line = 0; line < lines; line++) {
    const value = WORDS.join(' ');
    await producer.send({ topic: LINES, acks: -1, messages: [{ partition: line % PARTITIONS, value }] });
    for (const word of WORDS) expected.set(word, (expected.get(word) ?? 0) + 1);
  }
}

async function allInSync(): Promise<void> {
  const admin = new AdminClient(interop.bootstrap);
  try {
    await eventually(
      'all replicas are in sync',
      async () => {
        const { topics } = await admin.metadata(null);
        return topics
          .flatMap(({ partitions }) => partitions)
          .every(({ isrNodes, replicaNodes }) => isrNodes.length === replicaNodes.length);
      },
      STEP_MS,
    );
  } finally {
    admin.close();
  }
}

/** By word, what has come out, in order; read until as much has come as was put in, and a moment longer. */
async function readCounts(): Promise<Map<string, number[]>> {
  const total = [...expected.values()].reduce((sum, count) => sum + count, 0);
  const consumer = patientClient('streams', interop.bootstrap).consumer({
    groupId: 'reader',
    maxWaitTimeInMs: 100,
  });
  const counts = new Map<string, number[]>();
  let read = 0;
  await consumer.connect();
  await consumer.subscribe({ topic: COUNTS, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ message }) => {
      const word = String(message.key);
      counts.set(word, [...(counts.get(word) ?? []), Number(message.value)]);
      read++;
      return Promise.resolve();
    },
  });
  await eventually(`${total} counts`, () => read >= total || hasEnded(), STEP_MS);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await consumer.disconnect();
  return counts;
}
