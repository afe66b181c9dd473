/** How coordinators reach replication and hear of it, and which properties they go by. */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { FixedConfig } from '../config/broker-config.ts';
import type { GroupSettings } from '../coordinators/group/group-coordinator.ts';
import type { StateLog } from '../coordinators/runtime/state-log.ts';
import type { MarkerSettings } from '../coordinators/transaction/marker-sender.ts';
import type { TransactionSettings } from '../coordinators/transaction/transaction-coordinator.ts';
import { isError } from '../errors.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../types.ts';

const MS_PER_MINUTE = 60_000;
/** Of a message between brokers, a request for markers takes no more. */
const MARKERS_FRACTION = 0.5;

/** The log of a coordinator's topic. */
export function stateLogOf(topic: string, replicas: ReplicaManager): StateLog {
  return {
    topic,
    append: (partition, batch, options) => replicas.appendToCoordinatorLog(topic, partition, batch, options),
    read(partition, offset, maxBytes) {
      const read = replicas.readForCoordinator(topic, partition, offset, maxBytes);
      return isError(read) ? null : { bytes: read.records, release: () => read.release() };
    },
    maxBatchBytes: (partition) => replicas.partition(topic, partition)?.log?.config.maxMessageBytes ?? 0,
    range(partition) {
      const log = replicas.partition(topic, partition)?.log ?? null;
      return log === null ? null : { startOffset: log.startOffset, endOffset: log.endOffset };
    },
  };
}

/** The coordinator takes the partitions of its topic that this broker leads, and gives them up with the leadership. */
export function followLeadership(
  topic: string,
  replicas: Pick<ReplicaManager, 'onLeadership'>,
  coordinator: {
    elect(partition: number, leaderEpoch: number): Promise<void>;
    resign(partition: number, why: 'moved' | 'deleted'): void;
  },
): void {
  replicas.onLeadership(({ topic: changed, partition, leaderEpoch, role }) => {
    if (changed !== topic) return;
    if (role === 'leader') void coordinator.elect(partition, leaderEpoch);
    else coordinator.resign(partition, role === 'deleted' ? 'deleted' : 'moved');
  });
}

export function groupSettings(config: FixedConfig): GroupSettings {
  return {
    initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    groupMaxSize: config.groupMaxSize,
    commitTimeoutMs: config.offsetsCommitTimeoutMs,
    minSessionTimeoutMs: config.groupMinSessionTimeoutMs,
    maxSessionTimeoutMs: config.groupMaxSessionTimeoutMs,
    metadataMaxLength: config.offsetMetadataMaxBytes,
    retentionMs: config.offsetsRetentionMinutes * MS_PER_MINUTE,
    retentionCheckIntervalMs: config.offsetsRetentionCheckIntervalMs,
    loadBufferSizeBytes: config.offsetsLoadBufferSize,
  };
}

export function transactionSettings(config: FixedConfig): TransactionSettings {
  return {
    maxIds: config.transactionMaxIds,
    maxTimeoutMs: config.transactionMaxTimeoutMs,
    writeTimeoutMs: config.requestTimeoutMs,
    loadBufferSizeBytes: config.transactionStateLogLoadBufferSize,
    abortCheckIntervalMs: config.transactionAbortTimedOutTransactionCleanupIntervalMs,
    expiryCheckIntervalMs: config.transactionRemoveExpiredTransactionCleanupIntervalMs,
    idExpirationMs: config.transactionalIdExpirationMs,
  };
}

export function markerSettings(config: FixedConfig): MarkerSettings {
  return {
    requestTimeoutMs: config.requestTimeoutMs,
    maxRequestBytes: config.peerMaxMessageBytes * MARKERS_FRACTION,
  };
}

export interface CoordinatorPartitionCounts {
  readonly groups: number;
  readonly transactions: number;
}

/** Of both topics, in one round trip. Whoever coordinates transactions and whoever asks for them go by the same. */
export async function coordinatorPartitionCounts(
  store: ClusterStore,
  config: Pick<FixedConfig, 'offsetsTopicNumPartitions' | 'transactionStateLogNumPartitions'>,
): Promise<CoordinatorPartitionCounts> {
  const [groups, transactions] = await Promise.all([
    coordinatorPartitionCount(store, GROUP_METADATA_TOPIC, config.offsetsTopicNumPartitions),
    coordinatorPartitionCount(store, TRANSACTION_STATE_TOPIC, config.transactionStateLogNumPartitions),
  ]);
  return { groups, transactions };
}

/**
 * Asked once, at the start: as many partitions as the coordinator's topic is assigned, or as it would be made
 * with. The metadata would not do: while a new topic's leaders are being elected it has only some of them.
 * Source: startup of GroupCoordinator and TransactionCoordinator in Kafka's ZooKeeper mode.
 */
async function coordinatorPartitionCount(
  store: ClusterStore,
  topic: string,
  otherwise: number,
): Promise<number> {
  const assigned = await store.topics.assignment(topic);
  return assigned?.partitions.size ?? otherwise;
}
