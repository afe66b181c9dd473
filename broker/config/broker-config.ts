/**
 * A broker's configuration: every config of a Kafka 3.9 broker in ZooKeeper mode, and a few of our
 * own, as one typed object. Names are camel-cased (`num.partitions` is `numPartitions`); what Kafka
 * derives from several configs (retention, listeners, log directories) is derived here.
 * Source: KafkaConfig of Kafka 3.9.
 */
import { PEER_LISTENER } from '../cluster.ts';
import { checkConsistency } from './consistency.ts';
import { AUTHORIZER_CONFIGS } from './definitions/authorizer.ts';
import { FAULT_CONFIGS } from './definitions/faults.ts';
import { GROUP_CONFIGS } from './definitions/group.ts';
import { JOURNAL_CONFIGS } from './definitions/journal.ts';
import { KRAFT_CONFIGS } from './definitions/kraft.ts';
import { LIMIT_CONFIGS } from './definitions/limits.ts';
import { LOG_CONFIGS } from './definitions/log.ts';
import { NETWORK_CONFIGS } from './definitions/network.ts';
import { PEER_CONFIGS, THROTTLE_CONFIGS } from './definitions/peer.ts';
import { QUOTA_CONFIGS } from './definitions/quota.ts';
import { REMOTE_LOG_CONFIGS } from './definitions/remote-log.ts';
import { REPLICATION_CONFIGS } from './definitions/replication.ts';
import { SASL_CONFIGS } from './definitions/sasl.ts';
import { SECURITY_CONFIGS } from './definitions/security.ts';
import { SERVER_CONFIGS } from './definitions/server.ts';
import { SHARE_GROUP_CONFIGS } from './definitions/share-group.ts';
import { TRANSACTION_CONFIGS } from './definitions/transaction.ts';
import { ZOOKEEPER_CONFIGS } from './definitions/zookeeper.ts';
import {
  checkAdvertised,
  checkBound,
  type Listener,
  parseEndpoint,
  parseListeners,
  parseProtocolMap,
  type SecurityProtocol,
} from './listeners.ts';
import { derivedPeerMaxMessageBytes } from './peer-messages.ts';
import {
  type CamelCase,
  ConfigError,
  invalidValue,
  type Property,
  type PropertyTable,
  splitEntries,
  type ValuesOf,
  valuesOf,
} from './property.ts';
import type { ValueFromNextStart } from './without-effect.ts';

const DEFINITIONS = {
  ...SERVER_CONFIGS,
  ...NETWORK_CONFIGS,
  ...REPLICATION_CONFIGS,
  ...ZOOKEEPER_CONFIGS,
  ...LOG_CONFIGS,
  ...GROUP_CONFIGS,
  ...TRANSACTION_CONFIGS,
  ...SECURITY_CONFIGS,
  ...SASL_CONFIGS,
  ...AUTHORIZER_CONFIGS,
  ...QUOTA_CONFIGS,
  ...KRAFT_CONFIGS,
  ...REMOTE_LOG_CONFIGS,
  ...SHARE_GROUP_CONFIGS,
  ...PEER_CONFIGS,
  ...LIMIT_CONFIGS,
  ...JOURNAL_CONFIGS,
  ...FAULT_CONFIGS,
  ...THROTTLE_CONFIGS,
};

/** The definition of every broker config, by name. */
export const BROKER_CONFIGS: PropertyTable = DEFINITIONS;

type BrokerValues = ValuesOf<typeof DEFINITIONS>;

/** Where a socket is bound or reached. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

interface Derived {
  readonly listeners: readonly Listener[];
  /** Never empty; the listeners themselves when nothing else is advertised. */
  readonly advertisedListeners: readonly Listener[];
  readonly listenerSecurityProtocolMap: ReadonlyMap<string, SecurityProtocol>;
  /** The listener that brokers use among themselves. */
  readonly interBrokerListenerName: string;
  readonly peerListener: HostAndPort;
  /** Null: what peerListener is bound to. */
  readonly peerAdvertisedListener: HostAndPort | null;
  readonly peerMaxMessageBytes: number;
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  readonly logDirs: readonly string[];
  readonly zookeeperConnect: string;
  readonly zookeeperConnectionTimeoutMs: number;
  /** -1: for ever. */
  readonly logRetentionMs: number;
  readonly logRollMs: number;
  readonly logRollJitterMs: number;
  readonly logFlushIntervalMs: number;
  /** The properties as they were given. */
  readonly raw: ReadonlyMap<string, string>;
  /** The same with what is set at run time laid over them: configs of single listeners are read from here. */
  readonly texts: ReadonlyMap<string, string>;
  /** Given keys that are no broker configs. */
  readonly unknownKeys: readonly string[];
}

