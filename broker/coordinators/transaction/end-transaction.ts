/**
 * The end of a transaction: its producer asks for it, or the coordinator aborts it, after its timeout or
 * because another producer has come. First the end is written (Prepare…), from when on it is certain; then
 * its partitions are told; then that they have been told is written (Complete…).
 * Source: Kafka's TransactionCoordinator.endTransaction, TransactionMetadata.
 */
import { ErrorCode } from '../../errors.ts';
import { NO_PRODUCER_EPOCH } from '../../records/batch.ts';
import { NO_PARTITIONS, nextEpoch, type Transaction, type TransactionState, transit } from './transaction.ts';
import { type Claim, checkClaim, type Decision } from './transaction-partitions.ts';
import type { TransactionEntry } from './transaction-shard.ts';

/** The producer wants to commit or to abort. */
export function decideEnd(
  { transaction, pending }: TransactionEntry,
  claim: Claim,
  committed: boolean,
  nowMs: number,
): Decision {
  const fenced = checkClaim(transaction, claim);
  if (fenced !== ErrorCode.NONE) return { error: fenced, next: null };
  if (pending !== null) return { error: ErrorCode.CONCURRENT_TRANSACTIONS, next: null };
  const [prepare, complete] = statesOf(committed);
  switch (transaction.state) {
    case 'Ongoing':
      return { error: ErrorCode.NONE, next: transit(transaction, { state: prepare, updatedMs: nowMs }) };
    case complete:
      // It did not hear the answer.
      return { error: ErrorCode.NONE, next: null };
    case prepare:
      return { error: ErrorCode.CONCURRENT_TRANSACTIONS, next: null };
    default:
      return { error: ErrorCode.INVALID_TXN_STATE, next: null };
  }
}

/**
 * The open transaction under an epoch that nobody has, and the abort of it. The first holds at once, whether
 * the second can be written or not: from now on its producer is a zombie.
 */
export function fenceAndAbort(
  { transaction, fenceFailed }: TransactionEntry,
  nowMs: number,
): { readonly fenced: Transaction; readonly next: Transaction } {
  const { producerEpoch } = transaction;
  const fenced = {
    ...transaction,
    producerEpoch: fenceFailed ? producerEpoch : nextEpoch(producerEpoch),
    lastProducerEpoch: NO_PRODUCER_EPOCH,
  };
  return { fenced, next: transit(fenced, { state: 'PrepareAbort', updatedMs: nowMs }) };
}

/** All partitions have been told. */
export function completed(transaction: Transaction, nowMs: number): Transaction {
  const [, complete] = statesOf(isCommit(transaction));
  return transit(transaction, { state: complete, partitions: NO_PARTITIONS, updatedMs: nowMs });
}

/** Whether the end that is being told is a commit. */
export function isCommit({ state }: Transaction): boolean {
  return state === 'PrepareCommit';
}

/** No record of it has come for longer than it may last. */
export function isTimedOut({ transaction, pending }: TransactionEntry, nowMs: number): boolean {
  const { state, startedMs, timeoutMs } = transaction;
  return pending === null && state === 'Ongoing' && startedMs + timeoutMs < nowMs;
}

function statesOf(committed: boolean): readonly [TransactionState, TransactionState] {
  return committed ? ['PrepareCommit', 'CompleteCommit'] : ['PrepareAbort', 'CompleteAbort'];
}
