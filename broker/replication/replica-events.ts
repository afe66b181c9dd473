/** What happens to replicas of this broker, as events of the journal. Pure. */
import type { ErrorCode } from '../errors.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { EventOf } from '../platform/cluster-events.ts';
import type { BrokerId } from '../types.ts';
import type { FollowerState } from './leader-state.ts';

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
  view: {
    readonly leaderEndOffset: number;
    readonly highWatermark: number;
    readonly nowMs: number;
    readonly followers: ReadonlyMap<BrokerId, Pick<FollowerState, 'endOffset' | 'lastCaughtUpMs'>>;
  },
): EventOf<'isr-shrink-proposed'> {
  const { topic, partition: number, inSyncReplicas: from, leaderEpoch } = partition;
  const { leaderEndOffset, highWatermark, nowMs, followers } = view;
  const change = { topic, partition: number, from, to, leaderEpoch };
  const lagging = from
    .filter((broker) => !to.includes(broker))
    .map((broker) => {
      const { endOffset = -1, lastCaughtUpMs = Number.NEGATIVE_INFINITY } = followers.get(broker) ?? {};
      const behindMs = Number.isFinite(lastCaughtUpMs) ? Math.round(nowMs - lastCaughtUpMs) : -1;
      return { broker, endOffset, behindMs };
    });
  return { kind: 'isr-shrink-proposed', ...change, leaderEndOffset, highWatermark, lagging };
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
