/**
 * What has changed in the cluster: the words in which a feed (metadata-feed.ts) tells a broker, whoever
 * decided it and in whatever form it came. A delta is taken in whole or, where its epochs are outdated,
 * not at all. Source: Kafka's MetadataDelta, TopicDelta and LocalReplicaChanges.
 */
import type { BrokerInfo } from '../cluster.ts';
import type { ErrorCode } from '../errors.ts';
import type { EventReference } from '../platform/event-ring.ts';
import type { BrokerId, PartitionKey, TopicPartition, Uuid } from '../types.ts';
import type { PartitionImage } from './image.ts';

/** News of one controller for one incarnation of this broker. At least one of the two parts is there. */
export interface ClusterDelta {
  /** In which the controller said it. */
  readonly controllerEpoch: number;
  /** For which registration of this broker it is meant; NO_EPOCH: for whichever hears it. */
  readonly brokerEpoch: number;
  readonly metadata: MetadataDelta | null;
  readonly replicas: ReplicaDelta | null;
}

/** What changes in the picture of the cluster (image.ts). */
export interface MetadataDelta {
  /** -1 when there is none. */
  readonly controllerId: BrokerId;
  /** All live brokers: who is not here has gone. */
  readonly brokers: readonly BrokerInfo[];
  /** By name; other topics stay as they are. */
  readonly topics: ReadonlyMap<string, TopicDelta>;
  /**
   * Every topic there is, told now or before or still to be told: those that are not named have gone, and
   * from here on this broker knows the whole cluster. null: nothing is said about other topics.
   */
  readonly onlyTopics: ReadonlySet<string> | null;
}

/** No partition is both changed and removed. A topic goes with the last of its partitions. */
export interface TopicDelta {
  /** null: the one that is known. Another one than that is another topic, of which only this is known. */
  readonly topicId: Uuid | null;
  /** New, or in a new state. */
  readonly changed: readonly PartitionImage[];
  readonly removed: readonly RemovedPartition[];
}

export interface RemovedPartition {
  readonly partition: number;
  /** Who held it. */
  readonly replicas: readonly BrokerId[];
}

/** What this broker is to do with replicas of its own: to lead, to follow, to stop, in this order. */
export interface ReplicaDelta {
  readonly lead: readonly ReplicaState[];
  /** Led by another broker, or by nobody. */
  readonly follow: readonly ReplicaState[];
  readonly stop: readonly StoppedReplica[];
}

/** A partition as the controller has decided it. It takes effect with a leader epoch above the known one. */
export interface ReplicaState extends TopicPartition {
  /** null: the topic has none, or it was not told. */
  readonly topicId: Uuid | null;
  /** Of the controller that decided this state. */
  readonly controllerEpoch: number;
  /** NO_LEADER when there is none. */
  readonly leader: BrokerId;
  readonly leaderEpoch: number;
  readonly isr: readonly BrokerId[];
  /** Version of the partition's state where it is kept. */
  readonly partitionEpoch: number;
  readonly replicas: readonly BrokerId[];
  readonly addingReplicas: readonly BrokerId[];
  readonly removingReplicas: readonly BrokerId[];
  /** Nobody has had a log of it before. */
  readonly isNew: boolean;
  /** The event of another journal that tells why, where the feed knows. */
  readonly cause?: EventReference;
}

export interface StoppedReplica extends TopicPartition {
  /** NO_EPOCH and EPOCH_DURING_DELETE always apply. */
  readonly leaderEpoch: number;
  readonly deletePartition: boolean;
}

/** What the sender of the delta is answered. */
export interface DeltaOutcome {
  /** Other than NONE: nothing was taken in. */
  readonly error: ErrorCode;
  /** The replicas that could not do, or would not, what was wanted of them. */
  readonly failed: ReadonlyMap<PartitionKey, ErrorCode>;
}

const NONE_FAILED: ReadonlyMap<PartitionKey, ErrorCode> = new Map();

/** For a delta without replicas: it was taken in, or it was not. */
export function deltaOutcome(error: ErrorCode): DeltaOutcome {
  return { error, failed: NONE_FAILED };
}
