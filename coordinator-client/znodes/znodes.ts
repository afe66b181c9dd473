/**
 * The catalogue of Kafka's znodes that make the cluster: where each lies, how its data is written and
 * read. What is written equals byte for byte what Kafka 3.9 (Scala 2.13) writes; what is read may come
 * from any version. Dynamic configurations are in config-znodes.ts, ACLs and delegation tokens in
 * security-znodes.ts. Source: kafka.zk.ZkData.
 */
import { immutableMapOrder, mutableMapOrder } from './key-order.ts';
import { asGiven, decodeDecimal, encodeJson, JsonFields, ordered } from './znode-json.ts';

/** Data of a node that exists for its children or its name only. */
export const NO_DATA = Buffer.alloc(0);

export interface ControllerRegistration {
  readonly brokerId: number;
  readonly timestampMs: number;
  /** -1 unless a KRaft controller owns the cluster. */
  readonly kraftControllerEpoch: number;
}

export const controllerZnode = {
  path: '/controller',
  encode(value: ControllerRegistration): Buffer {
    return encodeJson({
      version: 2,
      brokerid: value.brokerId,
      timestamp: String(value.timestampMs),
      kraftControllerEpoch: value.kraftControllerEpoch,
    });
  },
  decode(data: Buffer): ControllerRegistration {
    const json = JsonFields.parse('/controller', data);
    return {
      brokerId: json.int('brokerid'),
      timestampMs: json.has('timestamp') ? json.longText('timestamp') : -1,
      kraftControllerEpoch: json.intOr('kraftControllerEpoch', -1),
    };
  },
};

/** A decimal number, not JSON. Its data version is the fence of everything the controller writes. */
export const controllerEpochZnode = {
  path: '/controller_epoch',
  /** The epoch written when the node is first made; the first controller is therefore of epoch 1. */
  initialEpoch: 0,
  encode: (epoch: number): Buffer => Buffer.from(String(epoch)),
  decode: (data: Buffer): number => decodeDecimal('/controller_epoch', data),
};

export interface RegisteredEndpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: string;
}

interface FeatureRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface BrokerRegistration {
  readonly id: number;
  readonly endpoints: readonly RegisteredEndpoint[];
  readonly rack: string | null;
  readonly jmxPort: number;
  readonly timestampMs: number;
  readonly features: ReadonlyMap<string, FeatureRange>;
}

/** Listener of the peer protocol, which no Kafka client speaks: never offered as the legacy host and port. */
const PEER_LISTENER = 'PEER';

export const brokerZnode = {
  parent: '/brokers/ids',
  path: (brokerId: number): string => `/brokers/ids/${brokerId}`,
  encode(value: BrokerRegistration): Buffer {
    const plaintext = value.endpoints.find(
      ({ listener, securityProtocol }) => securityProtocol === 'PLAINTEXT' && listener !== PEER_LISTENER,
    );
    const protocols = new Map(value.endpoints.map((one) => [one.listener, one.securityProtocol]));
    const features = new Map(
      [...value.features].map(([name, range]) => [
        name,
        { min_version: range.minVersion, max_version: range.maxVersion },
      ]),
    );
    const fields = {
      version: 5,
      host: plaintext?.host ?? null,
      port: plaintext?.port ?? -1,
      endpoints: value.endpoints.map(
        ({ listener, host, port }) => `${listener}://${bracketed(host)}:${port}`,
      ),
      jmx_port: value.jmxPort,
      timestamp: String(value.timestampMs),
      rack: value.rack ?? undefined,
      listener_security_protocol_map: ordered(protocols, immutableMapOrder),
      features: ordered(features, asGiven),
    };
    return encodeJson(ordered(fields, (keys) => mutableMapOrder(keys, 6)));
  },
  decode(brokerId: number, data: Buffer): BrokerRegistration {
    const json = JsonFields.parse(brokerZnode.path(brokerId), data);
    const version = json.int('version');
    if (version < 1) json.fail(`unsupported version ${version} of a broker registration`);
    return {
      id: brokerId,
      endpoints: decodeEndpoints(json, version),
      rack: json.stringOrNull('rack'),
      jmxPort: json.intOr('jmx_port', -1),
      timestampMs: json.has('timestamp') ? json.longText('timestamp') : -1,
      features: decodeFeatureRanges(json.objectOrEmpty('features')),
    };
  },
};

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function decodeEndpoints(json: JsonFields, version: number): RegisteredEndpoint[] {
  if (version === 1) {
    const endpoint = { host: json.string('host'), port: json.int('port') };
    return [{ listener: 'PLAINTEXT', ...endpoint, securityProtocol: 'PLAINTEXT' }];
  }
  const protocols = json.objectOrEmpty('listener_security_protocol_map');
  return json.strings('endpoints').map((endpoint) => {
    const parts = /^([^:]+):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?\d+)$/.exec(endpoint);
    const [, listener, host, port] = parts ?? [];
    if (listener === undefined || host === undefined || port === undefined) {
      return json.fail(`${endpoint} is not an endpoint`);
    }
    const securityProtocol = protocols.has(listener) ? protocols.string(listener) : listener;
    return { listener, host, port: Number(port), securityProtocol };
  });
}

function decodeFeatureRanges(json: JsonFields): Map<string, FeatureRange> {
  return new Map(
    json.keys.map((name) => {
      const range = json.object(name);
      return [name, { minVersion: range.int('min_version'), maxVersion: range.int('max_version') }];
    }),
  );
}

