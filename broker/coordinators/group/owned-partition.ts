/**
 * The partitions of `__consumer_offsets` that this broker leads, and the groups in them. A partition is
 * `loading` until all of its log has been read; requests for its groups are told to come again.
 */

import { ErrorCode } from '../../errors.ts';
import type { Timer } from '../../platform/clock.ts';
import { partitionForKey } from '../java-hash.ts';
import type { TimerName } from './effects.ts';
import type { Group } from './group.ts';
import { newGroup } from './group.ts';
import type { GroupOffsets } from './offsets.ts';
import { newGroupOffsets } from './offsets.ts';

export interface OwnedPartition {
  readonly partition: number;
  /** Rises while the leadership stays here, as when a follower dies. */
  leaderEpoch: number;
  state: 'loading' | 'active' | 'gone';
  readonly groups: Map<string, GroupEntry>;
}

export interface GroupEntry {
  readonly owner: OwnedPartition;
  readonly group: Group;
  readonly offsets: GroupOffsets;
  readonly timers: Map<TimerName, Timer>;
}

export class Ownership {
  private readonly owned = new Map<number, OwnedPartition>();
  /** Highest leader epoch seen of each partition, also after losing it: older news is ignored. */
  private readonly epochs = new Map<number, number>();
  private readonly partitionCount: number;

  constructor(partitionCount: number) {
    this.partitionCount = partitionCount;
  }

  /**
   * A new owned partition, still loading; null when there is nothing to load: the news is stale, or the
   * partition is owned already and only its leader epoch has risen.
   */
  take(partition: number, leaderEpoch: number): OwnedPartition | null {
    if (leaderEpoch < (this.epochs.get(partition) ?? -1)) return null;
    this.epochs.set(partition, leaderEpoch);
    const existing = this.owned.get(partition);
    if (existing !== undefined) {
      existing.leaderEpoch = leaderEpoch;
      return null;
    }
    const owner: OwnedPartition = { partition, leaderEpoch, state: 'loading', groups: new Map() };
    this.owned.set(partition, owner);
    return owner;
  }

  /** Gives a partition up; returns what was owned of it. */
  drop(partition: number): OwnedPartition | null {
    const owner = this.owned.get(partition) ?? null;
    if (owner !== null) owner.state = 'gone';
    this.owned.delete(partition);
    return owner;
  }

  /** The partition is gone from this broker, and its leader epochs with it. */
  forget(partition: number): void {
    this.epochs.delete(partition);
  }

  /** The partition of `__consumer_offsets` that the group falls into, whoever leads it. */
  partitionFor(groupId: string): number {
    return partitionForKey(groupId, this.partitionCount);
  }

  all(): Iterable<OwnedPartition> {
    return this.owned.values();
  }

  /** The partition that owns a group here, or the error to answer with. */
  locate(groupId: string): { owner: OwnedPartition; error: 0 } | { owner: null; error: number } {
    const owner = this.owned.get(this.partitionFor(groupId));
    if (owner === undefined) return { owner: null, error: ErrorCode.NOT_COORDINATOR };
    if (owner.state === 'loading') return { owner: null, error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS };
    return { owner, error: 0 };
  }
}

export function entryOf(owner: OwnedPartition, groupId: string): GroupEntry | undefined {
  return owner.groups.get(groupId);
}

export function createEntry(owner: OwnedPartition, groupId: string, nowMs: number): GroupEntry {
  return addEntry(owner, newGroup(groupId, nowMs), newGroupOffsets());
}

export function addEntry(owner: OwnedPartition, group: Group, offsets: GroupOffsets): GroupEntry {
  const entry: GroupEntry = { owner, group, offsets, timers: new Map() };
  owner.groups.set(group.groupId, entry);
  return entry;
}
