/**
 * The group coordinator of this broker: answers for the groups whose partition of `__consumer_offsets`
 * it leads. It takes a partition when it becomes its leader (after reading all of it) and gives it up
 * when it no longer is; a request for any other group is told to look for the coordinator again.
 * Source: Kafka's GroupCoordinator (classic protocol).
 */

import { ErrorCode } from '../../errors.ts';
import { type Clock, every, type Timer } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { type Random, randomHexUuid } from '../../platform/random.ts';
import { type PartitionKey, parsePartitionKey } from '../../types.ts';
import type { StateLog } from '../state-log.ts';
import { type JoinAnswer, joinError, type SyncAnswer, syncError } from './effects.ts';
import { canRebalance, type Group, type GroupState } from './group.ts';
import { type DriverSettings, GroupDriver } from './group-driver.ts';
import { loadGroups } from './group-loader.ts';
import { type JoinRequest, join } from './join.ts';
import { heartbeat, leave, renewSession, validateMember } from './membership.ts';
import { OffsetStore, type OffsetToCommit } from './offset-store.ts';
import type { CommittedOffset } from './offsets.ts';
import { createEntry, entryOf, type GroupEntry, Ownership } from './owned-partition.ts';
import { subscribedTopics } from './subscription.ts';
import { type SyncRequest, sync } from './sync.ts';

export interface GroupSettings extends DriverSettings {
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** offset.metadata.max.bytes: for all its name Kafka counts the characters, in UTF-16. */
  readonly metadataMaxLength: number;
  readonly retentionMs: number;
  readonly retentionCheckIntervalMs: number;
  readonly loadBufferSizeBytes: number;
}

export type GroupJoin = Omit<JoinRequest, 'newMemberId'> & { readonly groupId: string };
export type GroupSync = SyncRequest & { readonly groupId: string };

export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: GroupState;
}

export class GroupCoordinator {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly log: StateLog;
  private readonly diagnostics: Diagnostics;
  private readonly settings: GroupSettings;
  private readonly ownership: Ownership;
  private readonly driver: GroupDriver;
  private readonly offsets: OffsetStore;
  private expiry: Timer | null = null;

  constructor(options: {
    clock: Clock;
    random: Random;
    log: StateLog;
    diagnostics: Diagnostics;
    metrics: Metrics;
    settings: GroupSettings;
    /** Partitions of `__consumer_offsets`: which one a group falls into must not change while we run. */
    partitionCount: number;
  }) {
    this.clock = options.clock;
    this.random = options.random;
    this.log = options.log;
    this.diagnostics = options.diagnostics;
    this.settings = options.settings;
    this.ownership = new Ownership(options.partitionCount);
    this.driver = new GroupDriver(options);
    this.offsets = new OffsetStore(options);
    options.metrics.gauge(
      'kafka_coordinator_group_groupmetadatamanager_numgroups',
      'Groups this broker coordinates',
      () => [...this.ownership.all()].reduce((sum, owner) => sum + owner.groups.size, 0),
    );
  }

  start(): void {
    const onError = (error: unknown): void => this.diagnostics.error('Expiring offsets failed', error);
    this.expiry = every(
      this.clock,
      this.settings.retentionCheckIntervalMs,
      () => void this.expireOffsets().catch(onError),
      onError,
    );
  }

  shutdown(): void {
    this.expiry?.cancel();
    for (const owner of [...this.ownership.all()]) this.resign(owner.partition);
  }

  /** This broker leads a partition of `__consumer_offsets`: read it, then answer for its groups. */
  async elect(partition: number, leaderEpoch: number): Promise<void> {
    const owner = this.ownership.take(partition, leaderEpoch);
    if (owner === null) return;
    const startedMs = this.clock.nowMs();
    const { log, clock, diagnostics } = this;
    const options = { log, clock, diagnostics, bufferSizeBytes: this.settings.loadBufferSizeBytes };
    try {
      if (!(await loadGroups(owner, options))) return;
    } catch (error) {
      // As in Kafka the partition counts as loaded then, with nothing in it: its groups can go on,
      // from where their consumers begin without an offset.
      this.diagnostics.error(`Error loading offsets from __consumer_offsets-${partition}`, error);
    }
    if (owner.state !== 'loading') return;
    owner.state = 'active';
    for (const entry of owner.groups.values()) {
      for (const memberId of entry.group.members.keys())
        this.driver.carryOut(entry, renewSession(entry.group, memberId));
    }
    if (owner.groups.size > 0) {
      const tookMs = Math.round(this.clock.nowMs() - startedMs);
      this.diagnostics.info(
        `Loaded ${owner.groups.size} groups of __consumer_offsets-${partition} in ${tookMs} ms`,
      );
    }
  }

