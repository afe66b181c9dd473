/** The events of a partition's state that the controller has written: its leader moved, its ISR changed. */
import type { ClusterEvent, IsrReason, StateReason } from '../platform/cluster-events.ts';
import { type BrokerId, NO_LEADER } from '../types.ts';
import type { IsrAndLeader } from './cluster-state.ts';
import type { LeaderWrite } from './plan.ts';

/** The term that wrote it. */
interface Recorder {
  record(event: ClusterEvent): unknown;
}

interface StateWritten {
  /** null: the state node was made. */
  readonly before: IsrAndLeader | null;
  readonly now: IsrAndLeader;
}

/** Records what the write of a decided change has changed. */
export function recordState(
  term: Recorder,
  { partition: { topic, partition }, unclean }: LeaderWrite,
  reason: StateReason,
  { before, now }: StateWritten,
): void {
  const from = before?.leader ?? NO_LEADER;
  if (from !== now.leader) {
    const { leader: to, isr, leaderEpoch, partitionEpoch, controllerEpoch } = now;
    const epochs = { leaderEpoch, partitionEpoch, controllerEpoch };
    term.record({ kind: 'leader-moved', topic, partition, from, to, isr, ...epochs, reason, unclean });
  }
  if (before !== null) recordIsr(term, { topic, partition }, reason, { before, now });
}

/** An ISR that their leader asked for; what it takes out lags, what it takes in has caught up. */
export function recordAlteration(
  term: Recorder,
  { partition: { topic, partition } }: LeaderWrite,
  { before, now }: StateWritten,
): void {
  if (before === null) return;
  const reason = lost(before.isr, now.isr) ? 'lagging' : 'caught-up';
  recordIsr(term, { topic, partition }, reason, { before, now });
}

/** A change can do both: a reassignment swaps replicas. */
function recordIsr(
  term: Recorder,
  of: { readonly topic: string; readonly partition: number },
  reason: IsrReason,
  { before, now }: { readonly before: IsrAndLeader; readonly now: IsrAndLeader },
): void {
  const { isr: to, leaderEpoch, partitionEpoch, controllerEpoch } = now;
  const change = { ...of, from: before.isr, to, leaderEpoch, partitionEpoch, controllerEpoch, reason };
  if (lost(before.isr, to)) term.record({ kind: 'isr-shrunk', ...change });
  if (lost(to, before.isr)) term.record({ kind: 'isr-expanded', ...change });
}

function lost(before: readonly BrokerId[], now: readonly BrokerId[]): boolean {
  return before.some((replica) => !now.includes(replica));
}
