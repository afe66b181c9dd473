/**
 * Which replica a consumer had better read from (KIP-392): with RackAwareReplicaSelector one of its own
 * rack, the leader if that is one, else the one that has most. Pure but for the metadata it is handed.
 * Source: Kafka's RackAwareReplicaSelector and ReplicaManager.findPreferredReadReplica.
 */
import type { BrokerId } from '../../types.ts';
import type { ReplicationMetadata } from '../collaborators.ts';
import type { Partition } from '../partition.ts';

interface Candidate {
  readonly broker: BrokerId;
  readonly endOffset: number;
  readonly lastCaughtUpMs: number;
}

/** Whether `replica.selector.class` is the one selector that Kafka ships besides reading from the leader. */
export function isRackAware(selectorClass: string | null): boolean {
  return selectorClass !== null && /(^|\.)RackAwareReplicaSelector$/.test(selectorClass);
}

/** The broker the consumer is sent to; null when it is right here, with the leader. */
export function preferredReadReplica(
  partition: Partition,
  consumer: { readonly rack: string | null; readonly fetchOffset: number },
  own: { readonly brokerId: BrokerId; readonly metadata: ReplicationMetadata },
): BrokerId | null {
  const { rack, fetchOffset } = consumer;
  if (rack === null || rack === '' || !partition.isLeader) return null;
  if (own.metadata.broker(own.brokerId)?.rack === rack) return null;
  let best: Candidate | null = null;
  for (const [broker, follower] of partition.followers) {
    const suits =
      partition.inSyncReplicas.includes(broker) &&
      follower.endOffset >= fetchOffset &&
      follower.startOffset <= fetchOffset &&
      own.metadata.isAlive(broker) &&
      own.metadata.broker(broker)?.rack === rack;
    if (!suits) continue;
    const { endOffset, lastCaughtUpMs } = follower;
    if (best === null || isBetter({ broker, endOffset, lastCaughtUpMs }, best)) {
      best = { broker, endOffset, lastCaughtUpMs };
    }
  }
  return best?.broker ?? null;
}

function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.endOffset !== other.endOffset) return one.endOffset > other.endOffset;
  if (one.lastCaughtUpMs !== other.lastCaughtUpMs) return one.lastCaughtUpMs > other.lastCaughtUpMs;
  return one.broker > other.broker;
}
