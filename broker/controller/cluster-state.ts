/**
 * What the controller knows of the cluster while it is in office. One ClusterState belongs to one term
 * and one writer, the term's event loop; decisions see it through ClusterView and change nothing.
 * Source: kafka.controller.ControllerContext.
 */
import type { ReplicaAssignment } from '../../coordinator-client/znodes/znodes.ts';
import type { BrokerInfo } from '../cluster.ts';
import { type BrokerId, type PartitionKey, partitionKey, type Uuid } from '../types.ts';

/** Kafka's partition states without NonExistent, which is absence from the state. */
type PartitionStatus = 'New' | 'Online' | 'Offline';

/** Kafka's states of replicas; kept in memory only. */
export type ReplicaStatus =
  | 'New'
  | 'Online'
  | 'Offline'
  | 'DeletionStarted'
  | 'DeletionSuccessful'
  | 'DeletionIneligible';

/** The stored state of a partition; `partitionEpoch` is the data version of its znode. */
export interface IsrAndLeader {
  readonly leader: BrokerId;
  readonly leaderEpoch: number;
  readonly isr: readonly BrokerId[];
  readonly controllerEpoch: number;
  readonly leaderRecoveryState: number;
  readonly partitionEpoch: number;
}

/** What decisions see of a partition; they change nothing of it. */
export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  readonly key: PartitionKey;
  readonly assignment: ReplicaAssignment;
  readonly status: PartitionStatus;
  /** null: the controller has not made the state node yet. */
  readonly leadership: IsrAndLeader | null;
  readonly replicaStatus: ReadonlyMap<BrokerId, ReplicaStatus>;
}

export interface TopicView {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitions: ReadonlyMap<number, PartitionView>;
}

/** What decisions see of the cluster; they change nothing of it. */
export interface ClusterView {
  readonly controllerEpoch: number;
  /** Registered brokers, also those that are shutting down. */
  readonly brokers: ReadonlyMap<BrokerId, BrokerInfo>;
  readonly shuttingDown: ReadonlySet<BrokerId>;
  readonly topics: ReadonlyMap<string, TopicView>;
  /** There, as far as is known, but their znodes could not be read. */
  readonly unreadTopics: ReadonlySet<string>;
  readonly topicsToDelete: ReadonlySet<string>;
  readonly deletionStarted: ReadonlySet<string>;
  readonly deletionIneligible: ReadonlySet<string>;
  partition(topic: string, partition: number): PartitionView | undefined;
  partitions(): Iterable<PartitionView>;
  /** Partitions with a replica on any of the brokers. */
  partitionsOn(brokers: ReadonlySet<BrokerId>): PartitionView[];
  /** Registered, not shutting down, and the replica not on a failed directory. */
  isOnline(broker: BrokerId, partition: PartitionView): boolean;
  /** As isOnline, but a broker that is shutting down counts. */
  isOnlineOrShuttingDown(broker: BrokerId, partition: PartitionView): boolean;
}

/** The owner's side of a partition: the same object as its view. */
export interface PartitionRecord extends PartitionView {
  assignment: ReplicaAssignment;
  status: PartitionStatus;
  leadership: IsrAndLeader | null;
  readonly replicaStatus: Map<BrokerId, ReplicaStatus>;
}

export interface TopicRecord extends TopicView {
  topicId: Uuid;
  /** Data version of the topic's znode. */
  version: number;
  readonly partitions: Map<number, PartitionRecord>;
}

/**
 * Changed by the events of one term only. `deletionStarted` and `deletionIneligible` hold topics of
 * `topicsToDelete`. A partition is Online exactly while its leadership names a leader, unless its topic is
 * being deleted.
 */
export class ClusterState implements ClusterView {
  readonly controllerEpoch: number;
  /** Registered brokers of our kind. */
  readonly brokers = new Map<BrokerId, BrokerInfo>();
  /** Have asked to leave; until their registration goes. */
  readonly shuttingDown = new Set<BrokerId>();
  readonly topics = new Map<string, TopicRecord>();
  readonly unreadTopics = new Set<string>();
  /** Epochs of registered brokers that are not of our kind. */
  readonly strangers = new Map<BrokerId, number>();
  /** Nodes among the topics whose names can't be those of topics. */
  readonly refusedNames = new Set<string>();
  /** No elections for them, and leader -2 in all metadata. */
  readonly topicsToDelete = new Set<string>();
  /** Those of which the brokers were told. */
  readonly deletionStarted = new Set<string>();
  /** Those whose deletion waits for a broker, a disk or a reassignment. */
  readonly deletionIneligible = new Set<string>();
  /** Replicas on failed log directories, by broker. No set is empty. */
  readonly offlineDirs = new Map<BrokerId, Set<PartitionKey>>();