/** The configuration of one moment: an object that never changes. */
export interface BrokerConfig extends Omit<BrokerValues, keyof Derived>, Derived {}

type Definitions = typeof DEFINITIONS;

/** What may be another value a moment later, because its config can be set while the broker runs. */
type ChangingValue = {
  [Name in keyof Definitions]: Definitions[Name]['update'] extends 'read-only' ? never : CamelCase<Name>;
}[keyof Definitions];

/**
 * What the broker has been started with and keeps to its end. Everything else is read from a
 * `Live<BrokerConfig>`: the compiler refuses to read it here.
 */
export type FixedConfig = Omit<BrokerConfig, 'texts' | Exclude<ChangingValue, ValueFromNextStart>>;

/** Reads a broker's properties; throws ConfigError, which names the config and what is wrong with it. */
export function brokerConfig(given: ReadonlyMap<string, string>): BrokerConfig {
  const properties = withBrokerId(given);
  const values = valuesOf(DEFINITIONS, properties);
  const config = { ...values, ...derived(values, properties) };
  checkConsistency(config, properties);
  return config;
}

/** node.id is another name of broker.id: who gives one of them has given both. */
function withBrokerId(given: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const id = given.get('broker.id') ?? given.get('node.id');
  return id === undefined ? given : new Map([['broker.id', id], ['node.id', id], ...given]);
}

/** The configuration with what was set at run time laid over it: for all brokers, then for this one. */
export function reconfigured(
  config: BrokerConfig,
  dynamicDefaults: ReadonlyMap<string, string>,
  dynamicBroker: ReadonlyMap<string, string>,
): BrokerConfig {
  const changed = brokerConfig(new Map([...config.raw, ...dynamicDefaults, ...dynamicBroker]));
  // An id that the cluster gave is not among the properties.
  const { brokerId, nodeId, raw, unknownKeys } = config;
  return { ...changed, brokerId, nodeId, raw, unknownKeys };
}

/** The definition behind a name, also one with a listener prefix (`listener.name.internal.…`). */
export function brokerProperty(name: string): Property | undefined {
  const base = name.replace(/^listener\.name\.[^.]+\./, '');
  if (Object.hasOwn(DEFINITIONS, base)) return BROKER_CONFIGS[base];
  // SASL configs of a listener also carry the mechanism: listener.name.x.scram-sha-256.sasl.jaas.config.
  const afterMechanism = base === name ? name : base.replace(/^[^.]+\./, '');
  return Object.hasOwn(DEFINITIONS, afterMechanism) ? BROKER_CONFIGS[afterMechanism] : undefined;
}

/** Whether its value is a secret, which lies in ZooKeeper encrypted. */
export function isPasswordProperty(name: string): boolean {
  return brokerProperty(name)?.type === 'PASSWORD';
}

function derived(values: BrokerValues, properties: ReadonlyMap<string, string>): Derived {
  const zookeeperConnect = values.zookeeperConnect ?? '';
  if (zookeeperConnect === '') {
    throw new ConfigError('Missing required configuration `zookeeper.connect` which has no default value.');
  }
  return {
    ...derivedListeners(values, properties),
    ...derivedPeerEndpoints(values),
    ...derivedLogTimes(values),
    peerMaxMessageBytes: values.peerMaxMessageBytes ?? derivedPeerMaxMessageBytes(values),
    maxConnectionsPerIpOverrides: parsePerIpOverrides(values.maxConnectionsPerIpOverrides),
    logDirs: parseLogDirs(values),
    zookeeperConnect,
    zookeeperConnectionTimeoutMs: values.zookeeperConnectionTimeoutMs ?? values.zookeeperSessionTimeoutMs,
    raw: properties,
    texts: properties,
    unknownKeys: [...properties.keys()].filter((name) => brokerProperty(name) === undefined),
  };
}

