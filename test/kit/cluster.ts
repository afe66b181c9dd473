/**
 * `odradek/testkit`: a replicating Kafka cluster inside your own test process, in a fraction of a
 * second. Brokers, controller, replication and logs are the real ones; only the ZooKeeper tree lives in
 * this process too, unless you name an ensemble or a directory to keep. Any Kafka client can connect.
 *
 *     const cluster = await startCluster({ brokers: 3 });
 *     … new Kafka({ brokers: cluster.bootstrapServers.split(',') }) …
 *     await cluster.close();
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../broker/broker.ts';
import { BROKER_CONFIGS, brokerConfig, brokerProperty } from '../../broker/config/broker-config.ts';
import { systemClock } from '../../broker/platform/clock.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import type { CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { nearest } from './nearest.ts';

export interface KitOptions {
  /** 3 unless given. */
  readonly brokers?: number;
  /** Kafka's properties, for every broker. Without a `peer.shared.secret` each cluster has one of its own. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Connect string of a ZooKeeper (or of the embedded server) to use instead of the tree in this process. */
  readonly zookeeper?: string;
  /**
   * Where everything goes; a temporary directory that close() removes unless given. On one that is given
   * the same cluster comes up again: its tree is then kept there as well, by the embedded server.
   */
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

const OPTIONS: readonly (keyof KitOptions)[] = ['brokers', 'properties', 'zookeeper', 'directory', 'log'];
const EMBEDDED_TICK_MS = 100;

/** Resolves when every broker serves and knows all the others. Rejects, with nothing left, when that can't be. */
export async function startCluster(options: KitOptions = {}): Promise<KitCluster> {
  const { brokers: count = 3, properties = {} } = options;
  refuseUnknown(Object.keys(options), OPTIONS, 'option of a test cluster');
  refuseUnknown(
    Object.keys(properties).filter((name) => brokerProperty(name) === undefined),
    Object.keys(BROKER_CONFIGS),
    'property of a broker',
  );
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`brokers must be an integer from 1, not ${count}`);
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'odradek-kit-'));
  let brokers: Broker[] = [];
  let tree: Tree | null = null;
  const close = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.shutdown()));
    await tree?.close();
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    tree = await openTree(options);
    const { connect, source } = tree;
    const secret = randomBytes(32).toString('base64url');
    brokers = Array.from({ length: count }, (_, index) =>
      makeBroker(index + 1, { ...options, count, directory, connect, coordinators: source(), secret }),
    );
    await Promise.all(brokers.map((broker) => broker.start()));
    await Promise.all(brokers.map((broker) => knowsAll(broker, count)));
  } catch (error) {
    await close();
    throw error;
  }
  const ports = brokers.map((broker) => [...broker.ports.values()][0]);
  return { bootstrapServers: ports.map((port) => `127.0.0.1:${port}`).join(','), brokers, close };
}

/** A name that nobody reads is a mistake that would be searched for elsewhere. */
function refuseUnknown(names: readonly string[], known: readonly string[], what: string): void {
  const name = names.find((each) => !known.includes(each));
  if (name === undefined) return;
  const meant = nearest(name, known);
  throw new Error(`'${name}' is no ${what}${meant === null ? '' : `: is it ${meant}?`}`);
}

function makeBroker(
  id: number,
  options: KitOptions & {
    count: number;
    directory: string;
    connect: string;
    coordinators: CoordinatorSource;
    secret: string;
  },
): Broker {
  const replicas = String(Math.min(3, options.count));
  const config = brokerConfig(
    new Map(
      Object.entries({
        'broker.id': String(id),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'log.dirs': join(options.directory, `broker-${id}`),
        'zookeeper.connect': options.connect,
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
  const platform = systemPlatform({
    write: (line) => options.log?.(id, line),
    metricLabels: {},
    journalMaxEvents: config.journalMaxEvents,
  });
  return new Broker({ config, platform, hostName: '127.0.0.1', coordinators: options.coordinators });
}

/** Where the brokers agree. */
interface Tree {
  /** zookeeper.connect. */
  readonly connect: string;
  /** One for each broker. */
  source(): CoordinatorSource;
  close(): Promise<void>;
}

async function openTree({ zookeeper, directory }: KitOptions): Promise<Tree> {
  if (zookeeper !== undefined) return overTheWire(zookeeper, async () => {});
  if (directory !== undefined) {
    const dataDir = join(directory, 'zookeeper');
    mkdirSync(dataDir, { recursive: true });
    const server = await startEmbeddedServer({
      host: '127.0.0.1',
      port: 0,
      tickMs: EMBEDDED_TICK_MS,
      maxSessionTimeoutMs: SESSION_TIMEOUT_MS,
      dataDir,
    });
    return overTheWire(`127.0.0.1:${server.port}`, () => server.close());
  }
  const tree = new LocalTree();
  return {
    connect: 'in-process:2181',
    source: () => localSource({ tree, clock: systemClock, sessionTimeoutMs: SESSION_TIMEOUT_MS }),
    close: async () => {},
  };
}

function overTheWire(connect: string, close: () => Promise<void>): Tree {
  const source = (): CoordinatorSource =>
    zookeeperSource({
      connect,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: SESSION_TIMEOUT_MS,
      maxInFlightRequests: 10,
    });
  return { connect, source, close };
}

async function knowsAll(broker: Broker, count: number): Promise<void> {
  const known = await broker.inside.metadata.waitFor(
    ({ brokers }) => brokers.size === count,
    SESSION_TIMEOUT_MS,
  );
  if (!known) throw new Error(`broker ${broker.brokerId} has not heard of all ${count} brokers`);
}
