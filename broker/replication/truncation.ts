/**
 * Where a follower's log left the leader's, and how far it must go back. Pure: the leader's answer and
 * the follower's cut are both functions of the two epoch histories.
 * Source: KIP-101, KIP-279, KIP-595; Kafka's AbstractFetcherThread.getOffsetTruncationState.
 */
import type { EpochEnd } from '../log/files/epoch-history.ts';

/** Where the greatest epoch not above this one ends. */
type EndOffsetFor = (epoch: number) => EpochEnd;

interface LeaderLogView {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly endOffsetFor: EndOffsetFor;
}

/** What the leader makes of a position of which the last epoch is told along. */
type PositionVerdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'out-of-range' }
  | { readonly kind: 'diverging'; readonly leaderEnd: EpochEnd };

/** Compares a follower's (or consumer's) position with the leader's log. `lastEpoch` -1: not told. */
export function judgePosition(
  log: LeaderLogView,
  position: { readonly offset: number; readonly lastEpoch: number },
): PositionVerdict {
  if (position.lastEpoch >= 0) {
    const leaderEnd = log.endOffsetFor(position.lastEpoch);
    if (leaderEnd.epoch < 0 || leaderEnd.endOffset < 0) return { kind: 'out-of-range' };
    if (position.offset < log.startOffset) return { kind: 'out-of-range' };
    if (leaderEnd.epoch < position.lastEpoch || leaderEnd.endOffset < position.offset) {
      return { kind: 'diverging', leaderEnd };
    }
  }
  if (position.offset < log.startOffset || position.offset > log.endOffset) return { kind: 'out-of-range' };
  return { kind: 'accepted' };
}

/**
 * Where the follower's log is to end when the leader says that its last epoch ended at `leaderEnd`. Where it has
 * no such epoch the histories may still differ below: it asks again with its new last epoch, as it always does.
 */
export function cutFor(
  leaderEnd: EpochEnd,
  local: { readonly endOffset: number; readonly fetchOffset: number; readonly endOffsetFor: EndOffsetFor },
): number {
  if (leaderEnd.endOffset < 0) {
    return Math.min(local.fetchOffset, local.endOffset);
  }
  if (leaderEnd.epoch < 0) {
    return Math.min(leaderEnd.endOffset, local.endOffset);
  }
  const own = local.endOffsetFor(leaderEnd.epoch);
  if (own.endOffset < 0) {
    return Math.min(leaderEnd.endOffset, local.endOffset);
  }
  if (own.epoch !== leaderEnd.epoch) {
    return Math.min(own.endOffset, local.endOffset);
  }
  return Math.min(own.endOffset, leaderEnd.endOffset, local.endOffset);
}

/** What a follower does whose position is outside the leader's log. */
type RangeRepair =
  | { readonly kind: 'truncate'; readonly offset: number }
  | { readonly kind: 'start-over'; readonly offset: number }
  | { readonly kind: 'ask-again' };

/**
 * The leader's log ends before ours: the election was unclean, follow it back. It begins after our
 * end: what lies between is gone, start over there.
 */
export function repairFor(
  leader: { readonly startOffset: number; readonly endOffset: number },
  localEndOffset: number,
): RangeRepair {
  if (leader.endOffset < localEndOffset) return { kind: 'truncate', offset: leader.endOffset };
  if (leader.startOffset > localEndOffset) return { kind: 'start-over', offset: leader.startOffset };
  return { kind: 'ask-again' };
}
