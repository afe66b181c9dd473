/** How the group coordinator reaches replication, and which properties it goes by. */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import type { GroupSettings } from '../coordinators/group/group-coordinator.ts';
import type { StateLog } from '../coordinators/state-log.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { GROUP_METADATA_TOPIC } from '../types.ts';

const MS_PER_MINUTE = 60_000;

export function groupStateLog(replicas: ReplicaManager): StateLog {
  return {
    append: (partition, batch, options) =>
      replicas.appendToCoordinatorLog(GROUP_METADATA_TOPIC, partition, batch, options),
    read(partition, offset, maxBytes) {
      const read = replicas.readForCoordinator(GROUP_METADATA_TOPIC, partition, offset, maxBytes);
      return 'error' in read ? null : { bytes: read.records, release: () => read.release() };
    },
    maxBatchBytes: (partition) =>
      replicas.partition(GROUP_METADATA_TOPIC, partition)?.log?.config.maxMessageBytes ?? 0,
    range(partition) {
      const log = replicas.partition(GROUP_METADATA_TOPIC, partition)?.log ?? null;
      return log === null ? null : { startOffset: log.startOffset, endOffset: log.endOffset };
    },
  };
}

export function groupSettings(config: BrokerConfig): GroupSettings {
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

/**
 * Asked once, at the start: as many partitions as the topic is assigned, or as it would be made with.
 * The metadata would not do: while a new topic's leaders are being elected it has only some of them.
 * Source: GroupCoordinator.startup of Kafka's ZooKeeper mode.
 */
export async function groupPartitionCount(store: ClusterStore, config: BrokerConfig): Promise<number> {
  const assigned = await store.topics.assignment(GROUP_METADATA_TOPIC);
  return assigned?.partitions.size ?? config.offsetsTopicNumPartitions;
}
