/**
 * Moving partitions between brokers (KIP-455): what the full replica list is while a move is under way,
 * when it is done, and what each phase writes and tells. Pure.
 * Source: kafka.controller.ReplicaAssignment, KafkaController.onPartitionReassignment.
 */
import type { ReplicaAssignment } from '../../coordinator-client/znodes/znodes.ts';
import { ErrorCode, failure, type Outcome, success } from '../errors.ts';
import { arrayBuffer, set, shortened } from '../metadata/scala-text.ts';
import type { BrokerId } from '../types.ts';
import { type ClusterView, isReassigning, type PartitionView } from './cluster-state.ts';
import { electForReassignment } from './leader-election.ts';
import { electionOf, NOTHING, type Plan, type Tell } from './plan.ts';

/** Where the replicas end up. */
export function targetReplicas({ replicas, removingReplicas }: ReplicaAssignment): BrokerId[] {
  return replicas.filter((replica) => !removingReplicas.includes(replica));
}

/** Where they were before; a cancelled move goes back there. */
export function originReplicas({ replicas, addingReplicas }: ReplicaAssignment): BrokerId[] {
  return replicas.filter((replica) => !addingReplicas.includes(replica));
}

/** The assignment while replicas move to `target`: first those of the target, then those that go. */
export function reassignTo(current: ReplicaAssignment, target: readonly BrokerId[]): ReplicaAssignment {
  const origin = originReplicas(current);
  const replicas = [...new Set([...target, ...origin])];
  const [from, to] = [new Set(origin), new Set(target)];
  return {
    replicas,
    addingReplicas: replicas.filter((replica) => !from.has(replica)),
    removingReplicas: replicas.filter((replica) => !to.has(replica)),
  };
}

/** The assignment when the move is over. */
export function settledOn(target: readonly BrokerId[]): ReplicaAssignment {
  return { replicas: [...target], addingReplicas: [], removingReplicas: [] };
}

/** `target` null cancels. The refusal, in Kafka's words, or the replicas to move to. */
export function validateReassignment(
  view: ClusterView,
  topic: string,
  partition: number,
  target: readonly BrokerId[] | null,
): Outcome<readonly BrokerId[]> {
  const known = view.partition(topic, partition);
  if (known === undefined || view.topicsToDelete.has(topic)) {
    return failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'The partition does not exist.');
  }
  if (target === null) {
    if (isReassigning(known)) return leadable(view, known, originReplicas(known.assignment));
    return failure(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.');
  }
  const invalid = (message: string) => failure(ErrorCode.INVALID_REPLICA_ASSIGNMENT, shortened(message));
  if (target.length === 0) return invalid('Empty replica list specified in partition reassignment.');
  if (new Set(target).size < target.length) {
    return invalid(`Duplicate replica ids in partition reassignment replica list: ${arrayBuffer(target)}`);
  }
  if (target.some((replica) => replica < 0)) {
    return invalid(`Invalid broker id in replica list: ${arrayBuffer(target)}`);
  }
  const { addingReplicas } = reassignTo(known.assignment, target);
  if (addingReplicas.some((replica) => !view.brokers.has(replica))) {
    const [added, living] = [arrayBuffer(addingReplicas), set(view.brokers.keys())];
    return invalid(
      `Replica assignment has brokers that are not alive. Replica list: ${added}, live broker list: ${living}`,
    );
  }
  return leadable(view, known, target);
}

/**
 * A new target, or a cancellation, drops replicas of the move before it at once. Refused where those are
 * the only ones that can lead: it would be an unclean election in disguise. Where nobody can lead, and
 * those who are waited for stay, nothing is lost by it.
 */
function leadable(
  view: ClusterView,
  partition: PartitionView,
  target: readonly BrokerId[],
): Outcome<readonly BrokerId[]> {
  const { leadership, assignment } = partition;
  const replicas = new Set(reassignTo(assignment, target).replicas);
  const dropped = assignment.replicas.filter((replica) => !replicas.has(replica));
  if (leadership === null || dropped.every((replica) => !leadership.isr.includes(replica)))
    return success(target);
  if (firstInSync(view, partition, [...replicas]) !== undefined) return success(target);
  const message = 'None of the replicas that would be left is alive and in sync.';
  return failure(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message);
}

