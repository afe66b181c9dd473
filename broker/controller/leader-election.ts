/**
 * The four ways to choose a leader; the order of the assignment always decides. Pure.
 * Source: kafka.controller.Election and PartitionLeaderElectionAlgorithms.
 */
import type { BrokerId } from '../types.ts';
import type { ClusterView, IsrAndLeader, PartitionView } from './cluster-state.ts';

/** After an unclean election the leader is recovering until its ISR is committed once. */
export const RECOVERED = 0;
/** `leaderRecoveryState` after an unclean election; 0 is recovered. */
export const RECOVERING = 1;

export interface Elected {
  readonly leader: BrokerId;
  readonly isr: readonly BrokerId[];
  readonly leaderRecoveryState: number;
  /** Who is told besides those who learn all metadata. */
  readonly recipients: readonly BrokerId[];
  readonly unclean: boolean;
}

/**
 * The leader is gone: the first living member of the ISR; failing that, where `uncleanAllowed`, the
 * first living replica, which may have lost committed records. null when nobody can lead.
 */
export function electAfterLoss(
  view: ClusterView,
  partition: PartitionView,
  uncleanAllowed: boolean,
): Elected | null {
  const { leadership } = partition;
  if (leadership === null) return null;
  const living = partition.assignment.replicas.filter((replica) => view.isOnline(replica, partition));
  const clean = living.find((replica) => leadership.isr.includes(replica));
  if (clean !== undefined) {
    const isr = leadership.isr.filter((replica) => view.isOnline(replica, partition));
    return { ...keeping(leadership), leader: clean, isr, recipients: living };
  }
  const [unclean] = living;
  if (!uncleanAllowed || unclean === undefined) return null;
  return {
    leader: unclean,
    isr: [unclean],
    leaderRecoveryState: RECOVERING,
    recipients: living,
    unclean: true,
  };
}

/** The first of the target replicas of a reassignment that lives and is in sync. */
export function electForReassignment(view: ClusterView, partition: PartitionView): Elected | null {
  const { leadership, assignment } = partition;
  if (leadership === null) return null;
  const target = assignment.replicas.filter((replica) => !assignment.removingReplicas.includes(replica));
  const leader = target.find(
    (replica) => view.isOnline(replica, partition) && leadership.isr.includes(replica),
  );
  if (leader === undefined) return null;
  return { ...keeping(leadership), leader, recipients: target };
}

/** The first assigned replica, if it lives and is in sync. */
export function electPreferred(view: ClusterView, partition: PartitionView): Elected | null {
  const { leadership, assignment } = partition;
  const preferred = assignment.replicas[0];
  if (leadership === null || preferred === undefined) return null;
  if (!view.isOnline(preferred, partition) || !leadership.isr.includes(preferred)) return null;
  return { ...keeping(leadership), leader: preferred, recipients: assignment.replicas };
}

/** The leader is about to stop: the first replica in sync that is not itself about to stop. */
export function electForShutdown(view: ClusterView, partition: PartitionView): Elected | null {
  const { leadership, assignment } = partition;
  if (leadership === null) return null;
  const reachable = assignment.replicas.filter((replica) => view.isOnlineOrShuttingDown(replica, partition));
  const isr = leadership.isr.filter((replica) => !view.shuttingDown.has(replica));
  const leader = reachable.find((replica) => isr.includes(replica));
  if (leader === undefined) return null;
  return { ...keeping(leadership), leader, isr, recipients: reachable };
}

function keeping(leadership: IsrAndLeader): Omit<Elected, 'recipients'> {
  return {
    leader: leadership.leader,
    isr: leadership.isr,
    leaderRecoveryState: leadership.leaderRecoveryState,
    unclean: false,
  };
}
