/** One partition that a follower stream follows, and how far its subscription has come. */
import type { PartitionLog } from '../../log/partition-log.ts';
import type { Timer } from '../../platform/clock.ts';
import type { Partition } from '../partition.ts';
import type { SubscribeItem } from './stream-messages.ts';

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

/** Asks for what comes after the end of its log. */
export function subscriptionOf({ id, partition, leaderEpoch }: Followed, log: PartitionLog): SubscribeItem {
  return {
    id,
    topic: partition.topic,
    partition: partition.partition,
    topicId: log.topicId,
    leaderEpoch,
    endOffset: log.endOffset,
    lastEpoch: log.epochs.latestEpoch(),
    startOffset: log.startOffset,
  };
}
