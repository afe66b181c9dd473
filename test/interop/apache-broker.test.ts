/**
 * Apache Kafka itself as the judge of what we leave behind: its tool reads our log directories, and its
 * broker starts on our directory, our znodes and our ZooKeeper, goes on with them, and hands them back.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DescribeConfigs } from '../../broker/protocol/messages/32-describe-configs.ts';
import { COMPRESSIONS, kafkaClient } from '../../scripts/cli/client.ts';
import { eventually } from '../support/eventually.ts';
import { startApacheInPlace } from './apache-in-place.ts';
import { APACHE_VERSION, type ApacheBroker, stopApacheProcess } from './apache-process.ts';
import { askAboutLoggers } from './broker-loggers.ts';
import { askFarAway, readFarAway } from './far-int64.ts';
import { type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';

const CODECS = Object.keys(COMPRESSIONS);
const RECORDS = 600;
const FIRST = 400;
const COMMITTED = 123;
const STOP_TIMEOUT_MS = 60_000;
const skip = skipped("Apache's broker on our data", jarsLack(APACHE_VERSION));

let interop: InteropCluster;
let data: string;
let apache: ApacheBroker | null = null;
/** What we answered, and must find again. */
let farAway: object = {};
let loggers: object = {};

beforeAll(async () => {
  if (skip) return;
  interop = await startInteropCluster({
    brokers: 1,
    // Apache's broker would wait 15 s for somebody to take over its partitions.
    properties: { 'offsets.topic.num.partitions': '5', 'controlled.shutdown.enable': 'false' },
  });
  data = join(interop.cluster.broker(1).directory, 'data');
});
afterAll(async () => {
  apache?.child.kill('SIGKILL');
  await interop?.close();
});

describe.skipIf(skip)("Apache's broker", () => {
  test('what we wrote is in order for DumpLogSegments', async () => {
    await createTopics();
    for (const codec of CODECS) await produce(codec, 0, FIRST);
    await commit();
    farAway = await askFarAway(await interop.connect(), 'far-ours');
    loggers = await askAboutLoggers(await interop.connect());
    const tools = new JavaTools(APACHE_VERSION);
    try {
      const files = logFiles();
      expect(files.filter((file) => file.endsWith('.log')).length).toBeGreaterThan(CODECS.length * 2);
      expect(files.filter((file) => file.endsWith('.index')).length).toBeGreaterThan(CODECS.length);
      for (const file of files) await inspect(tools, file);
    } finally {
      tools.close();
    }
  });

  test('goes on with our directory, our znodes and our ZooKeeper', async () => {
    const ours = { configs: await topicConfigs(), versions: await versions() };
    await interop.cluster.broker(1).child.stop(STOP_TIMEOUT_MS);
    apache = await startApacheInPlace(interop);
    expect(apache.log()).toMatch(/Skipping recovery of \d+ logs .* since clean shutdown file was found/);
    for (const codec of CODECS) expect(await consume(codec, FIRST), codec).toEqual(values(0, FIRST));
    await expectCommitted();
    await expectConfigs();
    expect(ours.configs).toEqual(await topicConfigs());
    expect(await versions()).toMatchObject(ours.versions);
    for (const codec of CODECS) await produce(codec, FIRST, RECORDS);
  });

  test('answers as we do where clients use integers beyond 2^53, and finds those that we stored', async () => {
    const connection = await interop.connect();
    expect(await askFarAway(connection, 'far-theirs')).toEqual(farAway);
    expect(farAway).toMatchObject({ kept: await readFarAway(connection, 'far-ours') });
  });

  test('says of its loggers what we say of ours', async () => {
    expect(await askAboutLoggers(await interop.connect())).toEqual(loggers);
  });

  test('and hands them back', async () => {
    // Before its stop, when its threads complain of being interrupted.
    const complaints =
      apache
        ?.log()
        .split('\n')
        .filter((line) => line.includes(' ERROR ')) ?? [];
    expect(complaints).toEqual([
      expect.stringContaining('append operation on partition far-theirs-bounded-0'),
    ]);
    if (apache !== null) await stopApacheProcess(apache);
    await interop.cluster.restart(1);
    const log = readFileSync(join(interop.cluster.broker(1).directory, 'server.log'), 'utf8');
    expect(log.slice(log.lastIndexOf('Cluster ID'))).toContain('after a clean stop');
    for (const codec of CODECS) expect(await consume(codec, RECORDS), codec).toEqual(values(0, RECORDS));
    await expectCommitted();
    await expectConfigs();
    await produce('none', RECORDS, RECORDS + 1);
    const connection = await interop.connect();
    for (const topic of ['far-ours', 'far-theirs']) {
      expect(farAway, topic).toMatchObject({ kept: await readFarAway(connection, topic) });
    }
  });
});

