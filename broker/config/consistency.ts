/**
 * What must hold between configs of a broker, in Kafka's words.
 * Source: KafkaConfig.validateValues of Kafka 3.9.
 */
import type { BrokerConfig } from './broker-config.ts';
import { ConfigError } from './property.ts';
import { refusal } from './without-effect.ts';

/** What a message between brokers may need around one batch. */
const PEER_HEADER_ROOM_BYTES = 64 * 1024;

/** Throws ConfigError for the first rule that is broken. */
export function checkConsistency(config: BrokerConfig, given: ReadonlyMap<string, string>): void {
  const refused = refusal(given);
  if (refused !== null) throw new ConfigError(refused);
  for (const [holds, complaint] of rules(config, given)) {
    if (!holds) throw new ConfigError(complaint);
  }
}

function rules(config: BrokerConfig, given: ReadonlyMap<string, string>): [boolean, string][] {
  return [...brokerIdRules(config), ...replicationRules(config), ...otherRules(config, given)];
}

function brokerIdRules(config: BrokerConfig): [boolean, string][] {
  const { brokerId, nodeId, reservedBrokerMaxId } = config;
  const same: [boolean, string] = [
    nodeId === brokerId,
    'You must set `node.id` to the same value as `broker.id`.',
  ];
  if (!config.brokerIdGenerationEnable)
    return [same, [brokerId >= 0, 'broker.id must be greater than or equal to 0']];
  return [
    same,
    [brokerId >= -1, 'broker.id must be greater than or equal to -1'],
    [brokerId <= reservedBrokerMaxId, 'broker.id must be less than or equal to reserved.broker.max.id'],
  ];
}

function replicationRules(config: BrokerConfig): [boolean, string][] {
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
      'offsets.commit.required.acks must be greater or equal -1 and less or equal to offsets.topic.replication.factor',
    ],
    [
      config.peerMaxMessageBytes >= config.messageMaxBytes + PEER_HEADER_ROOM_BYTES,
      `peer.max.message.bytes must be at least ${PEER_HEADER_ROOM_BYTES} more than message.max.bytes so that a batch can be replicated`,
    ],
  ];
}

function otherRules(config: BrokerConfig, given: ReadonlyMap<string, string>): [boolean, string][] {
  return [
    [config.logRollMs >= 1, 'log.roll.ms must be greater than or equal to 1'],
    [config.logRollJitterMs >= 0, 'log.roll.jitter.ms must be greater than or equal to 0'],
    [
      !config.logCleanerEnable || config.logCleanerDedupeBufferSize / config.logCleanerThreads > 1024 * 1024,
      'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    ],
    [
      config.groupMinSessionTimeoutMs <= config.groupMaxSessionTimeoutMs,
      'group.min.session.timeout.ms must be less than or equal to group.max.session.timeout.ms',
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
    [
      given.get('control.plane.listener.name') === undefined,
      'control.plane.listener.name is not supported: the controller speaks over peer.listener',
    ],
  ];
}