export interface ReplicaAssignment {
  /** Every replica, also those that a reassignment adds or removes; the first is the preferred leader. */
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface TopicAssignment {
  /** null: made by a version before topic ids, or by an old tool. */
  readonly topicId: string | null;
  readonly partitions: ReadonlyMap<number, ReplicaAssignment>;
}

export const topicZnode = {
  parent: '/brokers/topics',
  path: (topic: string): string => `/brokers/topics/${topic}`,
  encode(value: TopicAssignment): Buffer {
    const lists = (pick: (one: ReplicaAssignment) => readonly number[], all: boolean) => {
      const entries = [...value.partitions]
        .filter(([, one]) => all || pick(one).length > 0)
        .map(([partition, one]) => [String(partition), [...pick(one)]] as const);
      return ordered(new Map(entries), (keys) => mutableMapOrder(keys));
    };
    const fields = {
      version: 3,
      partitions: lists((one) => one.replicas, true),
      adding_replicas: lists((one) => one.addingReplicas, false),
      removing_replicas: lists((one) => one.removingReplicas, false),
      topic_id: value.topicId ?? undefined,
    };
    return encodeJson(ordered(fields, (keys) => mutableMapOrder(keys, 4)));
  },
  decode(topic: string, data: Buffer): TopicAssignment {
    const json = JsonFields.parse(topicZnode.path(topic), data);
    const partitions = json.object('partitions');
    const adding = json.objectOrEmpty('adding_replicas');
    const removing = json.objectOrEmpty('removing_replicas');
    const assignment = new Map<number, ReplicaAssignment>();
    for (const key of partitions.keys) {
      if (!/^\d+$/.test(key)) json.fail(`${key} is not a partition`);
      assignment.set(Number(key), {
        replicas: partitions.ints(key),
        addingReplicas: adding.has(key) ? adding.ints(key) : [],
        removingReplicas: removing.has(key) ? removing.ints(key) : [],
      });
    }
    return { topicId: json.stringOrNull('topic_id'), partitions: assignment };
  },
};

export interface PartitionState {
  /** -1 none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly controllerEpoch: number;
  /** 0 recovered, 1 recovering after an unclean election. */
  readonly leaderRecoveryState: number;
}

export const partitionStateZnode = {
  partitionsPath: (topic: string): string => `/brokers/topics/${topic}/partitions`,
  partitionPath: (topic: string, partition: number): string =>
    `/brokers/topics/${topic}/partitions/${partition}`,
  path: (topic: string, partition: number): string =>
    `/brokers/topics/${topic}/partitions/${partition}/state`,
  /** Written out, in the order of an immutable map's trie: a failover writes thousands of these. */
  encode(value: PartitionState): Buffer {
    const { controllerEpoch, leader, leaderEpoch, isr, leaderRecoveryState } = value;
    const recovery = leaderRecoveryState === 0 ? '' : `"leader_recovery_state":${leaderRecoveryState},`;
    return Buffer.from(
      `{"controller_epoch":${controllerEpoch},"leader":${leader},"version":1,${recovery}` +
        `"leader_epoch":${leaderEpoch},"isr":[${isr.join(',')}]}`,
    );
  },
  decode(topic: string, partition: number, data: Buffer): PartitionState {
    const json = JsonFields.parse(partitionStateZnode.path(topic, partition), data);
    return {
      leader: json.int('leader'),
      leaderEpoch: json.int('leader_epoch'),
      isr: json.ints('isr'),
      controllerEpoch: json.int('controller_epoch'),
      leaderRecoveryState: json.intOr('leader_recovery_state', 0),
    };
  },
};

export const clusterIdZnode = {
  path: '/cluster/id',
  encode: (clusterId: string): Buffer => encodeJson({ version: '1', id: clusterId }),
  decode: (data: Buffer): string => JsonFields.parse('/cluster/id', data).string('id'),
};

/** Its data version, counted up by empty writes, is a sequence of broker ids. */
export const brokerSequencePath = '/brokers/seqid';

interface ProducerIdBlock {
  readonly brokerId: number;
  readonly firstProducerId: number;
  /** Inclusive. */
  readonly lastProducerId: number;
}

export const producerIdBlockZnode = {
  path: '/latest_producer_id_block',
  encode: (block: ProducerIdBlock): Buffer =>
    encodeJson({
      version: 1,
      broker: block.brokerId,
      block_start: String(block.firstProducerId),
      block_end: String(block.lastProducerId),
    }),
  /** null for a node without data, which is how it is first made. */
  decode(data: Buffer): ProducerIdBlock | null {
    if (data.length === 0) return null;
    const json = JsonFields.parse('/latest_producer_id_block', data);
    return {
      brokerId: json.int('broker'),
      firstProducerId: json.longText('block_start'),
      lastProducerId: json.longText('block_end'),
    };
  },
};

export interface FeatureState {
  readonly enabled: boolean;
  /** Finalised features: the highest level in use. */
  readonly levels: ReadonlyMap<string, number>;
}

export const featureZnode = {
  path: '/feature',
  encode(value: FeatureState): Buffer {
    const features = new Map([...value.levels].map(([name, level]) => [name, { max_version_level: level }]));
    const fields = {
      version: 2,
      status: value.enabled ? 1 : 0,
      features: ordered(features, asGiven),
    };
    return encodeJson(ordered(fields, (keys) => mutableMapOrder(keys, 3)));
  },
  decode(data: Buffer): FeatureState {
    const json = JsonFields.parse('/feature', data);
    const version = json.int('version');
    if (version < 1) json.fail(`unsupported version ${version} of the feature node`);
    const status = json.int('status');
    if (status !== 0 && status !== 1) json.fail(`${status} is no status of the feature node`);
    const features = json.objectOrEmpty('features');
    const levels = features.keys.map((name): [string, number] => [
      name,
      features.object(name).int('max_version_level'),
    ]);
    return { enabled: status === 1, levels: new Map(levels) };
  },
};
