/**
 * Committed offsets of one group. A commit is pending until its record is replicated: only then does
 * OffsetFetch show it, and of two commits of one partition the one later in the log stays. A commit within a
 * transaction waits further, until the marker of its producer says whether it holds.
 * Source: Kafka's GroupMetadata (offsets, pendingOffsetCommits, pendingTransactionalOffsetCommits) and
 * GroupMetadataManager.
 */
import { type Int64, int64Difference } from '../../int64.ts';
import { FEW } from '../../platform/turns.ts';
import { type PartitionKey, parsePartitionKey } from '../../types.ts';
import type { TransactionEnd } from '../runtime/shard.ts';
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
  /** In the log, within a transaction that is still open: the latest commit of each partition, by producer. */
  readonly transactional: Map<Int64, Map<PartitionKey, CommittedOffset>>;
}

/** No offsets. */
export function newGroupOffsets(): GroupOffsets {
  return { committed: new Map(), pending: new Map(), transactional: new Map() };
}

/** Nothing is committed, nor may be by what is under way. */
export function hasNoOffsets({ committed, pending, transactional }: GroupOffsets): boolean {
  return committed.size === 0 && pending.size === 0 && transactional.size === 0;
}

/** A commit of this partition is under way, whose outcome is open. */
function isUnstable({ pending, transactional }: GroupOffsets, key: PartitionKey): boolean {
  if (pending.has(key)) return true;
  for (const commits of transactional.values()) if (commits.has(key)) return true;
  return false;
}

/** Every partition with a commit that is in the log, open transactions included. */
export function keysInLog({ committed, transactional }: GroupOffsets): Set<PartitionKey> {
  const keys = new Set(committed.keys());
  for (const commits of transactional.values()) for (const key of commits.keys()) keys.add(key);
  return keys;
}

/** Every partition with a commit, also one that is on its way into the log. */
function keysWithCommits(offsets: GroupOffsets): Set<PartitionKey> {
  const keys = keysInLog(offsets);
  for (const key of offsets.pending.keys()) keys.add(key);
  return keys;
}

/**
 * What OffsetFetch shows of these partitions, or with null of all. If far more are asked for than there are, it is of
 * all that there are, and the caller picks. Asked for what is stable, it is `unstable` where a commit is under way
 * that may change it.
 */
export function shownOffsets(
  offsets: GroupOffsets,
  keys: readonly PartitionKey[] | null,
  requireStable: boolean,
): ReadonlyMap<PartitionKey, CommittedOffset | 'unstable'> {
  const shown = new Map<PartitionKey, CommittedOffset | 'unstable'>();
  // Far more may be asked for than there is: what there is is all that can be found.
  const isMore = keys !== null && keys.length > FEW + offsets.committed.size + offsets.pending.size;
  for (const key of isMore ? keysWithCommits(offsets) : (keys ?? offsets.committed.keys())) {
    const commit = requireStable && isUnstable(offsets, key) ? 'unstable' : offsets.committed.get(key);
    if (commit !== undefined) shown.set(key, commit);
  }
  return shown;
}

/**
 * A commit's record, or with null the tombstone of one, is in the log and replicated. A tombstone removes what
 * open transactions had committed before it as well: it would come back with their markers.
 */
export function replayCommit(
  offsets: GroupOffsets,
  key: PartitionKey,
  commit: Commit | null,
  recordOffset: number,
): void {
  if (commit === null) forgetTransactional(offsets, key, recordOffset);
  const existing = offsets.committed.get(key);
  if (existing !== undefined && existing.recordOffset > recordOffset) return;
  if (commit === null) offsets.committed.delete(key);
  else offsets.committed.set(key, { ...commit, recordOffset });
}

/** The same of a record within a transaction, which its marker will decide. */
export function replayTransactionalCommit(
  offsets: GroupOffsets,
  producerId: Int64,
  key: PartitionKey,
  commit: CommittedOffset,
): void {
  const commits = offsets.transactional.get(producerId) ?? new Map<PartitionKey, CommittedOffset>();
  const existing = commits.get(key);
  if (existing !== undefined && existing.recordOffset > commit.recordOffset) return;
  commits.set(key, commit);
  offsets.transactional.set(producerId, commits);
}

/** The marker of the producer is in the log; what it has written after it belongs to its next transaction. */
export function endTransaction(
  offsets: GroupOffsets,
  producerId: Int64,
  { committed, markerOffset }: TransactionEnd,
): void {
  const commits = offsets.transactional.get(producerId) ?? new Map<PartitionKey, CommittedOffset>();
  for (const [key, commit] of commits) {
    if (commit.recordOffset > markerOffset) continue;
    commits.delete(key);
    if (committed) replayCommit(offsets, key, commit, commit.recordOffset);
  }
  if (commits.size === 0) offsets.transactional.delete(producerId);
}

function forgetTransactional(offsets: GroupOffsets, key: PartitionKey, beforeOffset: number): void {
  for (const [producerId, commits] of offsets.transactional) {
    const commit = commits.get(key);
    if (commit === undefined || commit.recordOffset > beforeOffset) continue;
    commits.delete(key);
    if (commits.size === 0) offsets.transactional.delete(producerId);
  }
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
    if (isUnstable(offsets, key)) continue;
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
