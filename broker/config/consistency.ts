/**
 * What must hold between configs of a broker, in Kafka's words.
 * Source: KafkaConfig.validateValues of Kafka 3.9.
 */
import { type BatchSources, PEER_HEADER_ROOM_BYTES, peerMessageNeedBytes } from './peer-messages.ts';
import { ConfigError } from './property.ts';
import { refusalOfUnsupported } from './without-effect.ts';

/** The configs that hang together. */
interface RelatedConfigs extends BatchSources {
  readonly brokerId: number;
  readonly nodeId: number;
  readonly reservedBrokerMaxId: number;
  readonly brokerIdGenerationEnable: boolean;
  readonly replicaFetchWaitMaxMs: number;
  readonly replicaSocketTimeoutMs: number;
  readonly replicaLagTimeMaxMs: number;
  readonly offsetsCommitRequiredAcks: number;
  readonly offsetsTopicReplicationFactor: number;
  readonly messageMaxBytes: number;
  readonly peerMaxMessageBytes: number;
  readonly logRollMs: number;
  readonly logRollJitterMs: number;
  readonly groupCoordinatorRebalanceProtocols: readonly string[];
  readonly logCleanerThreads: number;
  readonly logCleanerDedupeBufferSize: number;
  readonly queuedMaxRequestBytes: number;
  readonly maxConnectionsPerIp: number;
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  readonly connectionFailedAuthenticationDelayMs: number;
  readonly connectionsMaxIdleMs: number;
  readonly requestMaxDecompressedBytes: number;
  readonly requestMaxDecompressedRecords: number;
  readonly compressedBatchMaxRecords: number;
  readonly controlPlaneListenerName: string | null;
  readonly advertisedListeners: readonly { readonly name: string }[];
  readonly interBrokerListenerName: string;
  readonly authorizerClassName: string;
  readonly superUsers: string;
}

/** Throws ConfigError for the first rule that is broken. */
export function checkConsistency(config: RelatedConfigs, given: ReadonlyMap<string, string>): void {
  const refused = refusalOfUnsupported(given);
  if (refused !== null) throw new ConfigError(refused);
  for (const [holds, complaint] of rules(config)) {
    if (!holds) throw new ConfigError(complaint, 'requirement');
  }
}

function rules(config: RelatedConfigs): [boolean, string][] {
  return [...brokerIdRules(config), ...replicationRules(config), ...otherRules(config)];
}

function brokerIdRules(config: RelatedConfigs): [boolean, string][] {
  const { brokerId, nodeId, reservedBrokerMaxId } = config;
  const same: [boolean, string] = [
    nodeId === brokerId,
    'You must set `node.id` to the same value as `broker.id`.',
  ];
  if (!config.brokerIdGenerationEnable)
    return [same, [brokerId >= 0, 'broker.id must be greater than or equal to 0']];
  return [
    same,
    [
      brokerId >= -1 && brokerId <= reservedBrokerMaxId,
      'broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id',
    ],
  ];
}

function replicationRules(config: RelatedConfigs): [boolean, string][] {
  return [
    [
      config.replicaFetchWaitMaxMs <= config.replicaSocketTimeoutMs,
      'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts',
    ],
    [
      config.replicaFetchWaitMaxMs <= config.replicaLagTimeMaxMs,
      'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR',
    ],
    [
      config.offsetsCommitRequiredAcks >= -1 &&
        config.offsetsCommitRequiredAcks <= config.offsetsTopicReplicationFactor,
      'offsets.commit.required.acks must be greater or equal to -1 and less or equal to offsets.topic.replication.factor',
    ],
    [
      config.peerMaxMessageBytes >= peerMessageNeedBytes(config, config.messageMaxBytes),
      `peer.max.message.bytes must be at least ${PEER_HEADER_ROOM_BYTES} more than message.max.bytes so that a batch can be replicated; left out, it fits`,
    ],
  ];
}

function otherRules(config: RelatedConfigs): [boolean, string][] {
  return [
    [config.logRollMs >= 1, 'log.roll.ms must be greater than or equal to 1'],
    [config.logRollJitterMs >= 0, 'log.roll.jitter.ms must be greater than or equal to 0'],
    [
      config.groupCoordinatorRebalanceProtocols.includes('classic'),
      "Disabling the 'classic' protocol is not supported.",
    ],
    // Also of a broker without a cleaner; Kafka divides by the number of threads and fails at 0.
    [config.logCleanerThreads > 0, 'log.cleaner.threads must be at least 1'],
    [
      Math.floor(config.logCleanerDedupeBufferSize / config.logCleanerThreads) > 1024 * 1024,
      'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    ],
    [
      config.queuedMaxRequestBytes <= 0 || config.queuedMaxRequestBytes >= config.socketRequestMaxBytes,
      'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
    ],
    [
      config.maxConnectionsPerIp > 0 || config.maxConnectionsPerIpOverrides.size > 0,
      'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
    ],
    [
      config.connectionFailedAuthenticationDelayMs < config.connectionsMaxIdleMs ||
        config.connectionsMaxIdleMs < 0,
      `connection.failed.authentication.delay.ms=${config.connectionFailedAuthenticationDelayMs} should always be less than connections.max.idle.ms=${config.connectionsMaxIdleMs} to prevent failed authentication responses from timing out`,
    ],
    [
      config.requestMaxDecompressedBytes >= config.compressedBatchMaxDecompressedBytes &&
        config.requestMaxDecompressedRecords >= config.compressedBatchMaxRecords,
      'request.max.decompressed.bytes and request.max.decompressed.records must allow for one batch of compressed.batch.max.decompressed.bytes and compressed.batch.max.records',
    ],
    ...controlPlaneRules(config),
    ...superUserRules(config),
  ];
}

/** The listener is bound and serves clients as the others do; what it is for goes over peer.listener here. */
function controlPlaneRules(config: RelatedConfigs): [boolean, string][] {
  const name = config.controlPlaneListenerName?.toUpperCase();
  if (name === undefined) return [];
  const names = config.advertisedListeners.map((listener) => listener.name);
  return [
    [
      names.includes(name),
      `control.plane.listener.name must be a listener name defined in advertised.listeners. The valid options based on currently configured listeners are ${names.join(',')}`,
    ],
    [
      name !== config.interBrokerListenerName,
      `control.plane.listener.name, when defined, should have a different value from the inter broker listener name. Currently they both have the value ListenerName(${name})`,
    ],
  ];
}

/** Only an authorizer reads them. */
function superUserRules({ authorizerClassName, superUsers }: RelatedConfigs): [boolean, string][] {
  if (authorizerClassName.trim() === '') return [];
  return splitSuperUsers(superUsers).map((user) => [
    /^[^:]+:/.test(user),
    `super.users: expected a string in format principalType:principalName but got ${user}`,
  ]);
}

/** The users of super.users: names of certificates hold commas, hence semicolons between them. */
export function splitSuperUsers(superUsers: string): string[] {
  return superUsers
    .split(';')
    .map((user) => user.trim())
    .filter((user) => user !== '');
}
