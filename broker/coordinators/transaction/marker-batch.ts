/**
 * Markers on their way to one broker, put together as one request: each transaction once, with those of its
 * partitions that the broker leads, and not more than fits into a message.
 * Source: Kafka's TxnMarkerQueue, TransactionMarkerChannelManager.generateRequests.
 */
import type { TransactionMarker } from '../../peers/messages.ts';
import { type PartitionKey, partitionKey } from '../../types.ts';
import type { MarkerTarget, Telling } from './marker-target.ts';

export interface MarkerBatch {
  readonly markers: readonly TransactionMarker[];
  /** In the order of the markers: the partitions that are told, by their names. */
  readonly targets: readonly ReadonlyMap<PartitionKey, MarkerTarget>[];
}

/** More than a marker for one partition takes besides the name of its topic. */
const TARGET_BYTES = 160;

/** Takes from the front of the queue what is less than a request may hold, however little it has in common. */
export function takeBatch(queue: MarkerTarget[], maxBytes: number): MarkerTarget[] {
  let sizeBytes = 0;
  let count = 0;
  for (const { topic } of queue) {
    sizeBytes += TARGET_BYTES + topic.length;
    if (count > 0 && sizeBytes > maxBytes) break;
    count++;
  }
  return queue.splice(0, count);
}

export function batchOf(targets: readonly MarkerTarget[]): MarkerBatch {
  const byTransaction = new Map<Telling, Map<PartitionKey, MarkerTarget>>();
  for (const target of targets) {
    const { telling, topic, partition } = target;
    const own = byTransaction.get(telling) ?? new Map<PartitionKey, MarkerTarget>();
    byTransaction.set(telling, own.set(partitionKey(topic, partition), target));
  }
  return {
    markers: [...byTransaction].map(([telling, own]) => markerOf(telling, own.values())),
    targets: [...byTransaction.values()],
  };
}

function markerOf({ end }: Telling, targets: Iterable<MarkerTarget>): TransactionMarker {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of targets) {
    const partitions = topics.get(topic) ?? [];
    topics.set(topic, partitions);
    partitions.push(partition);
  }
  const { producerId, producerEpoch, committed } = end;
  return {
    producerId,
    producerEpoch,
    committed,
    coordinatorEpoch: end.coordinatorEpoch(),
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  };
}
