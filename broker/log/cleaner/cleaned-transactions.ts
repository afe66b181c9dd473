/**
 * Which batches compaction may discard because of transactions: the records of aborted ones, and the
 * markers of those that have no records left. It walks along with the batches, in the order of their
 * offsets. (Kafka's CleanedTransactionMetadata.)
 */
import type { Int64 } from '../../int64.ts';
import { batchIsControl, batchIsTransactional, batchProducerId } from '../../records/batch.ts';
import { readControl } from '../../records/control.ts';
import type { AbortedTransaction } from '../files/aborted-index.ts';
import { lastOffsetOf } from '../files/batch-fields.ts';

interface OngoingAbort {
  readonly transaction: AbortedTransaction;
  hasRecords: boolean;
}

export class CleanedTransactions {
  /** By their first offset: those that begin further on than the walk has come. */
  #waiting: AbortedTransaction[] = [];
  /** By producer, from the first offset of an aborted transaction to its marker. */
  readonly #aborting = new Map<Int64, OngoingAbort>();
  /** Producers with records since their last marker that were not aborted. */
  readonly #committing = new Set<Int64>();
  readonly #onRetainedAbort: (transaction: AbortedTransaction) => void;

  /** `onRetainedAbort` gets each aborted transaction that still had records, which readers must know. */
  constructor(onRetainedAbort: (transaction: AbortedTransaction) => void) {
    this.#onRetainedAbort = onRetainedAbort;
  }

  /** The aborted transactions of the stretch that is walked next. */
  add(aborted: readonly AbortedTransaction[]): void {
    this.#waiting = [...this.#waiting, ...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether the batch may go: for a marker, that no record of its transaction was met. */
  mayDiscard(buffer: Buffer, at: number): boolean {
    this.#beginUpTo(lastOffsetOf(buffer, at));
    return batchIsControl(buffer, at) ? this.#marker(buffer, at) : this.#data(buffer, at);
  }

  #data(buffer: Buffer, at: number): boolean {
    if (!batchIsTransactional(buffer, at)) return false;
    const producerId = batchProducerId(buffer, at);
    const aborting = this.#aborting.get(producerId);
    if (aborting === undefined) {
      this.#committing.add(producerId);
      return false;
    }
    aborting.hasRecords = true;
    return true;
  }

  #marker(buffer: Buffer, at: number): boolean {
    const control = readControl(buffer, at);
    if (control === null) return true;
    const producerId = batchProducerId(buffer, at);
    if (control.type === 'COMMIT') return !this.#committing.delete(producerId);
    if (control.type !== 'ABORT') return false;
    const aborting = this.#aborting.get(producerId);
    this.#aborting.delete(producerId);
    if (aborting === undefined || !aborting.hasRecords) return true;
    this.#onRetainedAbort(aborting.transaction);
    return false;
  }

  #beginUpTo(offset: number): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || next.firstOffset > offset) return;
      this.#waiting.shift();
      if (!this.#aborting.has(next.producerId)) {
        this.#aborting.set(next.producerId, { transaction: next, hasRecords: false });
      }
    }
  }
}
