/**
 * The in-sync replicas of a partition as its leader sees them, committed or with one change on its way
 * to the controller. `maximal` is what acknowledgements and the high watermark must wait for: while a
 * replica is being added it counts already, while one is being removed it counts still, because the
 * controller may have decided either way. Pure. Source: KIP-497; Kafka's PartitionState classes.
 */
import { ErrorCode } from '../errors.ts';
import type { BrokerId } from '../types.ts';

/** As the controller wrote it. */
export interface CommittedIsr {
  readonly kind: 'committed';
  readonly isr: readonly BrokerId[];
}

/** Asked for, not answered: until then the added broker counts for the high watermark already. */
export interface PendingExpand {
  readonly kind: 'pending-expand';
  readonly lastCommitted: CommittedIsr;
  readonly added: BrokerId;
}

/** Asked for, not answered: until then the removed brokers still count for the high watermark. */
export interface PendingShrink {
  readonly kind: 'pending-shrink';
  readonly lastCommitted: CommittedIsr;
  readonly removed: readonly BrokerId[];
}

export type PendingIsr = PendingExpand | PendingShrink;
export type IsrState = CommittedIsr | PendingIsr;

/** A set with no change on its way. */
export function committed(isr: readonly BrokerId[]): CommittedIsr {
  return { kind: 'committed', isr };
}

/** What the controller has confirmed last. */
export function committedIsr(state: IsrState): readonly BrokerId[] {
  return state.kind === 'committed' ? state.isr : state.lastCommitted.isr;
}

/** Every replica that may be in sync by the controller's decision. */
export function maximalIsr(state: IsrState): readonly BrokerId[] {
  return state.kind === 'pending-expand' ? [...state.lastCommitted.isr, state.added] : committedIsr(state);
}

/** The set that was sent to the controller. */
export function proposedIsr(state: PendingIsr): readonly BrokerId[] {
  if (state.kind === 'pending-expand') return [...state.lastCommitted.isr, state.added];
  return state.lastCommitted.isr.filter((id) => !state.removed.includes(id));
}

/** Proposes to add a replica; null when a change is under way or it is in already. */
export function expand(state: IsrState, added: BrokerId): PendingExpand | null {
  if (state.kind !== 'committed' || state.isr.includes(added)) return null;
  return { kind: 'pending-expand', lastCommitted: state, added };
}

/** Proposes to remove replicas; null when a change is under way or there is nothing to remove. */
export function shrink(state: IsrState, removed: readonly BrokerId[]): PendingShrink | null {
  if (state.kind !== 'committed' || removed.length === 0) return null;
  return { kind: 'pending-shrink', lastCommitted: state, removed };
}

/**
 * What becomes of a proposal that was refused: it is taken back; or it stays pending, as a state that knows better
 * is on its way; or it is made again.
 */
export function afterRefusal(error: ErrorCode): 'take back' | 'stay pending' | 'propose again' {
  switch (error) {
    case ErrorCode.OPERATION_NOT_ATTEMPTED:
    case ErrorCode.INELIGIBLE_REPLICA:
      return 'take back';
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.UNKNOWN_TOPIC_ID:
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.INVALID_UPDATE_VERSION:
    case ErrorCode.INVALID_REQUEST:
    case ErrorCode.NEW_LEADER_ELECTED:
      return 'stay pending';
    default:
      return 'propose again';
  }
}
