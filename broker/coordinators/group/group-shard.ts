/**
 * The groups of one partition of `__consumer_offsets`. While the partition is loading, its records make
 * them: the later record wins, a tombstone removes. Afterwards a group is ahead of its record, since its
 * members' requests wait in it, and its transitions say themselves what a stored record changes; only
 * offsets go on being replayed.
 * Source: Kafka's GroupMetadataManager.
 */
import { NameMap, NameSet } from '../../bounded-name.ts';
import type { Int64 } from '../../int64.ts';
import type { Clock } from '../../platform/clock.ts';
import { partitionKey } from '../../types.ts';
import { NamedTimers } from '../runtime/named-timers.ts';
import type { OwnedPartition } from '../runtime/ownership.ts';
import type { Shard, TransactionEnd } from '../runtime/shard.ts';
import type { TimerName } from './effects.ts';
import { type Group, newGroup } from './group.ts';
import type { GroupRecord, GroupValue } from './group-records.ts';
import { groupFrom } from './group-value.ts';
import {
  endTransaction,
  type GroupOffsets,
  hasNoOffsets,
  newGroupOffsets,
  replayCommit,
  replayTransactionalCommit,
} from './offsets.ts';

export type GroupOwner = OwnedPartition<GroupShard>;

export interface GroupEntry {
  readonly group: Group;
  readonly offsets: GroupOffsets;
  readonly timers: NamedTimers<TimerName>;
}

export class GroupShard implements Shard<GroupRecord> {
  /** By group id; none of them is Dead. */
  readonly groups = new NameMap<GroupEntry>();
  /** By producer, the groups for which its open transaction has committed offsets. */
  readonly #openTransactions = new Map<Int64, NameSet>();
  readonly #clock: Clock;
  /** While loading: the groups whose latest record is no tombstone. Null afterwards. */
  #stored: NameSet | null = new NameSet();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  replay(record: GroupRecord, offset: number, producerId?: Int64): void {
    if (record.kind === 'offset') this.#replayOffset(record, offset, producerId);
    else if (this.#stored !== null) this.#loadGroup(record.groupId, record.value);
  }

  endTransaction(producerId: Int64, end: TransactionEnd): void {
    for (const groupId of this.#openTransactions.get(producerId) ?? []) {
      const offsets = this.groups.get(groupId)?.offsets;
      if (offsets !== undefined) endTransaction(offsets, producerId, end);
      if (offsets?.transactional.has(producerId) !== true) this.#closeTransaction(producerId, groupId);
    }
  }

  /** The log has been read to its end. Groups of which nothing is left were there only while it was read. */
  loaded(): void {
    const stored = this.#stored ?? new NameSet();
    this.#stored = null;
    for (const { group, offsets } of this.groups.values()) {
      if (!stored.has(group.groupId) && hasNoOffsets(offsets)) this.groups.delete(group.groupId);
    }
  }

  create(groupId: string, nowMs: number): GroupEntry {
    return this.#add(newGroup(groupId, nowMs), newGroupOffsets());
  }

  /** The group is no more: nobody who still holds it can do anything with it. */
  forget({ group, offsets, timers }: GroupEntry): void {
    group.state = 'Dead';
    this.groups.delete(group.groupId);
    for (const producerId of offsets.transactional.keys()) this.#closeTransaction(producerId, group.groupId);
    timers.disarmAll();
  }

  #replayOffset(
    record: Extract<GroupRecord, { kind: 'offset' }>,
    offset: number,
    producerId: Int64 | undefined,
  ): void {
    let entry = this.groups.get(record.groupId);
    if (entry === undefined) {
      if (this.#stored === null || record.commit === null) return;
      entry = this.#add(newGroup(record.groupId, -1), newGroupOffsets());
    }
    const key = partitionKey(record.topic, record.partition);
    if (producerId === undefined || record.commit === null) {
      replayCommit(entry.offsets, key, record.commit, offset);
      return;
    }
    replayTransactionalCommit(entry.offsets, producerId, key, { ...record.commit, recordOffset: offset });
    const groupIds = this.#openTransactions.get(producerId) ?? new NameSet();
    this.#openTransactions.set(producerId, groupIds.add(record.groupId));
  }

  #closeTransaction(producerId: Int64, groupId: string): void {
    const groupIds = this.#openTransactions.get(producerId);
    groupIds?.delete(groupId);
    if (groupIds?.size === 0) this.#openTransactions.delete(producerId);
  }

  #loadGroup(groupId: string, value: GroupValue | null): void {
    if (value === null) this.#stored?.delete(groupId);
    else this.#stored?.add(groupId);
    const offsets = this.groups.get(groupId)?.offsets ?? newGroupOffsets();
    this.#add(value === null ? newGroup(groupId, -1) : groupFrom(groupId, value), offsets);
  }

  #add(group: Group, offsets: GroupOffsets): GroupEntry {
    const entry: GroupEntry = { group, offsets, timers: new NamedTimers(this.#clock) };
    this.groups.set(group.groupId, entry);
    return entry;
  }
}
