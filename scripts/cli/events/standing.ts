/** How a partition stands after all that its events tell. Pure. */
import { hasPartition, isAbout } from '../../../broker/platform/event-partitions.ts';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import { NO_LEADER, partitionKey, type TopicPartition } from '../../../broker/types.ts';

interface Standing {
  readonly leader: number | null;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
}

/** In a sentence; null when nothing that was read tells it. */
export function standingOf(events: readonly Recorded[], partition: TopicPartition): string | null {
  let standing: Standing | null = null;
  for (const { event } of events) {
    if (!isAbout(event, partition)) continue;
    const written = writtenIn(event, partition, standing);
    const isNewer = standing === null || (written?.partitionEpoch ?? -1) >= standing.partitionEpoch;
    if (event.kind === 'topic-deleted') standing = null;
    else if (written !== null && isNewer) standing = written;
  }
  if (standing === null) return null;
  const { leader, leaderEpoch, partitionEpoch, isr } = standing;
  const who =
    leader === null
      ? 'its leader is not told'
      : leader === NO_LEADER
        ? 'nobody leads it'
        : `broker ${leader} leads it`;
  return `${partitionKey(partition.topic, partition.partition)} now: ${who}, in leader epoch ${leaderEpoch}; in sync: ${isr.join(', ')}; its state is at version ${partitionEpoch}.`;
}

function writtenIn(
  event: Recorded['event'],
  partition: TopicPartition,
  before: Standing | null,
): Standing | null {
  switch (event.kind) {
    case 'leader-moved':
      return {
        leader: event.to,
        leaderEpoch: event.leaderEpoch,
        partitionEpoch: event.partitionEpoch,
        isr: event.isr,
      };
    case 'isr-shrunk':
    case 'isr-expanded': {
      const { leaderEpoch, partitionEpoch, to: isr } = event;
      return { leader: before?.leader ?? null, leaderEpoch, partitionEpoch, isr };
    }
    case 'partitions-moved': {
      const detail = event.details.find(({ topics }) => hasPartition(topics, partition));
      return detail === undefined ? null : { ...detail, leader: detail.to };
    }
    default:
      return null;
  }
}
