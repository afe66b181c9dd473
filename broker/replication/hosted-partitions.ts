/**
 * The partitions this broker hosts. A partition is online (there is an object for it), offline (its
 * log directory has failed) or unknown; what a request for one that is not online is answered depends
 * on which. Source: Kafka's HostedPartition and ReplicaManager.getPartitionOrError.
 */
import { ErrorCode } from '../errors.ts';
import { type BrokerId, NO_EPOCH, NO_LEADER, type PartitionKey, partitionKey } from '../types.ts';
import type { ReplicationMetadata } from './collaborators.ts';
import type { Partition } from './partition.ts';

/** Who leads a partition as far as this broker knows. */
export interface CurrentLeader {
  readonly leaderId: BrokerId;
  readonly leaderEpoch: number;
}

/** No partition is both online and offline. */
export class HostedPartitions {
  readonly #metadata: ReplicationMetadata;
  readonly #online = new Map<PartitionKey, Partition>();
  readonly #offline = new Set<PartitionKey>();

  constructor(metadata: ReplicationMetadata) {
    this.#metadata = metadata;
  }

  get offlineCount(): number {
    return this.#offline.size;
  }

  get(topic: string, partition: number): Partition | undefined {
    return this.#online.get(partitionKey(topic, partition));
  }

  all(): Iterable<Partition> {
    return this.#online.values();
  }

  isOffline(topic: string, partition: number): boolean {
    return this.#offline.has(partitionKey(topic, partition));
  }

  /** The partition, or what to answer in its place. */
  lookup(topic: string, partition: number): Partition | ErrorCode {
    // A negative number has the key of another topic's partition: 'a' and -1 that of 'a-' and 1.
    if (partition < 0) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const key = partitionKey(topic, partition);
    const online = this.#online.get(key);
    if (online !== undefined) return online;
    if (this.#offline.has(key)) return ErrorCode.KAFKA_STORAGE_ERROR;
    return this.#metadata.partition(topic, partition) === undefined
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  currentLeader(topic: string, partition: number): CurrentLeader {
    const hosted = this.get(topic, partition);
    if (hosted !== undefined) return { leaderId: hosted.leader, leaderEpoch: hosted.leaderEpoch };
    const known = this.#metadata.partition(topic, partition);
    return { leaderId: known?.leader ?? NO_LEADER, leaderEpoch: known?.leaderEpoch ?? NO_EPOCH };
  }

  add(partition: Partition): void {
    this.#online.set(partition.key, partition);
  }

  remove(key: PartitionKey): void {
    this.#online.delete(key);
    this.#offline.delete(key);
  }

  markOffline(key: PartitionKey): void {
    this.#online.delete(key);
    this.#offline.add(key);
  }
}
