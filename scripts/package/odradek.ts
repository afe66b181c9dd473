/**
 * `odradek`, for programs: a broker, or a whole cluster, inside this process. Whatever can be said of them
 * is said with Kafka's properties, and whoever talks to them uses a Kafka client.
 *
 *     const cluster = await startCluster({ brokers: 3, directory: '/var/lib/app/kafka' });
 *     … new Kafka({ brokers: cluster.bootstrapServers.split(',') }) …
 *     await cluster.close();
 *
 * For tests there is `odradek/testkit`, which can do more to a cluster than use it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../broker/broker.ts';
import { type BrokerConfig, brokerConfig, brokerProperty } from '../../broker/config/broker-config.ts';
import { withJaasFile } from '../../broker/node/jaas-file-logins.ts';
import { zookeeperSessions } from '../../broker/node/zookeeper-session.ts';
import { systemClock } from '../../broker/platform/clock.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { type JvmProperties, jvmProperties } from '../../broker/security/jvm-options.ts';
import { javaStores } from '../../broker/security/tls/java-stores.ts';
import { zookeeperAccess } from '../../broker/security/zookeeper/zookeeper-access.ts';
import type { CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { withoutZookeeperSecurity } from '../../test/kit/broker-configs.ts';
import { startCluster as startTestCluster } from '../../test/kit/cluster.ts';
import { aboutZookeeper } from '../../test/kit/plain-errors.ts';

/** Kafka's property names and their values, as in a server.properties file. */
export type Properties = Readonly<Record<string, string>>;

export interface ClusterOptions {
  /** How many; 3 unless given. Their ids begin at 1. */
  readonly brokers?: number;
  /** For every broker. */
  readonly properties?: Properties;
  /** Where everything is kept, to come up again from; a temporary directory that close() removes unless given. */
  readonly directory?: string;
  /** Connect string of a ZooKeeper ensemble, `host:port,…/chroot`, instead of one of their own. */
  readonly zookeeper?: string;
  /** Gets the lines of the brokers' logs. */
  readonly log?: (brokerId: number, line: string) => void;
}

export interface BrokerOptions {
  /**
   * Without `zookeeper.connect` the broker is a cluster of its own; without `listeners` it listens on a
   * free port of 127.0.0.1; without `log.dirs` its data is in a temporary directory that close() removes.
   */
  readonly properties?: Properties;
  /** Gets the lines of the broker's log. */
  readonly log?: (line: string) => void;
}

/** What runs, until it is closed. */
export interface Started {
  /** `host:port,…` for any Kafka client. */
  readonly bootstrapServers: string;
  /** Ends it cleanly; resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

/** Starts a cluster; resolves when every broker serves and knows all the others, rejects with nothing left. */
export async function startCluster(options: ClusterOptions = {}): Promise<Started> {
  const { bootstrapServers, close } = await startTestCluster(options);
  return { bootstrapServers, close };
}

/** Starts one broker; resolves when it serves, rejects with nothing left. */
export async function startBroker({ properties = {}, log }: BrokerOptions = {}): Promise<Started> {
  const unknown = Object.keys(properties).find((name) => brokerProperty(name) === undefined);
  if (unknown !== undefined) throw new Error(`'${unknown}' is no property of a broker`);
  const isAlone = properties['zookeeper.connect'] === undefined;
  const temporary =
    properties['log.dirs'] === undefined && properties['log.dir'] === undefined
      ? mkdtempSync(join(tmpdir(), 'odradek-'))
      : null;
  const clean = (): void => {
    if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
  };
  let broker: Broker | null = null;
  try {
    const jvm = jvmProperties(process.env['KAFKA_OPTS'] ?? '');
    const given = brokerConfig(
      new Map(
        Object.entries({
          listeners: 'PLAINTEXT://127.0.0.1:0',
          ...(temporary === null ? {} : { 'log.dirs': temporary }),
          ...(isAlone ? ALONE : {}),
          ...properties,
        }),
      ),
    );
    const config = await withJaasFile(given, jvm, nodeDisk);
    const platform = systemPlatform({
      write: (line) => log?.(line),
      metricLabels: {},
      journalMaxEvents: config.journalMaxEvents,
    });
    const coordinators = await source(config, isAlone ? null : jvm);
    broker = new Broker({ config, platform, hostName: hostname(), coordinators });
    await broker.start();
  } catch (error) {
    await broker?.shutdown();
    clean();
    throw aboutZookeeper(error, properties['zookeeper.connect'] ?? '');
  }
  const running = broker;
  return {
    bootstrapServers: addressOf(properties, running),
    async close() {
      await running.shutdown();
      clean();
    },
  };
}

/** What differs from Kafka's defaults in a broker without others. */
const ALONE: Properties = {
  'broker.id': '1',
  'zookeeper.connect': 'in-process:2181',
  'offsets.topic.replication.factor': '1',
  'controlled.shutdown.enable': 'false',
};

/** `jvm`: how to be somebody to the ensemble; null for a broker alone. */
async function source(config: BrokerConfig, jvm: JvmProperties | null): Promise<CoordinatorSource> {
  const sessionTimeoutMs = config.zookeeperSessionTimeoutMs;
  if (jvm === null) {
    withoutZookeeperSecurity(config);
    return localSource({ tree: new LocalTree(), clock: systemClock, sessionTimeoutMs });
  }
  const reader = { disk: nodeDisk, javaStores };
  const access = await zookeeperAccess(config.raw, jvm, reader);
  return zookeeperSessions(config, access, { sockets: systemPlatform().sockets });
}

/** The first listener, as a client of this machine reaches it. */
function addressOf(properties: Properties, broker: Broker): string {
  const [, host = ''] = /^[^:]+:\/\/(.*):\d+/.exec(properties['listeners'] ?? '') ?? [];
  const everywhere = host === '' || host === '0.0.0.0' || host === '[::]';
  return `${everywhere ? '127.0.0.1' : host}:${[...broker.ports.values()][0]}`;
}
