/**
 * The group coordinator of this broker: answers for the groups whose partition of `__consumer_offsets`
 * it leads. It takes a partition when it becomes its leader (after reading all of it) and gives it up
 * when it no longer is; a request for any other group is told to look for the coordinator again.
 * Source: Kafka's GroupCoordinator (classic protocol).
 */

import { ErrorCode } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Journal } from '../../platform/journal.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { type Random, randomHexUuid } from '../../platform/random.ts';
import { atOnce, type Steps } from '../../platform/turns.ts';
import type { PartitionKey } from '../../types.ts';
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import type { StateLog } from '../runtime/state-log.ts';
import { type Committer, validateCommit } from './commit-rules.ts';
import { type JoinAnswer, type JoinRequest, joinError, type SyncAnswer, syncError } from './effects.ts';
import type { Group, GroupState } from './group.ts';
import { GroupCleanup } from './group-cleanup.ts';
import { GroupDriver } from './group-driver.ts';
import { type GroupRecord, groupRecordCodec } from './group-records.ts';
import { type GroupOwner, GroupShard } from './group-shard.ts';
import { type JoinSettings, join } from './join.ts';
import { leave, memberHeartbeat, renewSession } from './membership.ts';
import {
  type OffsetSettings,
  OffsetStore,
  type OffsetToCommit,
  type PreparedCommits,
} from './offset-store.ts';
import { type CommittedOffset, keysInLog, shownOffsets } from './offsets.ts';
import { deletableOffsets } from './subscription.ts';
import { type SyncRequest, sync } from './sync.ts';
import {
  type TransactionalCommit,
  TransactionalOffsets,
  type TransactionEnding,
  type VerifyTransaction,
} from './transactional-offsets.ts';

export interface GroupSettings extends JoinSettings, OffsetSettings {
  readonly commitTimeoutMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly retentionCheckIntervalMs: number;
  readonly loadBufferSizeBytes: number;
}

export type GroupJoin = Omit<JoinRequest, 'newMemberId'> & { readonly groupId: string };
type GroupSync = SyncRequest & { readonly groupId: string };

interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: GroupState;
}

/**
 * Finds the group by its partition, then leaves everything to transitions and the driver; it keeps no
 * state of groups.
 */
export class GroupCoordinator {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #settings: GroupSettings;
  /** Holds the groups, by partition. */
  readonly #runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
  readonly #driver: GroupDriver;
  readonly #offsets: OffsetStore;
  readonly #transactionalOffsets: TransactionalOffsets;
  readonly #cleanup: GroupCleanup;