function derivedListeners(values: BrokerValues, properties: ReadonlyMap<string, string>) {
  const listenerSecurityProtocolMap = parseProtocolMap(values.listenerSecurityProtocolMap);
  const listeners = parseListeners('listeners', values.listeners, listenerSecurityProtocolMap);
  checkBound(listeners, values.listeners);
  const advertised = values.advertisedListeners;
  const advertisedListeners =
    advertised === null
      ? listeners
      : parseListeners('advertised.listeners', advertised, listenerSecurityProtocolMap);
  checkAdvertised(advertisedListeners, listeners);
  return {
    listenerSecurityProtocolMap,
    listeners,
    advertisedListeners,
    interBrokerListenerName: interBrokerListener(values, properties, advertisedListeners),
  };
}

function interBrokerListener(
  values: BrokerValues,
  properties: ReadonlyMap<string, string>,
  advertised: readonly Listener[],
): string {
  const given = values.interBrokerListenerName?.toUpperCase() ?? null;
  if (given !== null && properties.has('security.inter.broker.protocol')) {
    throw new ConfigError(
      'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
    );
  }
  const name = given ?? values.securityInterBrokerProtocol;
  if (advertised.some((listener) => listener.name === name)) return name;
  // Without a listener of that name, the first that speaks the protocol is meant.
  const speaking = advertised.find(({ securityProtocol }) => securityProtocol === name);
  if (given === null && speaking !== undefined) return speaking.name;
  const key = given === null ? 'security.inter.broker.protocol' : 'inter.broker.listener.name';
  const options = advertised.map((listener) => listener.name).join(',');
  throw new ConfigError(
    `${key} must be a listener name defined in advertised.listeners. The valid options based on currently configured listeners are ${options}`,
  );
}

function derivedPeerEndpoints(values: BrokerValues) {
  const endpoint = (key: string, text: string): HostAndPort => {
    const endpoint = parseEndpoint(text);
    if (typeof endpoint === 'string') throw invalidValue(key, text, endpoint);
    const { name, host, port } = endpoint;
    if (name !== PEER_LISTENER) throw invalidValue(key, text, `the listener must be named ${PEER_LISTENER}`);
    return { host, port };
  };
  const advertised = values.peerAdvertisedListener;
  return {
    peerListener: endpoint('peer.listener', values.peerListener),
    peerAdvertisedListener: advertised === null ? null : endpoint('peer.advertised.listener', advertised),
  };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function derivedLogTimes(values: BrokerValues) {
  const minutes = values.logRetentionMinutes;
  const retentionMs =
    values.logRetentionMs ?? (minutes === null ? values.logRetentionHours * HOUR_MS : minutes * MINUTE_MS);
  if (retentionMs === 0) {
    throw new ConfigError(
      'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
      'requirement',
    );
  }
  return {
    logRetentionMs: retentionMs < 0 ? -1 : retentionMs,
    logRollMs: values.logRollMs ?? values.logRollHours * HOUR_MS,
    logRollJitterMs: values.logRollJitterMs ?? values.logRollJitterHours * HOUR_MS,
    logFlushIntervalMs: values.logFlushIntervalMs ?? values.logFlushSchedulerIntervalMs,
  };
}

function parseLogDirs(values: BrokerValues): readonly string[] {
  const directories = splitEntries(values.logDirs ?? values.logDir);
  if (directories.length === 0) {
    throw new ConfigError('At least one log directory must be defined via log.dirs or log.dir.');
  }
  return directories;
}

function parsePerIpOverrides(text: string): ReadonlyMap<string, number> {
  const overrides = new Map<string, number>();
  for (const entry of splitEntries(text)) {
    const match = /^(.+):(-?\d+)$/.exec(entry);
    if (match === null) {
      throw invalidValue('max.connections.per.ip.overrides', text, `${entry} is not of the form host:number`);
    }
    overrides.set((match[1] ?? '').trim(), Number(match[2]));
  }
  return overrides;
}
