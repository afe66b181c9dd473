/**
 * What a broker knows of the cluster: a picture that never changes. A change makes a new one that
 * shares what stayed the same, so whoever holds a picture may look at it across an await.
 */
import type { BrokerInfo } from '../cluster.ts';
import type { BrokerId, Uuid } from '../types.ts';

/** As the controller told it last; the broker that holds the replica may be ahead of it, or behind. */
export interface PartitionImage {
  readonly partition: number;
  /** NO_LEADER when there is none. */
  readonly leader: BrokerId;
  readonly leaderEpoch: number;
  /** Version of the partition's state znode. */
  readonly partitionEpoch: number;
  readonly isr: readonly BrokerId[];
  readonly replicas: readonly BrokerId[];
  readonly offlineReplicas: readonly BrokerId[];
  /** Epoch of the controller that decided this state. */
  readonly controllerEpoch: number;
}

export interface TopicImage {
  readonly name: string;
  /** ZERO_UUID when it has none. */
  readonly topicId: Uuid;
  readonly partitions: ReadonlyMap<number, PartitionImage>;
}

/** Immutable: a change makes a new one. */
export interface MetadataImage {
  /**
   * Whether a controller has told this broker of the whole cluster since it started. Before that, a topic
   * that is not here may well exist, and nobody may be told that it doesn't.
   */
  readonly complete: boolean;
  /** -1 when no controller is known. */
  readonly controllerId: BrokerId;
  /** The live brokers. */
  readonly brokers: ReadonlyMap<BrokerId, BrokerInfo>;
  readonly topics: ReadonlyMap<string, TopicImage>;
  readonly topicNames: ReadonlyMap<Uuid, string>;
}

/** Whether partitions 0 to `partitionCount - 1` of the topic all have a leader. */
export function allHaveLeaders(image: MetadataImage, topic: string, partitionCount: number): boolean {
  const partitions = image.topics.get(topic)?.partitions;
  if (partitions === undefined) return false;
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const leader = partitions.get(partition)?.leader;
    if (leader === undefined || leader < 0) return false;
  }
  return true;
}
