/**
 * The two that are compared: a cluster of Odradek's processes and one of Apache Kafka's, started with the
 * same properties on the same kind of ZooKeeper. Odradek may be another checkout than this one (--self).
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { portIsFree } from '../cluster/ports.ts';
import { type Java, KAFKA_VERSION } from './java.ts';
import { endProcess, lastLines, type Workplace } from './workplace.ts';

export interface ClusterSettings {
  readonly brokers: number;
  /** Broker N listens on basePort + N - 1. */
  readonly basePort: number;
  readonly directory: string;
  /** null: Odradek's embedded server. */
  readonly zookeeper: string | null;
  readonly sessionTimeoutMs: number;
  readonly properties: Readonly<Record<string, string>>;
}

export interface RunningCluster {
  pids(): number[];
  kill(brokerId: number): Promise<void>;
  /** Starts a killed broker again. */
  restart(brokerId: number): Promise<void>;
  /** Resolves when the brokers have ended; rejects when one had ended before it was told to. */
  stop(): Promise<void>;
}

export interface System {
  readonly name: string;
  readonly version: string;
  /** Resolves at some time between the start of the processes and the moment when they serve. */
  start(settings: ClusterSettings): Promise<RunningCluster>;
}

const STOP_LIMIT_MS = 30_000;

/** Both know these; what is not said here has Kafka's default in both. */
export function commonProperties(settings: ClusterSettings): Record<string, string> {
  const copies = String(Math.min(3, settings.brokers));
  return {
    'zookeeper.session.timeout.ms': String(settings.sessionTimeoutMs),
    'default.replication.factor': copies,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'min.insync.replicas': String(Math.min(2, settings.brokers)),
    'group.initial.rebalance.delay.ms': '0',
    'controlled.shutdown.enable': 'false',
    ...settings.properties,
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
  return {
    name,
    version,
    async start(settings) {
      const file = join(checkout, 'scripts', 'cluster', 'local-cluster.ts');
      if (!existsSync(file)) throw new Error(`${name} has no scripts/cluster/local-cluster.ts`);
      const module = (await import(file)) as { LocalCluster: typeof LocalCluster };
      const cluster = await module.LocalCluster.start({
        ...settings,
        zookeeperPort: 0,
        properties: commonProperties(settings),
      });
      return runningOdradek(workplace, cluster);
    },
  };
}

function runningOdradek(workplace: Workplace, cluster: LocalCluster): RunningCluster {
  const killed = new Set<unknown>();
  for (const { child } of cluster.brokers) workplace.adopt(child.pid);
  if (cluster.zookeeper !== null) workplace.adopt(cluster.zookeeper.pid);
  return {
    pids: () => cluster.brokers.filter(({ child }) => child.ended === null).map(({ child }) => child.pid),
    async kill(brokerId) {
      const { child } = cluster.broker(brokerId);
      killed.add(child);
      await child.kill();
      workplace.release(child.pid);
    },
    async restart(brokerId) {
      await cluster.restart(brokerId);
      workplace.adopt(cluster.broker(brokerId).child.pid);
    },
    async stop() {
      const dead = cluster.brokers.find(({ child }) => child.ended !== null && !killed.has(child));
      await cluster.close();
      if (dead !== undefined)
        throw new Error(`broker ${dead.id} ended with ${dead.child.ended}: ${lastLines(dead.child.logFile)}`);
    },
  };
}

/** What bin/kafka-server-start.sh passes. */
const KAFKA_FLAGS =
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
    start(settings) {
      const brokers = new Map<number, ChildProcess>();
      const launch = (id: number): void => {
        brokers.set(id, launchKafka(workplace, java, settings, id));
      };
      for (let id = 1; id <= settings.brokers; id++) launch(id);
      return Promise.resolve(runningKafka(settings, brokers, launch));
    },
  };
}

function launchKafka(workplace: Workplace, java: Java, settings: ClusterSettings, id: number): ChildProcess {
  const home = join(settings.directory, `broker-${id}`);
  mkdirSync(home, { recursive: true });
  const properties = {
    'broker.id': String(id),
    listeners: `PLAINTEXT://127.0.0.1:${settings.basePort + id - 1}`,
    'log.dirs': join(home, 'data'),
    'zookeeper.connect': settings.zookeeper ?? '',
    ...commonProperties(settings),
  };
  const file = join(home, 'server.properties');
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const log4j = join(home, 'log4j.properties');
  writeFileSync(log4j, KAFKA_LOG4J);
  const flags = [...KAFKA_FLAGS.split(' '), `-Dlog4j.configuration=file:${log4j}`];
  return workplace.start(
    ['java', ...flags, '-cp', java.kafkaClasspath, 'kafka.Kafka', file],
    join(home, 'server.log'),
  );
}

function runningKafka(
  settings: ClusterSettings,
  brokers: ReadonlyMap<number, ChildProcess>,
  launch: (id: number) => void,
): RunningCluster {
  const live = (): ChildProcess[] =>
    [...brokers.values()].filter((child) => child.exitCode === null && child.signalCode === null);
  return {
    pids: () => live().map((child) => child.pid ?? -1),
    async kill(brokerId) {
      const child = brokers.get(brokerId);
      if (child === undefined) throw new Error(`there is no broker ${brokerId}`);
      await endProcess(child, 0);
    },
    restart(brokerId) {
      launch(brokerId);
      return Promise.resolve();
    },
    async stop() {
      const dead = [...brokers].find(([, child]) => child.exitCode !== null);
      await Promise.all(live().map((child) => endProcess(child, STOP_LIMIT_MS)));
      if (dead === undefined) return;
      const log = join(settings.directory, `broker-${dead[0]}`, 'server.log');
      throw new Error(`broker ${dead[0]} ended with exit status ${dead[1].exitCode}: ${lastLines(log)}`);
    },
  };
}
