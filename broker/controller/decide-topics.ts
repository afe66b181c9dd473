/**
 * Deletion of topics as a state machine over replicas: Offline -> DeletionStarted (the broker is told to
 * delete) -> DeletionSuccessful or DeletionIneligible (the broker is down, or failed). A topic goes when
 * all its replicas are successful. Pure; making partitions is in decide-brokers.ts.
 * Source: kafka.controller.TopicDeletionManager.
 */
import type { BrokerId, PartitionKey } from '../types.ts';
import { partitionKey } from '../types.ts';
import { type ClusterView, isReassigning, type PartitionView, type TopicView } from './cluster-state.ts';
import type { Plan, ReplicaNote, Tell } from './plan.ts';

interface DeletionStep {
  /** Topics whose replicas are all gone: remove their znodes and forget them. */
  readonly finished: readonly string[];
  /** Topics whose deletion begins with this step. */
  readonly started: readonly string[];
  /** Topics that have to wait for a broker. */
  readonly ineligible: readonly string[];
  readonly plan: Plan;
}

/**
 * Topics whose deletion cannot begin yet, because a replica is being moved. One that is not there does
 * not keep it from beginning: the topic goes from everybody's metadata, and from the brokers that live.
 */
export function ineligibleForDeletion(view: ClusterView, topics: Iterable<string>): string[] {
  return [...topics].filter((name) => {
    const partitions = [...(view.topics.get(name)?.partitions.values() ?? [])];
    return partitions.some(isReassigning);
  });
}

/**
 * Topics whose deletion waits though all could go on: a broker that is there, and its disk too, has failed to
 * delete. Kafka waits until a broker of the topic starts.
 */
export function deletionsToRetry(view: ClusterView): string[] {
  return [...view.deletionIneligible].filter((name) => {
    const partitions = [...(view.topics.get(name)?.partitions.values() ?? [])];
    if (partitions.some(isReassigning)) return false;
    return partitions.some((partition) =>
      partition.assignment.replicas.some((replica) => {
        const hasFailed = partition.replicaStatus.get(replica) === 'DeletionIneligible';
        return hasFailed && view.isOnline(replica, partition);
      }),
    );
  });
}

/** The next step of all deletions; asked after everything that may let one go on. */
export function decideDeletions(view: ClusterView): DeletionStep {
  const finished: string[] = [];
  const started: string[] = [];
  const ineligible: string[] = [];
  const notes: ReplicaNote[] = [];
  const tell: Tell[] = [];
  for (const name of view.topicsToDelete) {
    const topic = view.topics.get(name);
    if (topic === undefined) continue;
    if (everyReplica(topic, (status) => status === 'DeletionSuccessful')) {
      finished.push(name);
      continue;
    }
    const waits = someReplica(topic, (status) => status === 'DeletionStarted');
    if (waits || view.deletionIneligible.has(name)) continue;
    if (!view.deletionStarted.has(name)) {
      started.push(name);
      tell.push({ request: 'UpdateMetadata', to: 'all', partitions: [...topic.partitions.values()] });
    }
    const blocked = deleteReplicas(view, topic, notes, tell);
    if (blocked) ineligible.push(name);
  }
  return { finished, started, ineligible, plan: { changes: [], notes, tell } };
}

/** A broker has answered what it was told to delete. */
export function decideDeletionAnswer(
  view: ClusterView,
  broker: BrokerId,
  told: readonly { readonly topic: string; readonly partition: number }[],
  failed: Pick<ReadonlySet<PartitionKey>, 'has'>,
): { readonly notes: readonly ReplicaNote[]; readonly ineligible: readonly string[] } {
  const notes: ReplicaNote[] = [];
  const ineligible = new Set<string>();
  for (const one of told) {
    const partition = view.partition(one.topic, one.partition);
    if (partition?.replicaStatus.get(broker) !== 'DeletionStarted') continue;
    const bad = failed.has(partitionKey(one.topic, one.partition));
    if (bad) ineligible.add(one.topic);
    notes.push({ partition, replica: broker, status: bad ? 'DeletionIneligible' : 'DeletionSuccessful' });
  }
  return { notes, ineligible: [...ineligible] };
}

/** True when a replica cannot be deleted now, because its broker or its disk is not there. */
function deleteReplicas(view: ClusterView, topic: TopicView, notes: ReplicaNote[], tell: Tell[]): boolean {
  let blocked = false;
  for (const partition of topic.partitions.values()) {
    for (const replica of partition.assignment.replicas) {
      if (partition.replicaStatus.get(replica) === 'DeletionSuccessful') continue;
      if (!view.isOnline(replica, partition)) {
        notes.push({ partition, replica, status: 'DeletionIneligible' });
        blocked = true;
        continue;
      }
      notes.push({ partition, replica, status: 'DeletionStarted' });
      tell.push(stop(replica, partition, false), stop(replica, partition, true));
    }
  }
  return blocked;
}

function stop(to: BrokerId, partition: PartitionView, deletePartition: boolean): Tell {
  return { request: 'StopReplica', to, partition, deletePartition };
}

function everyReplica(topic: TopicView, holds: (status: string | undefined) => boolean): boolean {
  return !someReplica(topic, (status) => !holds(status));
}

function someReplica(topic: TopicView, holds: (status: string | undefined) => boolean): boolean {
  for (const { assignment, replicaStatus } of topic.partitions.values()) {
    if (assignment.replicas.some((replica) => holds(replicaStatus.get(replica)))) return true;
  }
  return false;
}
