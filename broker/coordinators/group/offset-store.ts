/**
 * Committing, forgetting and expiring offsets. A commit is answered when its records are on all in-sync
 * replicas of the group's partition of `__consumer_offsets`.
 * Source: Kafka's GroupCoordinator.doCommitOffsets and GroupMetadataManager.
 */

import { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Steps } from '../../platform/turns.ts';
import { type PartitionKey, parsePartitionKey, partitionKey } from '../../types.ts';
import type {
  CoordinatorRuntime,
  EncodedRecords,
  WritingTransaction,
} from '../runtime/coordinator-runtime.ts';
import { commitErrorFor } from './append-errors.ts';
import type { Placed } from './group-driver.ts';
import type { GroupRecord } from './group-records.ts';
import type { GroupEntry, GroupOwner, GroupShard } from './group-shard.ts';
import { type Commit, commitSettled, expiredOffsets, keysInLog } from './offsets.ts';
import { subscribedTopics } from './subscription.ts';

export interface OffsetToCommit extends Commit {
  readonly topic: string;
  readonly partition: number;
}

/** Commits of one group, and their records. */
export interface PreparedCommits {
  readonly commits: readonly OffsetToCommit[];
  /** Those that have records, with their keys. */
  readonly accepted: readonly { readonly key: PartitionKey; readonly commit: OffsetToCommit }[];
  readonly encoded: EncodedRecords<GroupRecord> | null;
}

export interface OffsetSettings {
  /** offset.metadata.max.bytes: for all its name Kafka counts the characters, in UTF-16. */
  readonly metadataMaxLength: number;
  readonly retentionMs: number;
}

export class OffsetStore {
  readonly #clock: Clock;
  readonly #runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
  readonly #settings: OffsetSettings;

  constructor(parts: {
    clock: Clock;
    runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
    settings: OffsetSettings;
  }) {
    this.#clock = parts.clock;
    this.#runtime = parts.runtime;
    this.#settings = parts.settings;
  }

  /** What can be done of a commit before anybody is asked whether it may be, in steps. */
  *prepare(groupId: string, commits: readonly OffsetToCommit[]): Steps<PreparedCommits> {
    const accepted: PreparedCommits['accepted'][number][] = [];
    const records: GroupRecord[] = [];
    for (const commit of commits) {
      if (this.#accepts(commit)) {
        const { topic, partition } = commit;
        accepted.push({ key: keyOf(commit), commit });
        records.push({ kind: 'offset', groupId, topic, partition, commit });
      }
      yield;
    }
    return { commits, accepted, encoded: yield* this.#runtime.encode(records) };
  }

  /**
   * An error code for each commit, in order. Within a transaction they hold once its marker says so. The records
   * are in the log before this returns, or never.
   */
  async commit(
    { owner, entry: { offsets } }: Placed,
    { commits, accepted, encoded }: PreparedCommits,
    transaction?: WritingTransaction,
  ): Promise<ErrorCode[]> {
    let error: ErrorCode = ErrorCode.NONE;
    if (accepted.length > 0) {
      for (const { key, commit } of accepted) offsets.pending.set(key, commit);
      error = commitErrorFor(await this.#runtime.writeEncoded(owner, encoded, transaction));
      for (const { key, commit } of accepted) commitSettled(offsets, key, commit);
    }
    return commits.map((commit) => (this.#accepts(commit) ? error : ErrorCode.OFFSET_METADATA_TOO_LARGE));
  }

  #accepts({ metadata }: OffsetToCommit): boolean {
    return metadata.length <= this.#settings.metadataMaxLength;
  }

  /** Removes the group and all its offsets from memory and from the log. */
  async removeGroup(owner: GroupOwner, entry: GroupEntry): Promise<ErrorCode> {
    const { groupId } = entry.group;
    const records = [...keysInLog(entry.offsets)].map((key) => tombstone(groupId, key));
    owner.shard.forget(entry);
    return this.#write(owner, [...records, { kind: 'group', groupId, value: null }]);
  }

  /**
   * Removes offsets that are in the log, each named once; an Empty group that is left with nothing goes as well.
   * Source: Kafka's GroupMetadataManager.cleanupGroupMetadata.
   */
  async forget(owner: GroupOwner, entry: GroupEntry, keys: readonly PartitionKey[]): Promise<ErrorCode> {
    const { group, offsets } = entry;
    const nothingLeft =
      group.state === 'Empty' && offsets.pending.size === 0 && keys.length === keysInLog(offsets).size;
    if (!nothingLeft || group.pendingMembers.size > 0) {
      return this.#write(
        owner,
        keys.map((key) => tombstone(group.groupId, key)),
      );
    }
    if (keys.length > 0 || group.generationId > 0) return this.removeGroup(owner, entry);
    owner.shard.forget(entry); // nothing of it was ever written
    return ErrorCode.NONE;
  }

  /** Forgets what has outlived its retention. */
  async expire(owner: GroupOwner, entry: GroupEntry): Promise<void> {
    const { group, offsets } = entry;
    const expired = expiredOffsets(group, offsets, {
      nowMs: this.#clock.wallMs(),
      retentionMs: this.#settings.retentionMs,
      subscribedTopics: subscribedTopics(group),
    });
    await this.forget(owner, entry, expired);
  }

  async #write(owner: GroupOwner, records: readonly GroupRecord[]): Promise<ErrorCode> {
    return commitErrorFor(await this.#runtime.writeInSlices(owner, records));
  }
}

function tombstone(groupId: string, key: PartitionKey): GroupRecord {
  const { topic, partition } = parsePartitionKey(key);
  return { kind: 'offset', groupId, topic, partition, commit: null };
}

function keyOf(commit: OffsetToCommit): PartitionKey {
  return partitionKey(commit.topic, commit.partition);
}
