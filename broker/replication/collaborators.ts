/**
 * What replication needs of its neighbours, as narrow interfaces: the metadata cache, and the properties
 * it reads. The real ones (MetadataCache, BrokerConfig) fit as they are. And whom it asks before a transaction
 * may begin in a partition.
 */
import type { BrokerInfo } from '../cluster.ts';
import type { Live } from '../config/live.ts';
import type { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import type { BrokerId, PartitionKey, TopicPartition } from '../types.ts';

/** What replication asks of the metadata cache. */
export interface ReplicationMetadata {
  isAlive(id: BrokerId): boolean;
  broker(id: BrokerId): BrokerInfo | undefined;
  partition(
    topic: string,
    partition: number,
  ): { readonly leader: BrokerId; readonly leaderEpoch: number } | undefined;
}

/** The properties that replication reads and that never change, under the names of BrokerConfig. */
export interface ReplicationConfig {
  readonly brokerId: BrokerId;
  readonly replicaLagTimeMaxMs: number;
  readonly replicaHighWatermarkCheckpointIntervalMs: number;
  readonly replicaFetchBackoffMs: number;
  readonly replicaFetchMaxBytes: number;
  readonly replicaFetchResponseMaxBytes: number;
  readonly replicaFetchWaitMaxMs: number;
  readonly replicaSocketTimeoutMs: number;
  readonly replicaSelectorClass: string | null;
  readonly fetchMaxBytes: number;
  readonly socketConnectionSetupTimeoutMs: number;
  readonly transactionMaxTimeoutMs: number;
  readonly peerStreamCreditBytes: number;
  readonly peerMaxMessageBytes: number;
  /** none or snappy. */
  readonly peerCompressionType: string;
}

export interface ReplicationConfigs {
  readonly config: ReplicationConfig;
  /** Those that may change while the broker runs. */
  readonly liveConfig: Live<{
    readonly numReplicaFetchers: number;
    readonly transactionPartitionVerificationEnable: boolean;
  }>;
}

/** Records of a transaction that is not open in their partitions here yet. */
export interface TransactionToVerify {
  readonly transactionalId: string;
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly partitions: readonly TopicPartition[];
}

/** Asks the coordinator of a transaction, wherever it is, before its first records are taken (KIP-890). */
export interface TransactionVerifier {
  /** An error for each partition that is not confirmed. Never rejects. */
  verify(transaction: TransactionToVerify): Promise<ReadonlyMap<PartitionKey, ErrorCode>>;
}
