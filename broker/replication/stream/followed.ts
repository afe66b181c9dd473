/** One partition that a follower stream follows, and how far its subscription has come. */
import type { Timer } from '../../platform/clock.ts';
import type { Partition } from '../partition.ts';

/** due: to be subscribed; failed: waits for a new leader epoch. */
export type Progress = 'due' | 'subscribed' | 'backing-off' | 'failed';

export interface Followed {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  progress: Progress;
  /** Of the current subscription. */
  id: number;
  /** How often in a row the leader has said that it is none. */
  refusals: number;
  reportedStartOffset: number;
  timer: Timer | null;
}
