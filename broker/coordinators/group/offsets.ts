/**
 * Committed offsets of one group. A commit is pending until its record is replicated: only then does
 * OffsetFetch show it, and of two commits of one partition the one later in the log stays.
 * Source: Kafka's GroupMetadata (offsets, pendingOffsetCommits) and GroupMetadataManager.
 */
import { type Int64, int64Difference } from '../../int64.ts';
import { type PartitionKey, parsePartitionKey } from '../../types.ts';
import type { Group } from './group.ts';

export interface Commit {
  readonly offset: Int64;
  /** -1 when the client did not say. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: Int64;
  /** Only for commits of clients that name a retention themselves (OffsetCommit v2-4). */
  readonly expireTimestampMs: Int64 | null;
}

export interface CommittedOffset extends Commit {
  /** Where in the log of the group's partition the commit is. */
  readonly recordOffset: number;
}

/** A pending commit is not in `committed` before its record is replicated. */
export interface GroupOffsets {
  readonly committed: Map<PartitionKey, CommittedOffset>;
  /** The latest commit of each partition that is on its way into the log. */
  readonly pending: Map<PartitionKey, Commit>;
}

/** No offsets. */
export function newGroupOffsets(): GroupOffsets {
  return { committed: new Map(), pending: new Map() };
}

/** A commit's record, or with null the tombstone of one, is in the log and replicated. */
export function replayCommit(
  offsets: GroupOffsets,
  key: PartitionKey,
  commit: Commit | null,
  recordOffset: number,
): void {
  const existing = offsets.committed.get(key);
  if (existing !== undefined && existing.recordOffset > recordOffset) return;
  if (commit === null) offsets.committed.delete(key);
  else offsets.committed.set(key, { ...commit, recordOffset });
}

/** A commit is no longer under way, whatever came of it. */
export function commitSettled(offsets: GroupOffsets, key: PartitionKey, commit: Commit): void {
  if (offsets.pending.get(key) === commit) offsets.pending.delete(key);
}

/**
 * Partitions whose committed offset has outlived its use. A group without members keeps its offsets for
 * the retention after it became empty; a stable consumer group loses those of topics that it no longer
 * subscribes to; a group that never had members loses each so long after its commit.
 */
export function expiredOffsets(
  group: Group,
  offsets: GroupOffsets,
  retention: { nowMs: number; retentionMs: number; subscribedTopics: ReadonlySet<string> | null },
): PartitionKey[] {
  const { nowMs, retentionMs, subscribedTopics } = retention;
  const expired: PartitionKey[] = [];
  for (const [key, commit] of offsets.committed) {
    if (offsets.pending.has(key)) continue;
    const since = retentionStart(group, key, commit, subscribedTopics);
    if (since === null) continue;
    const outlived =
      commit.expireTimestampMs === null
        ? int64Difference(nowMs, since) >= retentionMs
        : nowMs >= commit.expireTimestampMs;
    if (outlived) expired.push(key);
  }
  return expired;
}

/** When the retention of this commit begins, or null while it must be kept. */
function retentionStart(
  group: Group,
  key: PartitionKey,
  commit: CommittedOffset,
  subscribedTopics: ReadonlySet<string> | null,
): Int64 | null {
  if (group.protocolType === null || group.protocolType === '') return commit.commitTimestampMs;
  if (group.state === 'Empty') return Math.max(group.stateSinceMs, 0) || commit.commitTimestampMs;
  if (group.state === 'Stable' && group.protocolType === 'consumer' && subscribedTopics !== null) {
    return subscribedTopics.has(parsePartitionKey(key).topic) ? null : commit.commitTimestampMs;
  }
  return null;
}
