/**
 * What the coordinator does about offsets that nobody has asked it to forget: from time to time those that have
 * outlived their retention, and those of partitions that are deleted.
 * Source: Kafka's GroupMetadataManager.cleanupGroupMetadata, GroupCoordinator.handleDeletedPartitions.
 */
import { ErrorCode } from '../../errors.ts';
import { type Clock, every, type Timer } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { PartitionKey } from '../../types.ts';
import type { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import type { Placed } from './group-driver.ts';
import type { GroupRecord } from './group-records.ts';
import type { GroupShard } from './group-shard.ts';
import type { OffsetStore } from './offset-store.ts';
import { keysInLog } from './offsets.ts';

interface CleanupParts {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
  readonly offsets: OffsetStore;
  readonly settings: { readonly retentionCheckIntervalMs: number };
}

export class GroupCleanup {
  readonly #parts: CleanupParts;
  /** null before `start`. */
  #expiry: Timer | null = null;

  constructor(parts: CleanupParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, diagnostics, settings } = this.#parts;
    const onError = (error: unknown): void => diagnostics.error('Expiring offsets failed', error);
    this.#expiry = every(
      clock,
      settings.retentionCheckIntervalMs,
      () => void this.#expireOffsets().catch(onError),
      onError,
    );
  }

  stop(): void {
    this.#expiry?.cancel();
  }

  /** Partitions are gone: so are the offsets committed for them. Never rejects. */
  async forgetPartitions(keys: ReadonlySet<PartitionKey>): Promise<void> {
    const { offsets, diagnostics } = this.#parts;
    const removals = this.#activeEntries().map(({ owner, entry }) => {
      const affected = [...keysInLog(entry.offsets)].filter((key) => keys.has(key));
      return affected.length === 0 ? ErrorCode.NONE : offsets.forget(owner, entry, affected);
    });
    for (const removal of await Promise.allSettled(removals)) {
      if (removal.status === 'rejected')
        diagnostics.error('Offsets of deleted partitions could not be removed', removal.reason);
    }
  }

  async #expireOffsets(): Promise<void> {
    for (const { owner, entry } of this.#activeEntries()) {
      if (owner.state === 'active') await this.#parts.offsets.expire(owner, entry);
    }
  }

  #activeEntries(): Placed[] {
    return [...this.#parts.runtime.active()].flatMap((owner) =>
      [...owner.shard.groups.values()].map((entry) => ({ owner, entry })),
    );
  }
}
