/** What happens to a replica of this broker, as events of the journal. Pure. */
import type { ErrorCode } from '../errors.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { EventOf } from '../platform/cluster-events.ts';
import type { BrokerId } from '../types.ts';

interface Replica {
  readonly topic: string;
  readonly partition: number;
}

interface LeadingReplica extends Replica {
  readonly inSyncReplicas: readonly BrokerId[];
  readonly leaderEpoch: number;
}

/** Before the change: `partition` has the ISR as it was. */
export function isrShrinkProposed(
  partition: LeadingReplica,
  to: readonly BrokerId[],
  ends: { readonly leaderEndOffset: number; readonly highWatermark: number },
): EventOf<'isr-shrink-proposed'> {
  const { topic, partition: number, inSyncReplicas: from, leaderEpoch } = partition;
  const { leaderEndOffset, highWatermark } = ends;
  const change = { topic, partition: number, from, to, leaderEpoch };
  return { kind: 'isr-shrink-proposed', ...change, leaderEndOffset, highWatermark };
}

/** Before the change, as well. */
export function isrExpandProposed(
  partition: LeadingReplica,
  to: readonly BrokerId[],
): EventOf<'isr-expand-proposed'> {
  const { topic, partition: number, inSyncReplicas: from, leaderEpoch } = partition;
  return { kind: 'isr-expand-proposed', topic, partition: number, from, to, leaderEpoch };
}

export function isrChangeRefused(
  { topic, partition }: Replica,
  error: ErrorCode,
): EventOf<'isr-change-refused'> {
  return { kind: 'isr-change-refused', topic, partition, error };
}

/** `replicas`: who holds the partition now. */
export function replicaLeft(
  { topic, partition }: Replica,
  replicas: readonly BrokerId[],
): EventOf<'replica-left'> {
  return { kind: 'replica-left', topic, partition, replicas };
}

export function replicaOffline({ topic, partition }: Replica, directory: string): EventOf<'replica-offline'> {
  return { kind: 'replica-offline', topic, partition, directory };
}

/** Before it is done: `log` ends where it did. */
export function logTruncated(
  { topic, partition, endOffset: from, highWatermark }: PartitionLog,
  to: number,
  why: EventOf<'log-truncated'>['why'],
): EventOf<'log-truncated'> {
  return { kind: 'log-truncated', topic, partition, from, to, highWatermark, why };
}
