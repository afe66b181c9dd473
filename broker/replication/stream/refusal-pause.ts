/**
 * How long a follower waits after its leader has refused it. A leader that has not heard of its office
 * yet will within moments, and acks=all waits for its followers: unlike Kafka's, which pauses for
 * replica.fetch.backoff.ms, ours asks again soon, and ever more slowly up to that pause.
 */
import { ErrorCode } from '../../errors.ts';

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
