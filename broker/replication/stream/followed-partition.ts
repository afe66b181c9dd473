/**
 * One partition that a follower stream follows: how far its subscription has come, and how long it waits
 * after its leader has refused it. A leader that has not heard of its office yet will within moments, and
 * acks=all waits for its followers: unlike Kafka's, which pauses for replica.fetch.backoff.ms, ours asks
 * again soon, and ever more slowly up to that pause.
 */
import { ErrorCode } from '../../errors.ts';
import type { Timer } from '../../platform/clock.ts';
import type { Partition } from '../partition.ts';

/**
 * due: to be subscribed; subscribed: under its `id`; backing-off: `timer` makes it due; failed: waits
 * for a new leader epoch.
 */
type Progress = 'due' | 'subscribed' | 'backing-off' | 'failed';

export interface Followed {
  readonly partition: Partition;
  /** As of when it was begun; a new epoch makes a new one of these. */
  readonly leaderEpoch: number;
  progress: Progress;
  /** Of the current or the last subscription; 0 before the first. */
  id: number;
  /** How often in a row the leader has said that it is none. */
  refusals: number;
  /** The log start offset the leader was told last; -1 before that. */
  reportedStartOffset: number;
  timer: Timer | null;
}

/** What a broker says of a partition that the controller has given it but not yet told it of. */
const LEADER_NOT_TOLD_YET: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
]);
const FIRST_PAUSE_MS = 10;

/** `refusals`: how many came in a row before this one. */
export function pauseAfterRefusal(error: ErrorCode, refusals: number, longestMs: number): number {
  return LEADER_NOT_TOLD_YET.has(error) ? Math.min(FIRST_PAUSE_MS * 2 ** refusals, longestMs) : longestMs;
}
