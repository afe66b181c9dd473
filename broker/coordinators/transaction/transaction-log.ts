/**
 * Writes what was decided about a transactional id: while it is being written nothing else is decided, and
 * only when it is replicated does it hold.
 * Source: Kafka's TransactionStateManager.appendTransactionToLog.
 */
import { ErrorCode } from '../../errors.ts';
import { coordinatorErrorFor } from '../runtime/append-errors.ts';
import type { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import { settle } from './completion-waits.ts';
import type { Transaction } from './transaction.ts';
import type { TransactionRecord } from './transaction-records.ts';
import type { PlacedEntry, TransactionShard } from './transaction-shard.ts';

export type TransactionRuntime = CoordinatorRuntime<TransactionRecord, TransactionShard>;

/** The error to answer with, NONE when it is written. Never rejects. */
export async function writeTransaction(
  runtime: TransactionRuntime,
  placed: PlacedEntry,
  next: Transaction,
): Promise<ErrorCode> {
  const { entry } = placed;
  entry.pending = next.state;
  const error = await appendTransaction(runtime, placed, next);
  settle(entry);
  return error;
}

/** The same for whoever keeps the id pending himself. */
export async function appendTransaction(
  runtime: TransactionRuntime,
  { owner, entry }: PlacedEntry,
  next: Transaction,
): Promise<ErrorCode> {
  const record = { transactionalId: entry.transactionalId, transaction: next };
  const failure = await runtime.write(owner, [record]);
  // Whoever coordinates it now has read the record, or never will.
  if (owner.state !== 'active') return ErrorCode.NOT_COORDINATOR;
  return coordinatorErrorFor(failure, {
    timedOut: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    tooLarge: ErrorCode.UNKNOWN_SERVER_ERROR,
  });
}
