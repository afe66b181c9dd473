/**
 * Testcontainers' own Kafka module for Node, as its users write it, on the image of this run. Those for Java,
 * Go and Python take longer and have a command of their own: modules/run.
 */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { nodePackage, nodePackageLacks } from '../interop/node-packages.ts';
import { BROKER_IMAGE, docker, LABEL, RUN } from './docker-host.ts';

const MODULE = ['@testcontainers/kafka', '12.2.0'] as const;
/** The constructor throws for a tag that is no version. */
const MODULE_IMAGE = BROKER_IMAGE.replace(/:.*$/, ':7.9.1');
const PORT = 9093;
const STARTUP_MS = 60_000;
const SECURE_PORT = 9096;
const ZOOKEEPER_PORT = 2181;
const STORES = join(import.meta.dirname, '..', 'unit', 'security', 'stores');
const STORE_PASSWORD = 'changeit';
const USER = { name: 'app-user', password: 'userPassword' };

/** What is used of it. */
interface KafkaContainer {
  withKraft(): KafkaContainer;
  withZooKeeper(host: string, port: number): KafkaContainer;
  withSaslSslListener(options: SaslSslListener): KafkaContainer;
  withLabels(labels: Record<string, string>): KafkaContainer;
  withStartupTimeout(timeoutMs: number): KafkaContainer;
  start(): Promise<{ getHost(): string; getMappedPort(port: number): number; stop(): Promise<unknown> }>;
}

interface SaslSslListener {
  readonly port: number;
  readonly sasl: { readonly mechanism: string; readonly user: { name: string; password: string } };
  readonly keystore: { readonly content: Buffer; readonly passphrase: string };
}

/** Why the module can't be had; null when it is there. */
export function moduleLacks(): string | null {
  return nodePackageLacks(...MODULE);
}

/** Starts a container by the module, and resolves with what a client reads back that has written `hello`. */
export async function throughModule(
  shape: (container: KafkaContainer) => KafkaContainer,
  { port = PORT, ...client }: Omit<KafkaConfig, 'brokers'> & { readonly port?: number } = {},
): Promise<string> {
  const module = nodePackage(...MODULE) as { KafkaContainer: new (image: string) => KafkaContainer };
  await docker('tag', BROKER_IMAGE, MODULE_IMAGE);
  const container = new module.KafkaContainer(MODULE_IMAGE).withLabels({ [LABEL]: RUN });
  const started = await shape(container).withStartupTimeout(STARTUP_MS).start();
  try {
    return await roundTrip({ ...client, brokers: [`${started.getHost()}:${started.getMappedPort(port)}`] });
  } finally {
    await started.stop();
  }
}

/** The same by a listener with TLS and a login, as the module offers it. */
export function throughSecureModule(shape: (container: KafkaContainer) => KafkaContainer): Promise<string> {
  const keystore = { content: readFileSync(join(STORES, 'key.p12')), passphrase: STORE_PASSWORD };
  const sasl = { mechanism: 'SCRAM-SHA-512', user: USER };
  return throughModule(
    (container) => shape(container.withSaslSslListener({ port: SECURE_PORT, sasl, keystore })),
    {
      port: SECURE_PORT,
      sasl: { mechanism: 'scram-sha-512', username: USER.name, password: USER.password },
      // The certificate in the store is for another host.
      ssl: { rejectUnauthorized: false },
    },
  );
}

/** What a container may have in /etc/kafka/secrets: a key store, its password, and who may log in. */
export function secretsDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-secrets-'));
  copyFileSync(join(STORES, 'key.p12'), join(directory, 'key.p12'));
  writeFileSync(join(directory, 'creds'), `${STORE_PASSWORD}\n`);
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  writeFileSync(join(directory, 'jaas.conf'), `KafkaServer { ${module} required user_admin="secret"; };\n`);
  chmodSync(directory, 0o755);
  return directory;
}

/** A ZooKeeper in a container, on the network that containers are on anyway: its address, and its end. */
export async function zookeeperContainer(): Promise<{ host: string; port: number }> {
  const words = ['run', '-d', '--label', `${LABEL}=${RUN}`, BROKER_IMAGE, 'zookeeper', '--host', '0.0.0.0'];
  const id = await docker(...words);
  const host = await docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', id);
  return { host, port: ZOOKEEPER_PORT };
}

async function roundTrip(client: KafkaConfig): Promise<string> {
  const kafka = new Kafka({ ...client, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 't', messages: [{ value: 'hello' }] });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: 't', fromBeginning: true });
  const value = await new Promise<string>((resolve) => {
    void consumer.run({
      eachMessage: ({ message }) => {
        resolve(String(message.value));
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return value;
}
