/**
 * What a leader knows of its followers, and what follows from it: who is caught up, how far the high
 * watermark may move, who leaves and who may join the in-sync replicas. Pure; times are monotonic.
 *
 * Kafka's followers ask, ours are sent to, so the terms of Kafka's Replica are read thus:
 * - The acknowledgement of log end offset f is what a fetch at offset f is in Kafka; so is the
 *   subscription, and so is the heartbeat of an idle stream, which repeats the last acknowledgement.
 * - Kafka compares a fetch at f with the leader's end at the previous fetch. A stream has many batches
 *   under way, and an acknowledgement may come a moment after another without having had the time to
 *   travel there and back. So the comparison is with a mark: the leader's end when the mark was set.
 *   The mark is set anew when it is reached, and only then. Reaching it proves that the follower had,
 *   at that moment, everything that existed when the mark was set; that is the moment it was last
 *   caught up, which is Kafka's meaning to the letter.
 * Source: Kafka's Replica.scala and Partition.scala (KIP-966's rule on min.insync.replicas included).
 */
import type { BrokerId } from '../types.ts';

/** The offset of a follower that has not been heard of in this epoch. */
export const UNKNOWN_OFFSET = -1;
/** A moment before every moment: "not within living memory". */
export const NEVER_MS = Number.NEGATIVE_INFINITY;

/**
 * `markOffset` is UNKNOWN_OFFSET or a log end the leader has had; `lastCaughtUpMs` never falls within
 * an epoch.
 */
export interface FollowerState {
  /**
   * The last acknowledged log end; UNKNOWN_OFFSET before the first. It falls when the follower has
   * truncated.
   */
  endOffset: number;
  /** Where the follower's log begins; UNKNOWN_OFFSET likewise. */
  startOffset: number;
  /** The leader's end when the mark was set, and when that was. */
  markOffset: number;
  markMs: number;
  lastCaughtUpMs: number;
}

/** A follower as a new leader knows it: only whether it is in sync. */
function unknownFollower(inSync: boolean, nowMs: number): FollowerState {
  return {
    endOffset: UNKNOWN_OFFSET,
    startOffset: UNKNOWN_OFFSET,
    markOffset: UNKNOWN_OFFSET,
    markMs: NEVER_MS,
    lastCaughtUpMs: inSync ? nowMs : NEVER_MS,
  };
}

/** The leader stays but its epoch changes: offsets are kept, the times start over. */
export function renewFollowers(
  followers: ReadonlyMap<BrokerId, FollowerState>,
  now: { readonly isr: readonly BrokerId[]; readonly leaderEndOffset: number; readonly nowMs: number },
): void {
  for (const [broker, follower] of followers) {
    const beganMs = now.isr.includes(broker) ? now.nowMs : NEVER_MS;
    follower.markOffset = now.leaderEndOffset;
    follower.markMs = beganMs;
    follower.lastCaughtUpMs = beganMs;
  }
}

/** Followers become those that are assigned; nothing is known of who is new. */
export function followAssignment(
  followers: Map<BrokerId, FollowerState>,
  assigned: readonly BrokerId[],
  now: { readonly isr: readonly BrokerId[]; readonly nowMs: number },
): void {
  for (const broker of [...followers.keys()]) {
    if (!assigned.includes(broker)) followers.delete(broker);
  }
  for (const broker of assigned) {
    if (!followers.has(broker)) followers.set(broker, unknownFollower(now.isr.includes(broker), now.nowMs));
  }
}

/** Takes an acknowledgement into account. */
export function acknowledge(
  follower: FollowerState,
  position: { readonly endOffset: number; readonly startOffset: number },
  leaderEndOffset: number,
  nowMs: number,
): void {
  if (position.endOffset >= leaderEndOffset) {
    follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, nowMs);
    follower.markOffset = leaderEndOffset;
    follower.markMs = nowMs;
  } else if (position.endOffset >= follower.markOffset) {
    follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, follower.markMs);
    follower.markOffset = leaderEndOffset;
    follower.markMs = nowMs;
  }
  follower.endOffset = position.endOffset;
  follower.startOffset = position.startOffset;
}

/** In sync by the lag rule: at the leader's end, or there not longer ago than the lag time. */
export function isCaughtUp(
  follower: FollowerState,
  leaderEndOffset: number,
  nowMs: number,
  lagTimeMaxMs: number,
): boolean {
  return follower.endOffset === leaderEndOffset || nowMs - follower.lastCaughtUpMs <= lagTimeMaxMs;
}

/** min.insync.replicas, as far as there are replicas at all. */
export function effectiveMinIsr(minInsyncReplicas: number, replicaCount: number): number {
  return Math.min(minInsyncReplicas, replicaCount);
}

export interface LeaderView {
  readonly leaderEndOffset: number;
  readonly highWatermark: number;
  readonly leaderEpochStartOffset: number;
  readonly followers: ReadonlyMap<BrokerId, FollowerState>;
  readonly committedIsr: readonly BrokerId[];
  readonly maximalIsr: readonly BrokerId[];
  readonly effectiveMinIsr: number;
  readonly nowMs: number;
  readonly lagTimeMaxMs: number;
  /** Whether the broker may be in sync at all: it is alive. */
  readonly isEligible: (broker: BrokerId) => boolean;
}

/**
 * The high watermark the leader may move to; the present one when it must stay. A replica that is
 * caught up but not yet in the ISR is waited for, or it could never join under constant load.
 */
export function nextHighWatermark(view: LeaderView): number {
  if (view.committedIsr.length < view.effectiveMinIsr) return view.highWatermark;
  let candidate = view.leaderEndOffset;
  for (const [broker, follower] of view.followers) {
    if (follower.endOffset >= candidate) continue;
    const counts =
      view.maximalIsr.includes(broker) ||
      (isCaughtUp(follower, view.leaderEndOffset, view.nowMs, view.lagTimeMaxMs) && view.isEligible(broker));
    if (counts) candidate = follower.endOffset;
  }
  return Math.max(candidate, view.highWatermark);
}

/** Members of the committed ISR, the leader apart, that have fallen behind for too long. */
export function outOfSync(view: LeaderView, leader: BrokerId): BrokerId[] {
  return view.committedIsr.filter((broker) => {
    if (broker === leader) return false;
    const follower = view.followers.get(broker);
    return (
      follower === undefined || !isCaughtUp(follower, view.leaderEndOffset, view.nowMs, view.lagTimeMaxMs)
    );
  });
}

/**
 * Whether a follower may join: it has all that is committed, and all that was there when this epoch
 * began, for only that makes it a safe leader of the next.
 */
export function mayJoin(view: LeaderView, broker: BrokerId): boolean {
  const follower = view.followers.get(broker);
  return (
    follower !== undefined &&
    !view.maximalIsr.includes(broker) &&
    view.isEligible(broker) &&
    follower.endOffset >= view.highWatermark &&
    follower.endOffset >= view.leaderEpochStartOffset
  );
}