/** What the broker says of the configs of a topic. */
async function topicConfigs() {
  const connection = await interop.connect();
  const resources = [{ resourceType: 2, resourceName: 'lz4', configurationKeys: null }];
  const { results } = await connection.request(DescribeConfigs, { resources });
  connection.close();
  return results[0]?.configs
    .map(({ name, value, readOnly, configSource, isSensitive, configType }) => {
      return { name, value, readOnly, configSource, isSensitive, configType };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Which versions of what the broker speaks. */
async function versions() {
  const connection = await interop.connect();
  const spoken = Object.fromEntries(await connection.versions());
  connection.close();
  return spoken;
}

/** Hardly compressible, so that every codec fills several segments. */
const valueAt = (index: number) => createHash('sha512').update(`${index}`).digest('base64').repeat(2);
const values = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => valueAt(from + index));

async function createTopics(): Promise<void> {
  const admin = kafkaClient(interop.bootstrap).admin();
  await admin.connect();
  const configEntries = [
    { name: 'segment.bytes', value: '20000' },
    { name: 'index.interval.bytes', value: '1000' },
  ];
  await admin.createTopics({ topics: CODECS.map((topic) => ({ topic, configEntries })) });
  await admin.disconnect();
}

/** Ten records a batch, so that segments have many batches and index entries. */
async function produce(codec: string, from: number, to: number): Promise<void> {
  const producer = kafkaClient(interop.bootstrap).producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (let at = from; at < to; at += 10) {
    const messages = values(at, Math.min(to, at + 10)).map((value) => ({ key: 'key', value }));
    await producer.send({ topic: codec, acks: -1, compression: COMPRESSIONS[codec] ?? 0, messages });
  }
  await producer.disconnect();
}

async function consume(topic: string, count: number): Promise<string[]> {
  const consumer = kafkaClient(interop.bootstrap).consumer({
    groupId: `reader-of-${topic}`,
    maxWaitTimeInMs: 50,
  });
  const read: { offset: number; value: string }[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      read.push({ offset: Number(message.offset), value: String(message.value) });
    },
  });
  await eventually(`${count} records of ${topic}`, () => read.length >= count);
  await consumer.disconnect();
  expect(read.map(({ offset }) => offset)).toEqual(read.map((_, index) => index));
  return read.map(({ value }) => value);
}

async function commit(): Promise<void> {
  const admin = kafkaClient(interop.bootstrap).admin();
  await admin.connect();
  const partitions = [{ partition: 0, offset: String(COMMITTED), metadata: 'ours' }];
  await admin.setOffsets({ groupId: 'group', topic: 'zstd', partitions });
  await admin.disconnect();
}

async function expectCommitted(): Promise<void> {
  const admin = kafkaClient(interop.bootstrap).admin();
  await admin.connect();
  const offsets = await admin.fetchOffsets({ groupId: 'group', topics: ['zstd'] });
  await admin.disconnect();
  expect(offsets[0]?.partitions[0]?.offset).toBe(String(COMMITTED));
}

async function expectConfigs(): Promise<void> {
  const admin = kafkaClient(interop.bootstrap).admin();
  await admin.connect();
  const resource = { type: 2, name: 'lz4', configNames: ['segment.bytes'] };
  const described = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
  await admin.disconnect();
  expect(described.resources[0]?.configEntries[0]?.configValue).toBe('20000');
}

/** All files of our partitions that hold something. */
function logFiles(): string[] {
  return readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(log|index|timeindex|snapshot)$/.test(name))
    .map((name) => join(data, name))
    .filter((file) => statSync(file).size > 0);
}

async function inspect(tools: JavaTools, file: string): Promise<void> {
  const dump = (...more: string[]) => tools.run('kafka.tools.DumpLogSegments', [...more, '--files', file]);
  const found = await dump('--deep-iteration');
  expect([found.status, found.error], file).toEqual([0, '']);
  expect(found.out, file).not.toMatch(/isvalid: false|Mismatches|Non-secutive|out of order/i);
  if (!file.endsWith('index')) return;
  expect((await dump('--index-sanity-check')).out).toContain('passed sanity check');
  const verified = await dump('--verify-index-only');
  expect([verified.status, verified.error], file).toEqual([0, '']);
  expect(verified.out).not.toMatch(/Mismatches|Non-secutive|out of order/i);
}