  constructor(controllerEpoch: number) {
    this.controllerEpoch = controllerEpoch;
  }

  partition(topic: string, partition: number): PartitionRecord | undefined {
    return this.topics.get(topic)?.partitions.get(partition);
  }

  *partitions(): Iterable<PartitionRecord> {
    for (const topic of this.topics.values()) yield* topic.partitions.values();
  }

  partitionsOn(brokers: ReadonlySet<BrokerId>): PartitionRecord[] {
    const found: PartitionRecord[] = [];
    for (const partition of this.partitions()) {
      if (partition.assignment.replicas.some((replica) => brokers.has(replica))) found.push(partition);
    }
    return found;
  }

  isOnline(broker: BrokerId, partition: PartitionView): boolean {
    return !this.shuttingDown.has(broker) && this.isOnlineOrShuttingDown(broker, partition);
  }

  isOnlineOrShuttingDown(broker: BrokerId, partition: PartitionView): boolean {
    return this.brokers.has(broker) && this.offlineDirs.get(broker)?.has(partition.key) !== true;
  }

  addTopic(name: string, topicId: Uuid, version: number): TopicRecord {
    const topic: TopicRecord = { name, topicId, version, partitions: new Map() };
    this.topics.set(name, topic);
    return topic;
  }

  /** A partition that is not known yet: New, as are its replicas. */
  addPartition(topic: TopicRecord, partition: number, assignment: ReplicaAssignment): PartitionRecord {
    const record: PartitionRecord = {
      topic: topic.name,
      partition,
      key: partitionKey(topic.name, partition),
      assignment,
      status: 'New',
      leadership: null,
      replicaStatus: new Map(assignment.replicas.map((replica) => [replica, 'New'])),
    };
    topic.partitions.set(partition, record);
    return record;
  }

  removeTopic(name: string): void {
    this.topics.delete(name);
    this.topicsToDelete.delete(name);
    this.deletionStarted.delete(name);
    this.deletionIneligible.delete(name);
  }

  /** Replaces the assignment; statuses of replicas that are in it no longer are forgotten. */
  assign(partition: PartitionView, assignment: ReplicaAssignment): void {
    const record = this.record(partition);
    record.assignment = assignment;
    for (const replica of record.replicaStatus.keys()) {
      if (!assignment.replicas.includes(replica)) record.replicaStatus.delete(replica);
    }
  }

  /** What a commit or a read has shown. The partition is online exactly while it has a leader. */
  setLeadership(partition: PartitionView, leadership: IsrAndLeader): void {
    const record = this.record(partition);
    record.leadership = leadership;
    record.status = leadership.leader >= 0 ? 'Online' : 'Offline';
  }

  setReplicaStatus(partition: PartitionView, replica: BrokerId, status: ReplicaStatus): void {
    this.record(partition).replicaStatus.set(replica, status);
  }

  setReplicaOnDisk(partition: PartitionView, replica: BrokerId, online: boolean): void {
    const failed = this.offlineDirs.get(replica) ?? new Set<PartitionKey>();
    if (online) failed.delete(partition.key);
    else failed.add(partition.key);
    if (failed.size === 0) this.offlineDirs.delete(replica);
    else this.offlineDirs.set(replica, failed);
  }

  /** The owner's side of a view. For a partition that has been forgotten since, changes have no effect. */
  record(partition: PartitionView): PartitionRecord {
    return this.partition(partition.topic, partition.partition) ?? (partition as PartitionRecord);
  }
}

/** Replicas are being added or removed. */
export function isReassigning(partition: PartitionView): boolean {
  const { addingReplicas, removingReplicas } = partition.assignment;
  return addingReplicas.length > 0 || removingReplicas.length > 0;
}

/** Partitions, not of topics that go away, whose leader is not there. */
export function countOfflinePartitions(view: ClusterView): number {
  let count = 0;
  for (const partition of view.partitions()) {
    if (view.topicsToDelete.has(partition.topic)) continue;
    const leader = partition.leadership?.leader ?? -1;
    if (!view.isOnlineOrShuttingDown(leader, partition)) count++;
  }
  return count;
}

/** Partitions whose leader is not their first replica. */
export function countPreferredImbalance(view: ClusterView): number {
  let count = 0;
  for (const { topic, assignment, leadership } of view.partitions()) {
    if (!view.topicsToDelete.has(topic) && leadership?.leader !== assignment.replicas[0]) count++;
  }
  return count;
}
