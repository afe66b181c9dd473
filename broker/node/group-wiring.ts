/** How the group coordinator reaches replication, and which properties it goes by. */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { FixedConfig } from '../config/broker-config.ts';
import type { GroupSettings } from '../coordinators/group/group-coordinator.ts';
import type { StateLog } from '../coordinators/runtime/state-log.ts';
import { isError } from '../errors.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { GROUP_METADATA_TOPIC } from '../types.ts';

const MS_PER_MINUTE = 60_000;

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

/** What groups go by, in their own units. */
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

/**
 * Asked once, at the start: as many partitions as the topic is assigned, or as it would be made with.
 * The metadata would not do: while a new topic's leaders are being elected it has only some of them.
 * Source: GroupCoordinator.startup of Kafka's ZooKeeper mode.
 */
export async function groupPartitionCount(store: ClusterStore, config: FixedConfig): Promise<number> {
  const assigned = await store.topics.assignment(GROUP_METADATA_TOPIC);
  return assigned?.partitions.size ?? config.offsetsTopicNumPartitions;
}
