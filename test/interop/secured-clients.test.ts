/**
 * A record there and back over SASL_SSL by each mechanism, with the clients that people have: each with the
 * certificate's file, a name and a password that a cluster of the test kit tells, under rules.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PYTHON, packageLacks, pythonWith } from '../../scripts/torment/clients/python-packages.ts';
import { type KitCluster, startCluster } from '../kit/cluster.ts';
import { APACHE_VERSION } from './apache-process.ts';
import {
  CLIENTS,
  CURRENT_CONFLUENT,
  commandLacks,
  expectStep,
  runSteps,
  type Steps,
  skipped,
} from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';
import { PLAIN_MODULE, SCRAM_MODULE } from './secure-broker.ts';

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
const [USER, PASSWORD] = ['alice', 'se"cret'];
const TIMEOUT_MS = 120_000;
/** Debian's is three years older. */
const CURRENT_KAFKA_PYTHON = '3.0.12';

let cluster: KitCluster;
let caFile: string;
let ca: string;

beforeAll(async () => {
  cluster = await startCluster({
    security: {
      users: { [USER]: PASSWORD },
      acls: [
        { user: USER, allow: ['Read', 'Write', 'Create'], topic: '*' },
        { user: USER, allow: 'Read', group: '*' },
      ],
    },
  });
  caFile = cluster.security?.caFile ?? '';
  ca = cluster.security?.ca ?? '';
});
afterAll(() => cluster?.close());

test.each(MECHANISMS)('kafkajs by %s', async (name) => {
  const topic = `kafkajs-${name}`;
  await cluster.createTopics(topic);
  const mechanism = name.toLowerCase() as 'plain';
  const kafka = new Kafka({
    brokers: cluster.bootstrapServers.split(','),
    ssl: { ca },
    sasl: { mechanism, username: USER, password: PASSWORD },
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value: 'hello' }] });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const value = await new Promise((resolve) => {
    void consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) });
  });
  expect(value).toBe('hello');
  await consumer.disconnect();
});

test.each(MECHANISMS)('platformatic by %s', async (mechanism) => {
  const topic = `platformatic-${mechanism}`;
  await cluster.createTopics(topic);
  const common = {
    clientId: 'interop',
    bootstrapBrokers: cluster.bootstrapServers.split(','),
    tls: { ca },
    sasl: { mechanism, username: USER, password: PASSWORD },
  };
  const admin = new Admin(common);
  expect(await admin.listTopics()).toContain(topic);
  await admin.close();
  const producer = new Producer({ ...common, serializers: stringSerializers });
  await producer.send({ messages: [{ topic, value: 'hello' }] });
  await producer.close();
  const consumer = new Consumer({ ...common, groupId: topic, deserializers: stringDeserializers });
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', maxWaitTime: 100 });
  for await (const { value } of stream) {
    expect(value).toBe('hello');
    break;
  }
  await consumer.close(true);
});

const noKcat = skipped('kcat', commandLacks('kcat', ['-V']));
test.skipIf(noKcat).each(MECHANISMS)('kcat by %s', async (mechanism) => {
  const topic = `kcat-${mechanism}`;
  await cluster.createTopics(topic);
  const login = { 'sasl.mechanism': mechanism, 'sasl.username': USER, 'sasl.password': PASSWORD };
  const all = { 'security.protocol': 'SASL_SSL', 'ssl.ca.location': caFile, ...login };
  const options = Object.entries(all).flatMap(([name, value]) => ['-X', `${name}=${value}`]);
  const kcat = (...words: string[]) => {
    const running = promisify(execFile)('kcat', [
      '-q',
      '-b',
      cluster.bootstrapServers,
      '-t',
      topic,
      ...options,
      ...words,
    ]);
    running.child.stdin?.end('hello\n');
    return running;
  };
  await kcat('-P');
  expect((await kcat('-C', '-e', '-o', 'beginning')).stdout).toBe('hello\n');
});

const PYTHONS = [
  { name: 'kafka-python', library: 'kafka', python: PYTHON, lacks: null },
  {
    name: `kafka-python ${CURRENT_KAFKA_PYTHON}`,
    library: 'kafka',
    python: pythonWith('kafka-python', CURRENT_KAFKA_PYTHON),
    lacks: packageLacks('kafka-python', CURRENT_KAFKA_PYTHON),
  },
  { name: 'confluent-kafka', library: 'confluent_kafka', python: PYTHON, lacks: null },
  {
    name: `confluent-kafka ${CURRENT_CONFLUENT}`,
    library: 'confluent_kafka',
    python: pythonWith('confluent-kafka', CURRENT_CONFLUENT),
    lacks: packageLacks('confluent-kafka', CURRENT_CONFLUENT),
  },
];
describe.each(PYTHONS)('$name', ({ name, library, python, lacks }) => {
  const isMissing = skipped(name, lacks ?? commandLacks(python, ['-c', `import ${library}`]));
  let steps: Steps;
  beforeAll(async () => {
    if (isMissing) return;
    const program = join(CLIENTS, 'secured.py');
    steps = await runSteps(python, [program, library, cluster.bootstrapServers, caFile, USER, PASSWORD]);
  }, TIMEOUT_MS);
  test.skipIf(isMissing).each(MECHANISMS)('by %s', (mechanism) => expectStep(steps, mechanism));
});

const noJava = skipped("Kafka's clients for Java", jarsLack(APACHE_VERSION));
describe.skipIf(noJava)('Java', () => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-secured-'));
  const tools = new JavaTools(APACHE_VERSION);
  afterAll(() => {
    tools.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(MECHANISMS)(
    'writes and reads by %s',
    async (mechanism) => {
      const topic = `java-${mechanism}`;
      await cluster.createTopics(topic);
      const module = mechanism === 'PLAIN' ? PLAIN_MODULE : SCRAM_MODULE;
      const file = join(directory, `${mechanism}.properties`);
      const lines = {
        'security.protocol': 'SASL_SSL',
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': caFile,
        'sasl.mechanism': mechanism,
        'sasl.jaas.config': `${module} required username="${USER}" password="${PASSWORD.replaceAll('"', String.raw`\\"`)}";`,
      };
      writeFileSync(
        file,
        Object.entries(lines)
          .map((line) => `${line.join('=')}\n`)
          .join(''),
      );
      // A producer and a consumer in one JVM: servers, topic, records, acks, bytes, client configs.
      const argv = [cluster.bootstrapServers, topic, '3', 'all', '10', file];
      const result = await tools.run('org.apache.kafka.tools.EndToEndLatency', argv);
      expect(result).toMatchObject({ status: 0 });
      expect(await cluster.consume(topic)).toHaveLength(3);
    },
    TIMEOUT_MS,
  );
});
