/** Brokers whose peers speak TLS because their inter-broker listener does: they replicate, and only among themselves. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Broker } from '../../broker/broker.ts';
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { createAuthority, issue } from '../../scripts/cli/certs/authority.ts';
import { eventually } from '../support/eventually.ts';
import { AUTHORITY, BROKER, VALID } from '../unit/platform/tls-ends.ts';

const SESSION_TIMEOUT_MS = 6000;
const directory = mkdtempSync(join(tmpdir(), 'odradek-tls-peers-'));
const brokers: Broker[] = [];
let server: EmbeddedServer;

beforeAll(async () => {
  server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 500 });
});
afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.shutdown()));
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
}

async function start(id: number, certificates: { store: string; trusted: string }) {
  const lines: string[] = [];
  const connect = `127.0.0.1:${server.port}`;
  const properties = {
    'broker.id': String(id),
    listeners: 'PLAINTEXT://127.0.0.1:0,SSL://127.0.0.1:0',
    'security.inter.broker.protocol': 'SSL',
    'zookeeper.connect': connect,
    'log.dirs': join(directory, `data-${id}`),
    'controlled.shutdown.enable': 'false',
    'ssl.client.auth': 'required',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': file(`broker-${id}.pem`, certificates.store),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': file(`ca-${id}.pem`, certificates.trusted),
  };
  const broker = new Broker({
    config: brokerConfig(new Map(Object.entries(properties))),
    platform: systemPlatform({ write: (line) => lines.push(line) }),
    coordinators: zookeeperSource({
      connect,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: SESSION_TIMEOUT_MS,
      maxInFlightRequests: 10,
    }),
    hostName: '127.0.0.1',
  });
  brokers.push(broker);
  await broker.start();
  return { broker, lines, address: `127.0.0.1:${broker.ports.get('PLAINTEXT')}` };
}

it('brokers replicate over TLS, by certificates alone; one of another authority is left out, and both say why', async () => {
  const own = { store: BROKER.key + BROKER.certificate, trusted: AUTHORITY.certificate };
  const [one, two] = [await start(1, own), await start(2, own)];
  const kafka = new kafkajs.Kafka({
    brokers: [one.address, two.address],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 10, initialRetryTime: 100 },
  });
  const admin = kafka.admin();
  await admin.connect();
  const topic = { topic: 'replicated', numPartitions: 2, replicationFactor: 2 };
  await admin.createTopics({
    topics: [{ ...topic, configEntries: [{ name: 'min.insync.replicas', value: '2' }] }],
  });
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: 20 }, (_, at) => ({ value: 'x'.repeat(10_000), partition: at % 2 }));
  const sent = await producer.send({ topic: topic.topic, acks: -1, messages });
  expect(sent.map(({ errorCode }) => errorCode)).toEqual([0, 0]);

  const other = await createAuthority('another', VALID);
  const { key, certificate } = await issue(other, {
    commonName: 'broker',
    hosts: ['127.0.0.1'],
    validity: VALID,
  });
  const stranger = await start(3, { store: key + certificate, trusted: other.certificate });
  await eventually(
    'all say what is wrong',
    () =>
      stranger.lines.some((line) => line.includes('Refused a peer from 127.0.0.1')) &&
      [one, two].some(({ lines }) => lines.some((line) => /No channel to broker 3 .*certificate/.test(line))),
  );
  const [described] = (await admin.fetchTopicMetadata({ topics: [topic.topic] })).topics;
  expect(described?.partitions.map(({ isr }) => [...isr].sort())).toEqual([
    [1, 2],
    [1, 2],
  ]);
  await producer.disconnect();
  await admin.disconnect();
});
