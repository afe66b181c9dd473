/**
 * What the coordinator does unasked, from time to time: it aborts transactions that last longer than their
 * producers wanted, and forgets ids that nobody has used for long.
 * Source: Kafka's TransactionCoordinator.abortTimedOutTransactions,
 * TransactionStateManager.removeExpiredTransactionalIds.
 */
import { ErrorCode, errorName } from '../../errors.ts';
import { type Clock, every, type Timer } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Journal } from '../../platform/journal.ts';
import { settle } from './completion-waits.ts';
import { isTimedOut } from './end-transaction.ts';
import { isAtRest } from './transaction.ts';
import type { TransactionEndings } from './transaction-endings.ts';
import type { TransactionRuntime } from './transaction-log.ts';
import type { TransactionEntry, TransactionOwner } from './transaction-shard.ts';

export interface CleanupSettings {
  readonly abortCheckIntervalMs: number;
  readonly expiryCheckIntervalMs: number;
  readonly idExpirationMs: number;
}

interface CleanupParts {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  readonly runtime: TransactionRuntime;
  readonly endings: Pick<TransactionEndings, 'abort'>;
  readonly settings: CleanupSettings;
}

export class TransactionCleanup {
  readonly #parts: CleanupParts;
  readonly #timers: Timer[] = [];

  constructor(parts: CleanupParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, diagnostics, settings } = this.#parts;
    const failed = (error: unknown): void => diagnostics.error('Cleaning up transactions failed', error);
    this.#timers.push(
      every(clock, settings.abortCheckIntervalMs, () => this.#abortTimedOut(), failed),
      every(clock, settings.expiryCheckIntervalMs, () => void this.#forgetExpired().catch(failed), failed),
    );
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }

  #abortTimedOut(): void {
    const { clock, runtime, endings, diagnostics } = this.#parts;
    const nowMs = clock.wallMs();
    for (const owner of runtime.active()) {
      for (const entry of owner.shard.entries.values()) {
        if (!isTimedOut(entry, nowMs)) continue;
        const { transactionalId } = entry;
        // A failure is made good next time.
        void endings.abort({ owner, entry }, 'timed-out').then((error) => {
          if (error === ErrorCode.NONE) return;
          diagnostics.warn(`The transaction of ${transactionalId} could not be aborted: ${errorName(error)}`);
        });
      }
    }
  }

  async #forgetExpired(): Promise<void> {
    for (const owner of [...this.#parts.runtime.active()]) await this.#forgetExpiredOf(owner);
  }

  async #forgetExpiredOf(owner: TransactionOwner): Promise<void> {
    const { clock, runtime, journal, settings, diagnostics } = this.#parts;
    const latestMs = clock.wallMs() - settings.idExpirationMs;
    const expired = [...owner.shard.entries.values()].filter((entry) => isExpired(entry, latestMs));
    if (expired.length === 0 || owner.state !== 'active') return;
    for (const entry of expired) entry.pending = 'Dead';
    const tombstones = expired.map(({ transactionalId }) => ({ transactionalId, transaction: null }));
    const error = await runtime.writeInSlices(owner, tombstones);
    // Those that are written are gone. The others are as before.
    for (const entry of expired) settle(entry);
    if (owner.state !== 'active') return;
    if (error !== ErrorCode.NONE) {
      diagnostics.warn(
        `Expired transactional ids of partition ${owner.partition} could not be removed: ${errorName(error)}`,
      );
    }
    const { entries } = owner.shard;
    const ids = expired.filter((entry) => entries.get(entry.transactionalId) !== entry).length;
    if (ids > 0) journal.record({ kind: 'transactional-ids-expired', partition: owner.partition, ids });
  }
}

function isExpired({ transaction, pending }: TransactionEntry, latestMs: number): boolean {
  return pending === null && isAtRest(transaction) && transaction.updatedMs <= latestMs;
}
