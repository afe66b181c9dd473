/**
 * The transactional ids of one partition of `__transaction_state`. The later record of an id wins, a
 * tombstone removes it; so it is while the partition is loaded, and so it goes on.
 * Source: Kafka's TransactionStateManager.
 */
import { NameMap } from '../../bounded-name.ts';
import type { OwnedPartition } from '../runtime/ownership.ts';
import type { Shard } from '../runtime/shard.ts';
import type { Transaction, TransactionState } from './transaction.ts';
import type { TransactionRecord } from './transaction-records.ts';

export type TransactionOwner = OwnedPartition<TransactionShard>;

export interface TransactionEntry {
  readonly transactionalId: string;
  transaction: Transaction;
  /**
   * The state that is being written, or for which partitions are being told. Nothing else is decided
   * meanwhile, so that there is never more than one write of an id under way. `Dead`: it is being removed.
   */
  pending: TransactionState | 'Dead' | null;
  /**
   * An epoch was raised to fence a producer, but the abort that was to come with it could not be written.
   * Nobody has been given that epoch: the next attempt uses it as well.
   */
  fenceFailed: boolean;
  /** Called once nothing is pending; of the request that waits for that. */
  settled: (() => void) | null;
}

/** An id and the partition that it is in. */
export interface PlacedEntry {
  readonly owner: TransactionOwner;
  readonly entry: TransactionEntry;
}

export class TransactionShard implements Shard<TransactionRecord> {
  readonly entries = new NameMap<TransactionEntry>();

  replay({ transactionalId, transaction }: TransactionRecord): void {
    if (transaction === null) {
      this.entries.delete(transactionalId);
      return;
    }
    const entry = this.entries.get(transactionalId);
    if (entry === undefined) this.create(transactionalId, transaction);
    else entry.transaction = transaction;
  }

  create(transactionalId: string, transaction: Transaction): TransactionEntry {
    const entry: TransactionEntry = {
      transactionalId,
      transaction,
      pending: null,
      fenceFailed: false,
      settled: null,
    };
    this.entries.set(transactionalId, entry);
    return entry;
  }

  /** An id whose first record could not be written. */
  forget({ transactionalId }: TransactionEntry): void {
    this.entries.delete(transactionalId);
  }
}
