/**
 * Connect's distributed worker with exactly.once.source.support=enabled: it keeps its configs, offsets and
 * states in our topics, and a file source writes each line of its file once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patientClient } from '../../scripts/bonus/payments.ts';
import { freePort } from '../../scripts/cluster/ports.ts';
import { eventually } from '../support/eventually.ts';
import { type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { jarsLack, javaArguments } from './java-jars.ts';

const CONNECT = '3.9.1-connect';
const TOPIC = 'lines';
const STEP_MS = 60_000;
const skip = skipped("Connect's distributed worker", jarsLack(CONNECT));

let interop: InteropCluster;
let worker: ChildProcess | null = null;
let said = '';
let rest = '';

beforeAll(async () => {
  if (skip) return;
  interop = await startInteropCluster();
  const port = await freePort();
  rest = `http://127.0.0.1:${port}`;
  const properties = join(interop.directory, 'connect.properties');
  writeFileSync(properties, workerProperties(port));
  const argv = [...javaArguments(CONNECT), 'org.apache.kafka.connect.cli.ConnectDistributed', properties];
  worker = spawn('java', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [worker.stdout, worker.stderr])
    stream?.setEncoding('utf8').on('data', (part) => (said += part));
}, STEP_MS);

afterAll(async () => {
  worker?.kill('SIGKILL');
  await interop?.close();
});

describe.skipIf(skip)("Connect's distributed worker with exactly.once.source.support", () => {
  test(
    'runs a file source, which writes each line once, also after a restart of its task',
    async () => {
      const file = join(interop.directory, 'lines.txt');
      writeFileSync(file, lines(0, 100));
      await eventually('the worker serves', () => ask('GET', '/connectors').then(({ ok }) => ok), STEP_MS);
      const config = {
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
        'exactly.once.support': 'required',
        'tasks.max': '1',
        file,
        topic: TOPIC,
      };
      const created = await ask('POST', '/connectors', { name: 'lines', config });
      expect(created.status, said).toBe(201);
      await isRunning();
      await committed(100);
      expect((await ask('POST', '/connectors/lines/restart?includeTasks=true')).ok).toBe(true);
      appendFileSync(file, lines(100, 200));
      expect(await committed(200)).toEqual(lines(0, 200).trimEnd().split('\n'));
    },
    3 * STEP_MS,
  );
});

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');

function workerProperties(port: number): string {
  return Object.entries({
    'bootstrap.servers': interop.bootstrap,
    'group.id': 'connect',
    'exactly.once.source.support': 'enabled',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'config.storage.topic': 'connect-configs',
    'offset.storage.topic': 'connect-offsets',
    'status.storage.topic': 'connect-status',
    'offset.storage.partitions': '3',
    'offset.flush.interval.ms': '500',
    'topic.creation.enable': 'true',
    listeners: `HTTP://127.0.0.1:${port}`,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Not `ok` as long as nobody answers. */
async function ask(
  method: string,
  path: string,
  body?: object,
): Promise<{ ok: boolean; status: number; text: string }> {
  if (worker?.exitCode !== null) throw new Error(`the worker has ended: ${said.slice(-2000)}`);
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${rest}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch (error) {
    return { ok: false, status: 0, text: String(error) };
  }
}

async function isRunning(): Promise<void> {
  await eventually(
    'connector and task are running',
    async () => {
      const { text } = await ask('GET', '/connectors/lines/status');
      return text.split('"state":"RUNNING"').length === 3;
    },
    STEP_MS,
  );
}

/** What readers of committed data see, once it is that much, and what comes within the next moment. */
async function committed(count: number): Promise<string[]> {
  const groupId = `reader-of-${count}`;
  const consumer = patientClient('connect', interop.bootstrap).consumer({ groupId, maxWaitTimeInMs: 100 });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ message }) => {
      values.push(String(message.value));
      return Promise.resolve();
    },
  });
  await eventually(`${count} lines`, () => values.length >= count, STEP_MS);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await consumer.disconnect();
  return values;
}