  /** This broker no longer leads the partition. After a deleted one, another may begin at epoch 0. */
  resign(partition: number, why: 'moved' | 'deleted' = 'moved'): void {
    const owner = this.ownership.drop(partition);
    if (why === 'deleted') this.ownership.forget(partition);
    if (owner !== null) this.driver.unload(owner);
  }

  /** The partition of `__consumer_offsets` that the group falls into; its leader coordinates the group. */
  partitionFor(groupId: string): number {
    return this.ownership.partitionFor(groupId);
  }

  joinGroup(request: GroupJoin): Promise<JoinAnswer> {
    const refuse = (error: number): Promise<JoinAnswer> =>
      Promise.resolve(joinError(error, request.memberId));
    if (request.groupId === '') return refuse(ErrorCode.INVALID_GROUP_ID);
    const { owner, error } = this.ownership.locate(request.groupId);
    if (owner === null) return refuse(error);
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.settings;
    if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) {
      return refuse(ErrorCode.INVALID_SESSION_TIMEOUT);
    }
    let entry = entryOf(owner, request.groupId);
    if (entry === undefined) {
      if (request.memberId !== '') return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
      entry = createEntry(owner, request.groupId, this.clock.wallMs());
    }
    const { group } = entry;
    const newMemberId = `${request.instanceId ?? request.clientId}-${randomHexUuid(this.random)}`;
    const protocols = request.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    }));
    const at = { settings: this.settings, nowMs: this.clock.wallMs() };
    return this.driver.awaitJoin(entry, (ticket) =>
      join(group, { ...request, protocols, newMemberId }, ticket, at),
    );
  }

  syncGroup(request: GroupSync): Promise<SyncAnswer> {
    const refuse = (error: number): Promise<SyncAnswer> => Promise.resolve(syncError(error));
    if (request.groupId === '') return refuse(ErrorCode.INVALID_GROUP_ID);
    const { owner, error } = this.ownership.locate(request.groupId);
    if (owner === null) {
      // A member of a group that is being loaded has to join again anyway.
      return refuse(
        error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.REBALANCE_IN_PROGRESS : error,
      );
    }
    const entry = entryOf(owner, request.groupId);
    if (entry === undefined) return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
    return this.driver.awaitSync(entry, (ticket) => sync(entry.group, request, ticket));
  }

  heartbeat(request: {
    groupId: string;
    memberId: string;
    instanceId: string | null;
    generationId: number;
  }): number {
    if (request.groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const { owner, error } = this.ownership.locate(request.groupId);
    if (owner === null) return error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : error;
    const entry = entryOf(owner, request.groupId);
    if (entry === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    const answer = heartbeat(entry.group, request);
    this.driver.carryOut(entry, answer.effects);
    return answer.error;
  }

  /** `error` for the request as a whole, else one error for each member. */
  leaveGroup(
    groupId: string,
    members: readonly { memberId: string; instanceId: string | null }[],
  ): { error: number; members: number[] } {
    if (groupId === '') return { error: ErrorCode.INVALID_GROUP_ID, members: [] };
    const { owner, error } = this.ownership.locate(groupId);
    if (owner === null) return { error, members: [] };
    const entry = entryOf(owner, groupId);
    if (entry === undefined) return { error: 0, members: members.map(() => ErrorCode.UNKNOWN_MEMBER_ID) };
    const errors = members.map((who) => {
      const answer = leave(entry.group, who, { settings: this.settings, nowMs: this.clock.wallMs() });
      this.driver.carryOut(entry, answer.effects);
      return answer.error;
    });
    return { error: ErrorCode.NONE, members: errors };
  }

  /** One error for each commit, in order. */
  async commitOffsets(request: {
    groupId: string;
    memberId: string;
    instanceId: string | null;
    generationId: number;
    commits: readonly OffsetToCommit[];
  }): Promise<number[]> {
    const all = (error: number): number[] => request.commits.map(() => error);
    const { owner, error } = this.ownership.locate(request.groupId);
    if (owner === null) return all(error);
    let entry = entryOf(owner, request.groupId);
    if (entry === undefined) {
      if (request.generationId >= 0) return all(ErrorCode.ILLEGAL_GENERATION);
      entry = createEntry(owner, request.groupId, this.clock.wallMs());
    }
    const refused = validateCommit(entry.group, request);
    if (refused !== ErrorCode.NONE) return all(refused);
    if (entry.group.members.has(request.memberId)) {
      this.driver.carryOut(entry, renewSession(entry.group, request.memberId));
    }
    return this.offsets.commit(entry, request.commits);
  }

  /** The committed offset of each key, or of all partitions when `keys` is null; an unknown group has none. */
  fetchOffsets(
    groupId: string,
    keys: readonly PartitionKey[] | null,
  ): { error: number; offsets: ReadonlyMap<PartitionKey, CommittedOffset> } {
    const { owner, error } = this.ownership.locate(groupId);
    if (owner === null) return { error, offsets: new Map() };
    const entry = entryOf(owner, groupId);
    const committed = entry?.offsets.committed ?? new Map<PartitionKey, CommittedOffset>();
    if (keys === null) return { error: ErrorCode.NONE, offsets: committed };
    const found = new Map<PartitionKey, CommittedOffset>();
    for (const key of keys) {
      const commit = committed.get(key);
      if (commit !== undefined) found.set(key, commit);
    }
    return { error: ErrorCode.NONE, offsets: found };
  }

  /** `error` is COORDINATOR_LOAD_IN_PROGRESS while any partition is loading; what is loaded is listed all the same. */
  listGroups(): { error: number; groups: GroupListing[] } {
    let error: number = ErrorCode.NONE;
    const groups: GroupListing[] = [];
    for (const owner of this.ownership.all()) {
      if (owner.state === 'loading') error = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      for (const { group } of owner.groups.values()) {
        groups.push({ groupId: group.groupId, protocolType: group.protocolType ?? '', state: group.state });
      }
    }
    return { error, groups };
  }

  /** null: there is no such group (Kafka shows it as Dead). */
  describeGroup(groupId: string): { error: number; group: Group | null } {
    const { owner, error } = this.ownership.locate(groupId);
    if (owner === null) return { error, group: null };
    return { error: ErrorCode.NONE, group: entryOf(owner, groupId)?.group ?? null };
  }

  async deleteGroup(groupId: string): Promise<number> {
    const { owner, error } = this.ownership.locate(groupId);
    if (owner === null) return error;
    const entry = entryOf(owner, groupId);
    if (entry === undefined || entry.group.state === 'Dead') return ErrorCode.GROUP_ID_NOT_FOUND;
    if (entry.group.state !== 'Empty') return ErrorCode.NON_EMPTY_GROUP;
    return this.offsets.removeGroup(entry);
  }

  /** OffsetDelete: `error` for the group, else one for each key. */
  async deleteOffsets(
    groupId: string,
    keys: readonly PartitionKey[],
  ): Promise<{ error: number; partitions: number[] }> {
    const { owner, error } = this.ownership.locate(groupId);
    if (owner === null) return { error, partitions: [] };
    const entry = entryOf(owner, groupId);
    if (entry === undefined || entry.group.state === 'Dead')
      return { error: ErrorCode.GROUP_ID_NOT_FOUND, partitions: [] };
    const { group } = entry;
    if (group.state !== 'Empty' && group.protocolType !== 'consumer') {
      return { error: ErrorCode.NON_EMPTY_GROUP, partitions: [] };
    }
    const subscribed = group.state === 'Empty' ? new Set<string>() : subscribedTopics(group);
    const blocked = (key: PartitionKey): boolean =>
      subscribed === null || subscribed.has(parsePartitionKey(key).topic);
    const removable = new Set(keys.filter((key) => !blocked(key) && entry.offsets.committed.has(key)));
    const outcome = await this.offsets.forget(entry, [...removable]);
    const partitions = keys.map((key) => (blocked(key) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : outcome));
    return { error: ErrorCode.NONE, partitions };
  }

  /** Partitions are gone: so are the offsets committed for them. Never rejects. */
  async forgetPartitions(keys: ReadonlySet<PartitionKey>): Promise<void> {
    const removals = this.activeEntries().map((entry) => {
      const affected = [...entry.offsets.committed.keys()].filter((key) => keys.has(key));
      return affected.length === 0 ? ErrorCode.NONE : this.offsets.forget(entry, affected);
    });
    for (const removal of await Promise.allSettled(removals)) {
      if (removal.status === 'rejected')
        this.diagnostics.error('Offsets of deleted partitions could not be removed', removal.reason);
    }
  }

  private async expireOffsets(): Promise<void> {
    for (const entry of this.activeEntries()) {
      if (entry.owner.state === 'active') await this.offsets.expire(entry);
    }
  }

  private activeEntries(): GroupEntry[] {
    return [...this.ownership.all()]
      .filter((owner) => owner.state === 'active')
      .flatMap((owner) => [...owner.groups.values()]);
  }
}

/** May this client commit for the group? Source: Kafka's GroupCoordinator.validateOffsetCommit. */
function validateCommit(
  group: Group,
  request: { memberId: string; instanceId: string | null; generationId: number },
): number {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  if (request.generationId < 0 && group.state === 'Empty') return ErrorCode.NONE;
  if (request.generationId < 0 && request.memberId === '' && request.instanceId === null) {
    return ErrorCode.UNKNOWN_MEMBER_ID;
  }
  const error = validateMember(group, request.memberId, request.instanceId);
  if (error !== ErrorCode.NONE) return error;
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  if (group.state === 'CompletingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS;
  return canRebalance(group) || group.state === 'PreparingRebalance'
    ? ErrorCode.NONE
    : ErrorCode.UNKNOWN_MEMBER_ID;
}