function firstInSync(
  view: ClusterView,
  partition: PartitionView,
  replicas: readonly BrokerId[],
): BrokerId | undefined {
  const isr = partition.leadership?.isr ?? [];
  return replicas.find((replica) => isr.includes(replica) && view.isOnline(replica, partition));
}

/** All of the target is in sync and one of it can lead: the move can be brought to its end. */
export function canComplete(view: ClusterView, partition: PartitionView): boolean {
  const { leadership, assignment } = partition;
  if (leadership === null) return false;
  const inSync = targetReplicas(assignment).every((replica) => leadership.isr.includes(replica));
  return inSync && electForReassignment(view, partition) !== null;
}

/** Phase A: a new leader epoch, so that the leader waits for the added replicas; they start to fetch. */
export function decideReassignmentStart(view: ClusterView, partition: PartitionView): Plan {
  const { leadership, assignment } = partition;
  if (leadership === null) return NOTHING;
  const origin = originReplicas(assignment);
  const { leader, isr, leaderRecoveryState } = leadership;
  const elected = { leader, isr, leaderRecoveryState, recipients: origin, unclean: false };
  return {
    changes: [electionOf(view, partition, elected)],
    notes: assignment.addingReplicas.map((replica) => ({ partition, replica, status: 'New' as const })),
    tell: [{ request: 'LeaderAndIsr', to: assignment.addingReplicas, partition, isNew: true }],
  };
}

/**
 * Phase B: the replicas of the former assignment leave. Kafka writes the leader first, and then takes one after
 * the other out of the ISR, each under a leader epoch of its own; here it is one write, under the last of them.
 */
export function decideReassignmentEnd(
  view: ClusterView,
  partition: PartitionView,
  leaving: readonly BrokerId[],
): Plan {
  const plan = decideLeaving(view, partition, leaving);
  const inSync = leaving.filter((replica) => partition.leadership?.isr.includes(replica)).length;
  const changes = plan.changes.map(({ state, ...change }) => {
    return { ...change, state: { ...state, leaderEpoch: state.leaderEpoch + inSync } };
  });
  return { ...plan, changes };
}

/**
 * Replicas leave; the partition has its assignment without them already. The leader is one that stays, the
 * ISR loses those that go, and they are deleted.
 */
function decideLeaving(view: ClusterView, partition: PartitionView, leaving: readonly BrokerId[]): Plan {
  const { leadership, assignment } = partition;
  if (leadership === null) return NOTHING;
  const { leaderRecoveryState } = leadership;
  const stays =
    assignment.replicas.includes(leadership.leader) && view.isOnline(leadership.leader, partition);
  const leader = stays ? leadership.leader : firstInSync(view, partition, assignment.replicas);
  if (leader === undefined) return NOTHING;
  const isr = leadership.isr.filter((replica) => !leaving.includes(replica));
  const recipients = assignment.replicas;
  return {
    changes: [electionOf(view, partition, { leader, isr, leaderRecoveryState, recipients, unclean: false })],
    notes: assignment.replicas.map((replica) => ({ partition, replica, status: 'Online' as const })),
    tell: stopAndDelete(partition, leaving),
  };
}

/** What a new target, or a cancellation, drops; the partition has its assignment without them already. */
export function decideDropped(
  view: ClusterView,
  partition: PartitionView,
  dropped: readonly BrokerId[],
): Plan {
  const { leadership, assignment } = partition;
  const waits = leadership !== null && firstInSync(view, partition, assignment.replicas) === undefined;
  const lost = dropped.some((replica) => leadership?.isr.includes(replica));
  // Nobody leads, and the state does not name them: there is nothing to write before they go.
  if (waits && !lost) return { ...NOTHING, tell: stopAndDelete(partition, dropped) };
  return { ...decideLeaving(view, partition, dropped), notes: [] };
}

/** Replicas that are needed no longer are stopped, then deleted. */
function stopAndDelete(partition: PartitionView, replicas: readonly BrokerId[]): Tell[] {
  return replicas.map((to) => ({ request: 'StopReplica', to, partition, deletePartition: true }));
}