  constructor(parts: {
    clock: Clock;
    random: Random;
    log: StateLog;
    diagnostics: Diagnostics;
    journal: Journal;
    metrics: Metrics;
    settings: GroupSettings;
    /** Asks whether the transaction that commits offsets here is under way. */
    verifyTransaction: VerifyTransaction;
    /** Partitions of `__consumer_offsets`: which one a group falls into must not change once the topic is known. */
    partitionCount: () => number;
  }) {
    const { clock, diagnostics, settings } = parts;
    this.#clock = clock;
    this.#random = parts.random;
    this.#journal = parts.journal;
    this.#settings = settings;
    this.#runtime = new CoordinatorRuntime(
      {
        ...parts,
        codec: groupRecordCodec,
        newShard: () => new GroupShard(clock),
        loaded: (owner, tookMs) => this.#loaded(owner, tookMs),
        failed: ({ partition, leaderEpoch }, reason) =>
          this.#journal.record({ kind: 'groups-failed', partition, leaderEpoch, reason }),
        unloaded: (owner, why) => this.#unloaded(owner, why),
      },
      { loadBufferSizeBytes: settings.loadBufferSizeBytes, writeTimeoutMs: settings.commitTimeoutMs },
    );
    this.#driver = new GroupDriver({
      clock,
      diagnostics,
      settings,
      journal: parts.journal,
      runtime: this.#runtime,
    });
    this.#offsets = new OffsetStore({ clock, settings, runtime: this.#runtime });
    this.#transactionalOffsets = new TransactionalOffsets({
      clock,
      runtime: this.#runtime,
      offsets: this.#offsets,
      verify: parts.verifyTransaction,
    });
    this.#cleanup = new GroupCleanup({
      clock,
      diagnostics,
      settings,
      runtime: this.#runtime,
      offsets: this.#offsets,
    });
    parts.metrics.gauge(
      'kafka_coordinator_group_groupmetadatamanager_numgroups',
      'Groups this broker coordinates',
      () => [...this.#runtime.active()].reduce((sum, { shard }) => sum + shard.groups.size, 0),
    );
    parts.metrics.gauge(
      'odradek_group_coordinator_failed_partitions',
      'Partitions of __consumer_offsets whose groups nobody coordinates, as they are damaged here',
      () => this.#runtime.failedCount,
    );
  }

  start(): void {
    this.#cleanup.start();
  }

  shutdown(): void {
    this.#cleanup.stop();
    this.#runtime.shutdown();
  }

  /** This broker leads a partition of `__consumer_offsets`: read it, then answer for its groups. */
  elect(partition: number, leaderEpoch: number): Promise<void> {
    return this.#runtime.elect(partition, leaderEpoch);
  }

  /** This broker no longer leads the partition. */
  resign(partition: number, why: 'moved' | 'deleted' = 'moved'): void {
    this.#runtime.resign(partition, why);
  }

  /** The partition of `__consumer_offsets` that the group falls into; its leader coordinates the group. */
  partitionFor(groupId: string): number {
    return this.#runtime.partitionFor(groupId);
  }

  /** The group keeps the protocols. */
  joinGroup(request: GroupJoin): Promise<JoinAnswer> {
    const refuse = (error: ErrorCode): Promise<JoinAnswer> =>
      Promise.resolve(joinError(error, request.memberId));
    if (request.groupId === '') return refuse(ErrorCode.INVALID_GROUP_ID);
    const { owner, error } = this.#runtime.locate(request.groupId);
    if (owner === null) return refuse(error);
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#settings;
    if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) {
      return refuse(ErrorCode.INVALID_SESSION_TIMEOUT);
    }
    let entry = owner.shard.groups.get(request.groupId);
    if (entry === undefined) {
      if (request.memberId !== '') return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
      entry = owner.shard.create(request.groupId, this.#clock.wallMs());
    }
    const { group } = entry;
    const newMemberId = `${request.instanceId ?? request.clientId}-${randomHexUuid(this.#random)}`;
    const context = { settings: this.#settings, nowMs: this.#clock.wallMs() };
    return this.#driver.awaitJoin({ owner, entry }, (ticket) =>
      join(group, { ...request, newMemberId }, ticket, context),
    );
  }

  syncGroup(request: GroupSync): Promise<SyncAnswer> {
    const refuse = (error: ErrorCode): Promise<SyncAnswer> => Promise.resolve(syncError(error));
    if (request.groupId === '') return refuse(ErrorCode.INVALID_GROUP_ID);
    const { owner, error } = this.#runtime.locate(request.groupId);
    if (owner === null) {
      // A member of a group that is being loaded has to join again anyway.
      return refuse(
        error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.REBALANCE_IN_PROGRESS : error,
      );
    }
    const entry = owner.shard.groups.get(request.groupId);
    if (entry === undefined) return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
    return this.#driver.awaitSync({ owner, entry }, (ticket) => sync(entry.group, request, ticket));
  }

  heartbeat(request: {
    groupId: string;
    memberId: string;
    instanceId: string | null;
    generationId: number;
  }): ErrorCode {
    if (request.groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const { owner, error } = this.#runtime.locate(request.groupId);
    if (owner === null) return error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : error;
    const entry = owner.shard.groups.get(request.groupId);
    if (entry === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    const answer = memberHeartbeat(entry.group, request);
    this.#driver.carryOut({ owner, entry }, answer.effects);
    return answer.error;
  }

  /** `error` for the request as a whole, else one error for each member. */
  leaveGroup(
    groupId: string,
    members: readonly { memberId: string; instanceId: string | null }[],
  ): { error: ErrorCode; members: ErrorCode[] } {
    if (groupId === '') return { error: ErrorCode.INVALID_GROUP_ID, members: [] };
    const { owner, error } = this.#runtime.locate(groupId);
    if (owner === null) return { error, members: [] };
    const entry = owner.shard.groups.get(groupId);
    if (entry === undefined) return { error: 0, members: members.map(() => ErrorCode.UNKNOWN_MEMBER_ID) };
    const errors = members.map((who) => {
      const answer = leave(entry.group, who, { settings: this.#settings, nowMs: this.#clock.wallMs() });
      this.#driver.carryOut({ owner, entry }, answer.effects);
      return answer.error;
    });
    return { error: ErrorCode.NONE, members: errors };
  }

  /** What can be done of very many commits before they are made, in steps; for a request of the same commits. */
  preparedCommits(groupId: string, commits: readonly OffsetToCommit[]): Steps<PreparedCommits> {
    return this.#offsets.prepare(groupId, commits);
  }

  /** One error for each commit, in order. */
  async commitOffsets(
    request: {
      groupId: string;
      commits: readonly OffsetToCommit[];
      prepared?: PreparedCommits;
    } & Committer,
  ): Promise<ErrorCode[]> {
    const all = (error: ErrorCode): ErrorCode[] => request.commits.map(() => error);
    const { owner, error } = this.#runtime.locate(request.groupId);
    if (owner === null) return all(error);
    let entry = owner.shard.groups.get(request.groupId);
    if (entry === undefined) {
      if (request.generationId >= 0) return all(ErrorCode.ILLEGAL_GENERATION);
      entry = owner.shard.create(request.groupId, this.#clock.wallMs());
    }
    const refused = validateCommit(entry.group, request);
    if (refused !== ErrorCode.NONE) return all(refused);
    if (entry.group.members.has(request.memberId)) {
      this.#driver.carryOut({ owner, entry }, renewSession(entry.group, request.memberId));
    }
    const prepared = request.prepared ?? atOnce(this.#offsets.prepare(request.groupId, request.commits));
    return this.#offsets.commit({ owner, entry }, prepared);
  }

  /** TxnOffsetCommit: one error for each commit, in order. They hold once the transaction is committed. */
  commitInTransaction(request: TransactionalCommit): Promise<ErrorCode[]> {
    return this.#transactionalOffsets.commit(request);
  }

  /**
   * A marker of the producer is about to be written to this partition of `__consumer_offsets`. What is given
   * back is called when it is replicated, and resolves when the groups have learned of it.
   */
  transactionEnding(partition: number, producerId: Int64): TransactionEnding {
    return this.#transactionalOffsets.ending(partition, producerId);
  }

  /**
   * The committed offset of each key, or of all partitions when `keys` is null; an unknown group has none. Of very
   * many keys it is that of others, too. All at one moment. Asked for what is stable, it is `unstable` where a commit is under way that may change it.
   */
  fetchOffsets(
    groupId: string,
    keys: readonly PartitionKey[] | null,
    requireStable = false,
  ): { error: ErrorCode; offsets: ReadonlyMap<PartitionKey, CommittedOffset | 'unstable'> } {
    const { owner, error } = this.#runtime.locate(groupId);
    if (owner === null) return { error, offsets: new Map() };
    const offsets = owner.shard.groups.get(groupId)?.offsets;
    return {
      error: ErrorCode.NONE,
      offsets: offsets === undefined ? new Map() : shownOffsets(offsets, keys, requireStable),
    };
  }

  /** With an error while any partition is loading, or has failed to; what is loaded is listed all the same. */
  listGroups(): { error: ErrorCode; groups: GroupListing[] } {
    const groups = [...this.#runtime.active()].flatMap(({ shard }) =>
      [...shard.groups.values()].map(({ group: { groupId, protocolType, state } }) => ({
        groupId,
        protocolType: protocolType ?? '',
        state,
      })),
    );
    return { error: this.#runtime.listError, groups };
  }

  /** null: there is no such group (Kafka shows it as Dead). */
  describeGroup(groupId: string): { error: ErrorCode; group: Group | null } {
    const { owner, error } = this.#runtime.locate(groupId);
    if (owner === null) return { error, group: null };
    return { error: ErrorCode.NONE, group: owner.shard.groups.get(groupId)?.group ?? null };
  }

  async deleteGroup(groupId: string): Promise<ErrorCode> {
    const { owner, error } = this.#runtime.locate(groupId);
    if (owner === null) return error;
    const entry = owner.shard.groups.get(groupId);
    if (entry === undefined || entry.group.state === 'Dead') return ErrorCode.GROUP_ID_NOT_FOUND;
    if (entry.group.state !== 'Empty') return ErrorCode.NON_EMPTY_GROUP;
    return this.#offsets.removeGroup(owner, entry);
  }

  /** OffsetDelete: `error` for the group, else one for each key. */
  async deleteOffsets(
    groupId: string,
    keys: readonly PartitionKey[],
  ): Promise<{ error: ErrorCode; partitions: ErrorCode[] }> {
    const { owner, error } = this.#runtime.locate(groupId);
    if (owner === null) return { error, partitions: [] };
    const entry = owner.shard.groups.get(groupId);
    if (entry === undefined || entry.group.state === 'Dead')
      return { error: ErrorCode.GROUP_ID_NOT_FOUND, partitions: [] };
    const isDeletable = deletableOffsets(entry.group);
    if (isDeletable === null) return { error: ErrorCode.NON_EMPTY_GROUP, partitions: [] };
    const inLog = keysInLog(entry.offsets);
    const removable = new Set(keys.filter((key) => isDeletable(key) && inLog.has(key)));
    const outcome = await this.#offsets.forget(owner, entry, [...removable]);
    const partitions = keys.map((key) => (isDeletable(key) ? outcome : ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC));
    return { error: ErrorCode.NONE, partitions };
  }

  /** Partitions are gone: so are the offsets committed for them. Never rejects. */
  forgetPartitions(keys: ReadonlySet<PartitionKey>): Promise<void> {
    return this.#cleanup.forgetPartitions(keys);
  }

  #loaded(owner: GroupOwner, tookMs: number): void {
    const { shard, partition, leaderEpoch } = owner;
    shard.loaded();
    for (const entry of shard.groups.values()) {
      for (const memberId of entry.group.members.keys()) {
        this.#driver.carryOut({ owner, entry }, renewSession(entry.group, memberId));
      }
    }
    const groups = shard.groups.size;
    this.#journal.record({ kind: 'groups-loaded', partition, leaderEpoch, groups, tookMs });
  }

  #unloaded(owner: GroupOwner, why: 'moved' | 'deleted'): void {
    this.#journal.record({ kind: 'groups-resigned', partition: owner.partition, why });
    this.#driver.unload(owner);
  }
}
