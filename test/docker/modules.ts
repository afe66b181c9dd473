/**
 * Testcontainers' own Kafka module for Node, as its users write it, on the image of this run. Those for Java,
 * Go and Python take longer and have a command of their own: modules/run.
 */
import { Kafka, logLevel } from 'kafkajs';
import { nodePackage, nodePackageLacks } from '../interop/node-packages.ts';
import { BROKER_IMAGE, docker, LABEL, RUN } from './docker-host.ts';

const MODULE = ['@testcontainers/kafka', '12.2.0'] as const;
/** The constructor throws for a tag that is no version. */
const MODULE_IMAGE = BROKER_IMAGE.replace(/:.*$/, ':7.9.1');
const PORT = 9093;
const STARTUP_MS = 60_000;
const ZOOKEEPER_PORT = 2181;

/** What is used of it. */
interface KafkaContainer {
  withKraft(): KafkaContainer;
  withZooKeeper(host: string, port: number): KafkaContainer;
  withLabels(labels: Record<string, string>): KafkaContainer;
  withStartupTimeout(timeoutMs: number): KafkaContainer;
  start(): Promise<{ getHost(): string; getMappedPort(port: number): number; stop(): Promise<unknown> }>;
}

/** Why the module can't be had; null when it is there. */
export function moduleLacks(): string | null {
  return nodePackageLacks(...MODULE);
}

/** Starts a container by the module, and resolves with what a client reads back that has written `hello`. */
export async function throughModule(shape: (container: KafkaContainer) => KafkaContainer): Promise<string> {
  const module = nodePackage(...MODULE) as { KafkaContainer: new (image: string) => KafkaContainer };
  await docker('tag', BROKER_IMAGE, MODULE_IMAGE);
  const container = new module.KafkaContainer(MODULE_IMAGE).withLabels({ [LABEL]: RUN });
  const started = await shape(container).withStartupTimeout(STARTUP_MS).start();
  try {
    return await roundTrip(`${started.getHost()}:${started.getMappedPort(PORT)}`);
  } finally {
    await started.stop();
  }
}

/** A ZooKeeper in a container, on the network that containers are on anyway: its address, and its end. */
export async function zookeeperContainer(): Promise<{ host: string; port: number }> {
  const words = ['run', '-d', '--label', `${LABEL}=${RUN}`, BROKER_IMAGE, 'zookeeper', '--host', '0.0.0.0'];
  const id = await docker(...words);
  const host = await docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', id);
  return { host, port: ZOOKEEPER_PORT };
}

async function roundTrip(broker: string): Promise<string> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
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
