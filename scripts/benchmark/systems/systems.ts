/**
 * The two that are compared: a cluster of Odradek's processes and one of Apache Kafka's, started with the
 * same properties on the same kind of ZooKeeper. Odradek may be another checkout than this one (--self).
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { portIsFree } from '../../cluster/ports.ts';
import type { Workplace } from '../workplace.ts';
import { BrokerProcesses, logDirectoryIn, type RunningCluster } from './broker-processes.ts';
import { type Java, KAFKA_VERSION } from './java.ts';
import { startEmbedded, startZooKeeper, type ZooKeeperServer } from './zookeeper-server.ts';

/** Besides the one without anything. */
export interface SecondListener {
  readonly protocol: 'SSL' | 'SASL_PLAINTEXT';
  /** Of the brokers. */
  readonly properties: Readonly<Record<string, string>>;
}

interface ClusterSettings {
  readonly brokers: number;
  /** Broker N listens on basePort + N - 1. */
  readonly basePort: number;
  readonly directory: string;
  readonly zookeeper: string;
  readonly sessionTimeoutMs: number;
  /** More of them, for this cluster. */
  readonly properties: Readonly<Record<string, string>>;
  /** Of broker N on basePort + brokers + N - 1. */
  readonly second: SecondListener | null;
}

export interface System {
  readonly name: string;
  readonly version: string;
  /** Of Odradek: where its code is. */
  readonly checkout: string | null;
  /** Starts the processes; they do not serve yet when it returns. */
  launch(settings: ClusterSettings): RunningCluster;
  /** The coordination service that its user would take, as it is shipped. */
  startCoordination(): Promise<ZooKeeperServer>;
}

export const SESSION_TIMEOUT_MS = 18_000;

/** Both know these; what is not said here has Kafka's default in both. */
export function commonProperties(brokers: number, sessionTimeoutMs: number): Record<string, string> {
  const copies = String(Math.min(3, brokers));
  return {
    'zookeeper.session.timeout.ms': String(sessionTimeoutMs),
    'default.replication.factor': copies,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'min.insync.replicas': String(Math.min(2, brokers)),
    'group.initial.rebalance.delay.ms': '0',
    'controlled.shutdown.enable': 'false',
  };
}

/** A port with enough free ones after it. */
export async function freePortRange(count: number): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(
      Array.from({ length: count }, (_, index) => portIsFree(base + index, '127.0.0.1')),
    );
    if (free.every(Boolean)) return base;
  }
}

export function odradek(workplace: Workplace, name: string, version: string, checkout: string): System {
  const program = join(checkout, 'scripts', 'cli', 'main.ts');
  if (!existsSync(program)) throw new Error(`${version} has no scripts/cli/main.ts`);
  return {
    ...{ name, version, checkout },
    launch: (settings) =>
      new BrokerProcesses(workplace, settings, (id, home) => [
        ...[process.execPath, '--disable-warning=TimeoutNegativeWarning', program],
        ...['broker', '--config', writeProperties(settings, id, home)],
      ]),
    startCoordination: () => startEmbedded(workplace, checkout),
  };
}

/** What bin/kafka-server-start.sh passes. */
export const KAFKA_FLAGS =
  '-Xmx1G -Xms1G -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 ' +
  '-XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15 -Djava.awt.headless=true';
/** Levels of config/log4j.properties, in one file per broker. */
const KAFKA_LOG4J = `log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
log4j.logger.kafka.request.logger=WARN
log4j.logger.state.change.logger=INFO
`;

export function apacheKafka(workplace: Workplace, java: Java): System {
  return {
    name: 'kafka',
    version: `Apache Kafka ${KAFKA_VERSION} (ZooKeeper mode, Java ${java.version})`,
    checkout: null,
    launch: (settings) =>
      new BrokerProcesses(workplace, settings, (id, home) => [
        ...kafkaCommand(home, java),
        writeProperties(settings, id, home),
      ]),
    startCoordination: () => startZooKeeper(workplace, java, true),
  };
}

/** Apache Kafka with the flags of its start script; its levels of logging are written into the directory. */
export function kafkaCommand(directory: string, { kafkaClasspath }: Pick<Java, 'kafkaClasspath'>): string[] {
  const log4j = join(directory, 'log4j.properties');
  writeFileSync(log4j, KAFKA_LOG4J);
  const flags = [...KAFKA_FLAGS.split(' '), `-Dlog4j.configuration=file:${log4j}`];
  return ['java', ...flags, '-cp', kafkaClasspath, 'kafka.Kafka'];
}

function writeProperties(settings: ClusterSettings, id: number, home: string): string {
  const { basePort, brokers, second } = settings;
  const plain = `PLAINTEXT://127.0.0.1:${basePort + id - 1}`;
  const properties = {
    'broker.id': String(id),
    listeners:
      second === null ? plain : `${plain},${second.protocol}://127.0.0.1:${basePort + brokers + id - 1}`,
    ...second?.properties,
    'log.dirs': logDirectoryIn(home),
    'zookeeper.connect': settings.zookeeper,
    ...commonProperties(settings.brokers, settings.sessionTimeoutMs),
    ...settings.properties,
  };
  const file = join(home, 'server.properties');
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
