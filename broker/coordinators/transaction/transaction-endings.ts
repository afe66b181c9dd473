/**
 * Carries a transaction from its decided end to its last record: the end is written, its partitions are
 * told, and that they have been told is written, however often that has to be tried. A coordinator that finds
 * a decided end in its log goes on from there.
 * Source: Kafka's TransactionCoordinator.endTransaction, TransactionMarkerChannelManager.
 */
import { ErrorCode, errorName } from '../../errors.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Journal } from '../../platform/journal.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { settle } from './completion-waits.ts';
import { completed, fenceAndAbort, isCommit } from './end-transaction.ts';
import type { MarkerSender } from './marker-sender.ts';
import type { Transaction } from './transaction.ts';
import { appendTransaction, type TransactionRuntime } from './transaction-log.ts';
import type { PlacedEntry } from './transaction-shard.ts';

const RETRY_BACKOFF_MS = 100;

interface EndingsParts {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly runtime: TransactionRuntime;
  readonly markers: Pick<MarkerSender, 'send'>;
}

export class TransactionEndings {
  readonly #parts: EndingsParts;
  /** Completions whose record could not be written yet. */
  #waiting = 0;

  constructor(parts: EndingsParts) {
    this.#parts = parts;
    parts.metrics.gauge(
      'kafka_coordinator_transaction_transactionmarkerchannelmanager_logappendretryqueuesize',
      'Completed transactions whose last record could not be written yet',
      () => this.#waiting,
    );
  }

  /** Writes the decided end. NONE as soon as it is certain: the partitions are told afterwards. */
  async end(placed: PlacedEntry, next: Transaction): Promise<ErrorCode> {
    const { entry } = placed;
    entry.pending = next.state;
    const error = await appendTransaction(this.#parts.runtime, placed, next);
    if (error === ErrorCode.NONE) this.tell(placed);
    else settle(entry);
    return error;
  }

  /** Fences whoever writes in the open transaction, and aborts it. */
  async abort(placed: PlacedEntry, why: 'timed-out' | 'replaced'): Promise<ErrorCode> {
    const { clock, journal } = this.#parts;
    const { entry } = placed;
    const { fenced, next } = fenceAndAbort(entry, clock.wallMs());
    entry.transaction = fenced;
    // Until it is written.
    entry.fenceFailed = true;
    const { transactionalId } = entry;
    const { producerId, producerEpoch } = fenced;
    journal.record({ kind: 'producer-fenced', transactionalId, producerId, producerEpoch, why });
    const error = await this.end(placed, next);
    if (error === ErrorCode.NONE) entry.fenceFailed = false;
    return error;
  }

  /** Tells the partitions of a transaction whose end is in the log, and then completes it. */
  tell(placed: PlacedEntry): void {
    const { owner, entry } = placed;
    const { transactionalId, transaction } = entry;
    const { producerId, producerEpoch, partitions } = transaction;
    const { clock, diagnostics, journal, markers } = this.#parts;
    const next = completed(transaction, clock.wallMs());
    entry.pending = next.state;
    markers.send({
      transactionalId,
      producerId,
      producerEpoch,
      committed: isCommit(transaction),
      partitions,
      coordinatorEpoch: () => owner.leaderEpoch,
      isOurs: () => owner.state === 'active',
      told: () => {
        this.#complete(placed, next).catch((error) =>
          diagnostics.error(`Completing the transaction of ${transactionalId} failed`, error),
        );
      },
      fenced: (error) => {
        // It stays as it is until this partition is led elsewhere, or loaded anew.
        journal.record({ kind: 'transaction-markers-fenced', transactionalId, producerId, error });
      },
    });
  }

  async #complete(placed: PlacedEntry, next: Transaction): Promise<void> {
    const { clock, diagnostics, runtime } = this.#parts;
    const { owner, entry } = placed;
    let error = await appendTransaction(runtime, placed, next);
    if (error !== ErrorCode.NONE && owner.state === 'active') {
      diagnostics.warn(
        `Completing the transaction of ${entry.transactionalId} failed with ${errorName(error)}; trying again`,
      );
      this.#waiting++;
      while (error !== ErrorCode.NONE && owner.state === 'active') {
        await sleep(clock, RETRY_BACKOFF_MS);
        error = await appendTransaction(runtime, placed, next);
      }
      this.#waiting--;
    }
    settle(entry);
  }
}
