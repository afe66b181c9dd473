/** How coordinators reach replication and hear of it, and which properties they go by. */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { FixedConfig } from '../config/broker-config.ts';
import type { GroupSettings } from '../coordinators/group/group-coordinator.ts';
import { DamagedLog, type StateLog } from '../coordinators/runtime/state-log.ts';
import type { MarkerSettings } from '../coordinators/transaction/marker-sender.ts';
import type { TransactionSettings } from '../coordinators/transaction/transaction-coordinator.ts';
import { ErrorCode, isError } from '../errors.ts';
import type { Workers } from '../platform/workers.ts';
import { metricsWindow } from '../quotas/sampled-rate.ts';
import { decompressInTurn } from '../records/decompress-job.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../types.ts';

const MS_PER_MINUTE = 60_000;
/** Of a message between brokers, a request for markers takes no more. */
const MARKERS_FRACTION = 0.5;

/** The log of a coordinator's topic. */
export function stateLogOf(topic: string, replicas: ReplicaManager, workers: Workers): StateLog {
  return {
    topic,
    append: (partition, batch, options) => replicas.appendToCoordinatorLog(topic, partition, batch, options),
    read(partition, offset, maxBytes) {
      const read = replicas.readForCoordinator(topic, partition, offset, maxBytes);
      if (read === ErrorCode.CORRUPT_MESSAGE) throw new DamagedLog(`There is no batch at offset ${offset}`);
      return isError(read) ? null : { bytes: read.records, lost: read.lost, release: () => read.release() };
    },
    decompress: (codec, data) => decompressInTurn(codec, data, workers, `load of ${topic}`),
    maxBatchBytes: (partition) => replicas.partition(topic, partition)?.log?.config.maxMessageBytes ?? 0,
    hasOtherCopies: (partition) => (replicas.partition(topic, partition)?.inSyncReplicas.length ?? 0) > 1,
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
    metricsWindow: metricsWindow(config),
    maxTimeoutMs: config.transactionMaxTimeoutMs,
    writeTimeoutMs: config.requestTimeoutMs,
    completionWaitMs: config.transactionCompletionWaitMs,
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

type CountsConfig = Pick<FixedConfig, 'offsetsTopicNumPartitions' | 'transactionStateLogNumPartitions'>;

/**
 * As many partitions as each coordinator's topic is assigned, or as it would be made with. Whoever coordinates
 * transactions and whoever asks for them go by the same. The metadata would not do: while a new topic's leaders are
 * being elected it has only some of them.
 * Source: startup of GroupCoordinator and TransactionCoordinator in Kafka's ZooKeeper mode.
 */
export class CoordinatorPartitionCounts {
  readonly #config: CountsConfig;
  #groups: number | null = null;
  #transactions: number | null = null;

  constructor(config: CountsConfig) {
    this.#config = config;
  }

  readonly groups = (): number => this.#groups ?? this.#config.offsetsTopicNumPartitions;
  readonly transactions = (): number => this.#transactions ?? this.#config.transactionStateLogNumPartitions;

  /**
   * Asks for what no answer has told so far, in one round trip. At the start, and again when this broker has
   * registered: other brokers may have made a topic, of another size, while the logs here were recovered.
   */
  async ask(store: ClusterStore): Promise<void> {
    const count = async (topic: string): Promise<number | null> =>
      (await store.topics.assignment(topic))?.partitions.size ?? null;
    [this.#groups, this.#transactions] = await Promise.all([
      this.#groups ?? count(GROUP_METADATA_TOPIC),
      this.#transactions ?? count(TRANSACTION_STATE_TOPIC),
    ]);
  }
}
