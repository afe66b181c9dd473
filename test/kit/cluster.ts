/**
 * `odradek/testkit`: a replicating Kafka cluster inside your own test process, in a fraction of a
 * second. Brokers, controller, replication and logs are the real ones; only the ZooKeeper tree lives in
 * this process too, unless you name an ensemble. Any Kafka client can connect.
 *
 *     const cluster = await startCluster({ brokers: 3 });
 *     … new Kafka({ brokers: cluster.bootstrapServers.split(',') }) …
 *     await cluster.close();
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../broker/broker.ts';
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { systemClock } from '../../broker/platform/clock.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import type { CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';

export interface KitOptions {
  /** 3 unless given. */
  readonly brokers?: number;
  /** Kafka's properties, for every broker. Without a `peer.shared.secret` each cluster has one of its own. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Connect string of a ZooKeeper (or of the embedded server) to use instead of the tree in this process. */
  readonly zookeeper?: string;
  /** Where the logs go; a temporary directory that close() removes unless given. */
  readonly directory?: string;
  /** Lines of the brokers' logs; thrown away unless given. */
  readonly log?: (brokerId: number, line: string) => void;
}

export interface KitCluster {
  /** `host:port,…` for any Kafka client. */
  readonly bootstrapServers: string;
  /** In the order of their ids, which begin at 1. */
  readonly brokers: readonly Broker[];
  /** Ends everything; nothing is left on the disk unless you named the directory. */
  close(): Promise<void>;
}

const SESSION_TIMEOUT_MS = 6000;

/** Resolves when every broker serves and knows all the others. */
export async function startCluster(options: KitOptions = {}): Promise<KitCluster> {
  const count = options.brokers ?? 3;
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'odradek-kit-'));
  const tree = new LocalTree();
  const secret = randomBytes(32).toString('base64url');
  const brokers = Array.from({ length: count }, (_, index) =>
    makeBroker(index + 1, { ...options, count, directory, tree, secret }),
  );
  const close = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.shutdown()));
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(brokers.map((broker) => broker.start()));
    await Promise.all(brokers.map((broker) => knowsAll(broker, count)));
  } catch (error) {
    await close();
    throw error;
  }
  const ports = brokers.map((broker) => [...broker.ports.values()][0]);
  return { bootstrapServers: ports.map((port) => `127.0.0.1:${port}`).join(','), brokers, close };
}

function makeBroker(
  id: number,
  options: KitOptions & { count: number; directory: string; tree: LocalTree; secret: string },
): Broker {
  const replicas = String(Math.min(3, options.count));
  const config = brokerConfig(
    new Map(
      Object.entries({
        'broker.id': String(id),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'log.dirs': join(options.directory, `broker-${id}`),
        'zookeeper.connect': options.zookeeper ?? 'in-process:2181',
        'peer.shared.secret': options.secret,
        'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
        'default.replication.factor': replicas,
        'offsets.topic.replication.factor': replicas,
        'offsets.topic.num.partitions': '5',
        'group.initial.rebalance.delay.ms': '0',
        // The whole cluster ends at once: there is nobody to hand leaders to.
        'controlled.shutdown.enable': 'false',
        ...options.properties,
      }),
    ),
  );
  const platform = systemPlatform({ write: (line) => options.log?.(id, line), metricLabels: {} });
  return new Broker({ config, platform, hostName: '127.0.0.1', coordinators: coordinatorsOf(options) });
}

function coordinatorsOf(options: KitOptions & { tree: LocalTree }): CoordinatorSource {
  if (options.zookeeper === undefined) {
    return localSource({ tree: options.tree, clock: systemClock, sessionTimeoutMs: SESSION_TIMEOUT_MS });
  }
  return zookeeperSource({
    connect: options.zookeeper,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    connectionTimeoutMs: SESSION_TIMEOUT_MS,
    maxInFlightRequests: 10,
  });
}

async function knowsAll(broker: Broker, count: number): Promise<void> {
  const known = await broker.inside.metadata.waitFor(
    ({ brokers }) => brokers.size === count,
    SESSION_TIMEOUT_MS,
  );
  if (!known) throw new Error(`broker ${broker.brokerId} has not heard of all ${count} brokers`);
}
