/**
 * Committing, fetching and forgetting offsets. A commit is answered when its records are on all in-sync
 * replicas of the group's partition of `__consumer_offsets`.
 * Source: Kafka's GroupCoordinator.doCommitOffsets and GroupMetadataManager.
 */

import { ErrorCode } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { Clock } from '../../platform/clock.ts';
import { BATCH_HEADER_BYTES } from '../../records/batch.ts';
import { buildBatch, type RecordInput } from '../../records/build.ts';
import { type PartitionKey, parsePartitionKey, partitionKey } from '../../types.ts';
import { commitErrorFor, type StateLog } from '../state-log.ts';
import { encodeGroupKey, encodeOffsetKey, encodeOffsetValue } from './group-records.ts';
import { type CommittedOffset, commitFailed, commitSucceeded, expiredOffsets } from './offsets.ts';
import type { GroupEntry } from './owned-partition.ts';
import { subscribedTopics } from './subscription.ts';

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Int64;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: Int64;
  readonly expireTimestampMs: Int64 | null;
}

export class OffsetStore {
  private readonly clock: Clock;
  private readonly log: StateLog;
  private readonly settings: { commitTimeoutMs: number; metadataMaxLength: number; retentionMs: number };

  constructor(options: {
    clock: Clock;
    log: StateLog;
    settings: { commitTimeoutMs: number; metadataMaxLength: number; retentionMs: number };
  }) {
    this.clock = options.clock;
    this.log = options.log;
    this.settings = options.settings;
  }

  /** An error code for each commit, in order. */
  async commit(entry: GroupEntry, commits: readonly OffsetToCommit[]): Promise<number[]> {
    const accepted = new Map<number, CommittedOffset>();
    const errors = commits.map((commit, index): number => {
      if (commit.metadata.length > this.settings.metadataMaxLength) {
        return ErrorCode.OFFSET_METADATA_TOO_LARGE;
      }
      accepted.set(index, { ...commit, recordOffset: -1 });
      return ErrorCode.NONE;
    });
    if (accepted.size === 0) return errors;
    const records = [...accepted].map(([index, commit]) => ({
      timestampMs: this.clock.wallMs(),
      key: encodeOffsetKey(entry.group.groupId, commits[index]?.topic ?? '', commits[index]?.partition ?? 0),
      value: encodeOffsetValue(commit),
      headers: [],
    }));
    const keys = [...accepted.keys()].map((index) => keyOf(commits[index]));
    [...accepted.values()].forEach((commit, position) => {
      entry.offsets.pending.set(keys[position] ?? '', commit);
    });
    const outcome = await this.append(entry, buildBatch({ records }));
    const error = commitErrorFor(outcome.error);
    [...accepted].forEach(([index, commit], position) => {
      const key = keys[position] ?? '';
      if (error === ErrorCode.NONE)
        commitSucceeded(entry.offsets, key, commit, outcome.baseOffset + position);
      else commitFailed(entry.offsets, key, commit);
      errors[index] = error;
    });
    return errors;
  }

  /** Removes offsets by writing tombstones. */
  private async remove(entry: GroupEntry, keys: readonly PartitionKey[]): Promise<number> {
    const { committed } = entry.offsets;
    const before = keys.map((key) => committed.get(key));
    const error = await this.appendAll(
      entry,
      keys.map((key) => this.tombstone(entry, key)),
    );
    if (error !== ErrorCode.NONE) return error;
    keys.forEach((key, index) => {
      // What was committed meanwhile came after the tombstone.
      if (committed.get(key) === before[index]) committed.delete(key);
    });
    return ErrorCode.NONE;
  }

  /** Removes the group and all its offsets from the log and from memory. */
  async removeGroup(entry: GroupEntry): Promise<number> {
    const keys = [...entry.offsets.committed.keys()];
    const records = keys.map((key) => this.tombstone(entry, key));
    records.push({
      timestampMs: this.clock.wallMs(),
      key: encodeGroupKey(entry.group.groupId),
      value: null,
      headers: [],
    });
    forgetGroup(entry);
    return this.appendAll(entry, records);
  }

  /**
   * Removes committed offsets, each named once; an Empty group that is left with nothing goes as well.
   * Source: Kafka's GroupMetadataManager.cleanupGroupMetadata.
   */
  async forget(entry: GroupEntry, keys: readonly PartitionKey[]): Promise<number> {
    const { group, offsets } = entry;
    const nothingLeft =
      group.state === 'Empty' && offsets.pending.size === 0 && keys.length === offsets.committed.size;
    if (!nothingLeft || group.pendingMembers.size > 0) return this.remove(entry, keys);
    if (keys.length > 0 || group.generationId > 0) return this.removeGroup(entry);
    forgetGroup(entry); // nothing of it was ever written
    return ErrorCode.NONE;
  }

  /** Forgets what has outlived its retention. */
  async expire(entry: GroupEntry): Promise<number> {
    const { group, offsets } = entry;
    const expired = expiredOffsets(group, offsets, {
      nowMs: this.clock.wallMs(),
      retentionMs: this.settings.retentionMs,
      subscribedTopics: subscribedTopics(group),
    });
    await this.forget(entry, expired);
    return expired.length;
  }

  private tombstone(entry: GroupEntry, key: PartitionKey) {
    const { topic, partition } = parsePartitionKey(key);
    return {
      timestampMs: this.clock.wallMs(),
      key: encodeOffsetKey(entry.group.groupId, topic, partition),
      value: null as Buffer | null,
      headers: [],
    };
  }

  /**
   * In as many batches as it takes, all of them appended before anything else can be: a commit that
   * comes later is later in the log. The first error, if there is any.
   */
  private async appendAll(entry: GroupEntry, records: readonly RecordInput[]): Promise<number> {
    const batches = slicesThatFit(records, this.log.maxBatchBytes(entry.owner.partition));
    const outcomes = await Promise.all(
      [...batches].map((slice) => this.append(entry, buildBatch({ records: slice }))),
    );
    const failed = outcomes.find(({ error }) => error !== ErrorCode.NONE);
    return commitErrorFor(failed?.error ?? ErrorCode.NONE);
  }

  private append(entry: GroupEntry, batch: Buffer): Promise<{ error: number; baseOffset: number }> {
    return this.log.append(entry.owner.partition, batch, {
      leaderEpoch: entry.owner.leaderEpoch,
      timeoutMs: this.settings.commitTimeoutMs,
    });
  }
}

/** More than a record takes besides its key and its value. */
const RECORD_OVERHEAD_BYTES = 32;

/** Slices of which each makes a batch of at most `maxBytes`; a record that is too large has one of its own. */
function* slicesThatFit(records: readonly RecordInput[], maxBytes: number): Generator<RecordInput[]> {
  let slice: RecordInput[] = [];
  let sizeBytes = BATCH_HEADER_BYTES;
  for (const record of records) {
    const recordBytes = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (slice.length > 0 && sizeBytes + recordBytes > maxBytes) {
      yield slice;
      slice = [];
      sizeBytes = BATCH_HEADER_BYTES;
    }
    slice.push(record);
    sizeBytes += recordBytes;
  }
  if (slice.length > 0) yield slice;
}

function forgetGroup(entry: GroupEntry): void {
  entry.group.state = 'Dead';
  entry.owner.groups.delete(entry.group.groupId);
  for (const timer of entry.timers.values()) timer.cancel();
  entry.timers.clear();
}

function keyOf(commit: OffsetToCommit | undefined): PartitionKey {
  return commit === undefined ? '' : partitionKey(commit.topic, commit.partition);
}
