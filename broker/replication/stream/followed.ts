/** One partition that a follower stream follows, and how far its subscription has come. */
import type { Timer } from '../../platform/clock.ts';
import type { Partition } from '../partition.ts';

/**
 * due: to be subscribed; subscribed: under its `id`; backing-off: `timer` makes it due; failed: waits
 * for a new leader epoch.
 */
export type Progress = 'due' | 'subscribed' | 'backing-off' | 'failed';

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
