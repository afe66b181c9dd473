/** How the group coordinator reaches replication, and which properties it goes by. */
import type { BrokerConfig } from './config/broker-config.ts';
import type { GroupSettings } from './coordinators/group/group-coordinator.ts';
import type { StateLog } from './coordinators/state-log.ts';
import type { MetadataCache } from './metadata/metadata-cache.ts';
import type { ReplicaManager } from './replication/replica-manager.ts';
import { GROUP_METADATA_TOPIC } from './types.ts';

const MS_PER_MINUTE = 60_000;

export function groupStateLog(replicas: ReplicaManager): StateLog {
  return {
    append: (partition, batch, options) =>
      replicas.appendToCoordinatorLog(GROUP_METADATA_TOPIC, partition, batch, options),
    read(partition, offset, maxBytes) {
      const read = replicas.readForCoordinator(GROUP_METADATA_TOPIC, partition, offset, maxBytes);
      return 'error' in read ? null : { bytes: read.records, release: () => read.release() };
    },
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
    metadataMaxBytes: config.offsetMetadataMaxBytes,
    retentionMs: config.offsetsRetentionMinutes * MS_PER_MINUTE,
    retentionCheckIntervalMs: config.offsetsRetentionCheckIntervalMs,
    loadBufferSizeBytes: config.offsetsLoadBufferSize,
  };
}

/** As the topic is, or as it would be made: the owner of a group must be the same before and after. */
export function offsetsPartitionCount(metadata: MetadataCache, config: BrokerConfig): number {
  return metadata.topic(GROUP_METADATA_TOPIC)?.partitions.size ?? config.offsetsTopicNumPartitions;
}
