/** What a test cluster may be started with, and that nobody misspells it. */
import { BROKER_CONFIGS, brokerProperty } from '../../broker/config/broker-config.ts';
import { TOPIC_CONFIGS } from '../../broker/config/definitions/topic.ts';
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import { checkSecurity, type SecurityOptions } from './security-options.ts';

/** A topic to be made. */
export interface TopicOptions {
  readonly name: string;
  /** 1 unless given. */
  readonly partitions?: number;
  /** As many as there are brokers, at most 3, unless given. */
  readonly replicationFactor?: number;
  /** Kafka's topic configs, such as `{ 'retention.ms': '1000' }`. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface KitOptions {
  /** 3 unless given. */
  readonly brokers?: number;
  /** Made before startCluster resolves; a name alone is a topic with the defaults. */
  readonly topics?: readonly (TopicOptions | string)[];
  /** Kafka's properties, for every broker. Without a `peer.shared.secret` each cluster has one of its own. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Properties of single brokers, by id: `{ 1: { 'log.retention.ms': '1000' } }`. */
  readonly perBroker?: Readonly<Record<number, Readonly<Record<string, string>>>>;
  /** `broker.rack` of each broker, in the order of their ids. */
  readonly racks?: readonly string[];
  /** Kafka port of each broker's first listener, in the order of their ids; free ones unless given. */
  readonly ports?: readonly number[];
  /** Names of listeners, each on a free port, and PLAINTEXT unless there is `security`; the first is for the brokers' own and bootstrapServers. */
  readonly listeners?: readonly string[];
  /** Users, what each may do, and TLS: who connects has to log in. `cluster.security` has what clients need. */
  readonly security?: SecurityOptions;
  /** Connect string of a ZooKeeper (or of the embedded server) to use instead of the tree in this process. */
  readonly zookeeper?: string;
  /** Where ZooKeeper's clients reach the tree in this process; 0 is any free port. None unless given. */
  readonly zookeeperPort?: number;
  /**
   * Where everything goes; a temporary directory that close() removes unless given. On one that is given
   * the same cluster comes up again: its tree is then kept there as well.
   */
  readonly directory?: string;
  /** Time of which `clock.advance(ms)` can skip as much as you like. */
  readonly virtualTime?: boolean;
  /** Lines of the brokers' logs; thrown away unless given. */
  readonly log?: (brokerId: number, line: string) => void;
}

const OPTION_NAMES: Readonly<Record<keyof KitOptions, true>> = {
  brokers: true,
  topics: true,
  properties: true,
  perBroker: true,
  racks: true,
  ports: true,
  listeners: true,
  security: true,
  zookeeper: true,
  zookeeperPort: true,
  directory: true,
  virtualTime: true,
  log: true,
};
const TOPIC_OPTION_NAMES: Readonly<Record<keyof TopicOptions, true>> = {
  name: true,
  partitions: true,
  replicationFactor: true,
  configs: true,
};
/** As everywhere else (scripts/cluster/cluster-options.ts). */
const MOST_BROKERS = 32;

/** Throws, with the name that is meant, where something is none. Returns how many brokers there are to be. */
export function checkOptions(options: KitOptions): number {
  refuseUnknown(Object.keys(options), Object.keys(OPTION_NAMES), 'option of a test cluster');
  const { brokers = 3, perBroker = {}, racks, ports, zookeeper } = options;
  if (!Number.isInteger(brokers) || brokers < 1)
    throw new Error(`brokers must be an integer from 1, not ${brokers}`);
  if (brokers > MOST_BROKERS) throw new Error(`brokers must be at most ${MOST_BROKERS}, not ${brokers}`);
  for (const properties of [options.properties ?? {}, ...Object.values(perBroker)])
    checkProperties(properties);
  for (const id of Object.keys(perBroker)) {
    if (!(Number(id) >= 1 && Number(id) <= brokers))
      throw new Error(`perBroker names broker ${id}, but the brokers are 1 to ${brokers}`);
  }
  for (const [name, list] of Object.entries({ racks, ports })) {
    if (list !== undefined && list.length !== brokers)
      throw new Error(`${name} must have one entry for each of the ${brokers} brokers, not ${list.length}`);
  }
  if (zookeeper !== undefined && options.zookeeperPort !== undefined)
    throw new Error('zookeeperPort is of the tree in this process: leave it out where zookeeper is given');
  if (options.security !== undefined) checkSecurity(options.security);
  for (const topic of options.topics ?? []) checkTopic(topic);
  return brokers;
}

/** Throws when it is none that could be made. */
export function checkTopic(topic: TopicOptions | string): TopicOptions {
  const options = typeof topic === 'string' ? { name: topic } : topic;
  refuseUnknown(Object.keys(options), Object.keys(TOPIC_OPTION_NAMES), 'option of a topic');
  refuseUnknown(Object.keys(options.configs ?? {}), Object.keys(TOPIC_CONFIGS), 'config of a topic');
  return options;
}

function checkProperties(properties: Readonly<Record<string, string>>): void {
  refuseUnknown(
    Object.keys(properties).filter((name) => brokerProperty(name) === undefined),
    Object.keys(BROKER_CONFIGS),
    'property of a broker',
  );
}
