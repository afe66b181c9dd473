/**
 * InitProducerId for a transactional id: the producer gets an epoch that nobody before it has had. What an
 * older producer left open is aborted first. A producer that names the id and epoch it has (KIP-360) goes on
 * after an error, as long as nobody else has come meanwhile.
 * Source: Kafka's TransactionCoordinator.prepareInitProducerIdTransit, TransactionMetadata.
 */
import { ErrorCode } from '../../errors.ts';
import { NO_PRODUCER_EPOCH } from '../../records/batch.ts';
import {
  isEnding,
  isEpochExhausted,
  NO_PARTITIONS,
  nextEpoch,
  type Transaction,
  transit,
} from './transaction.ts';
import type { TransactionEntry } from './transaction-shard.ts';

export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

interface InitRequest {
  readonly timeoutMs: number;
  /** What the producer says it has; null for a new one. */
  readonly expected: ProducerIdAndEpoch | null;
  /** Known once it was needed: ids come from the controller. */
  readonly newProducerId: number | null;
}

export type InitDecision =
  | { readonly do: 'refuse'; readonly error: ErrorCode }
  | { readonly do: 'write'; readonly next: Transaction }
  /** Whoever writes in the open transaction is fenced and his transaction aborted; then the asker comes again. */
  | { readonly do: 'abort-first' }
  /** Decide again with a new producer id. */
  | { readonly do: 'need-producer-id' };

export function decideInit(entry: TransactionEntry, request: InitRequest, nowMs: number): InitDecision {
  const { transaction, pending } = entry;
  const { expected } = request;
  if (pending !== null) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (expected !== null && !mayBe(transaction, expected)) return refuse(ErrorCode.PRODUCER_FENCED);
  if (isEnding(transaction)) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (transaction.state === 'Ongoing') return { do: 'abort-first' };
  const { producerEpoch } = transaction;
  const isUsedUp =
    isEpochExhausted(producerEpoch) && (expected === null || expected.producerEpoch === producerEpoch);
  return isUsedUp ? rotate(transaction, request, nowMs) : raise(transaction, request, nowMs);
}

/** The producer has this id, or had it before the epochs were used up and did not hear of the new one. */
function mayBe(transaction: Transaction, { producerId, producerEpoch }: ProducerIdAndEpoch): boolean {
  return (
    transaction.producerEpoch === NO_PRODUCER_EPOCH ||
    producerId === transaction.producerId ||
    (producerId === transaction.lastProducerId && isEpochExhausted(producerEpoch))
  );
}

/** All epochs are used up: a new producer id, and epochs from 0. */
function rotate(transaction: Transaction, request: InitRequest, nowMs: number): InitDecision {
  const { newProducerId, expected } = request;
  if (newProducerId === null) return { do: 'need-producer-id' };
  return write(transaction, request, {
    producerId: newProducerId,
    producerEpoch: 0,
    lastProducerEpoch: expected === null ? NO_PRODUCER_EPOCH : transaction.producerEpoch,
    updatedMs: nowMs,
  });
}

function raise(transaction: Transaction, request: InitRequest, nowMs: number): InitDecision {
  const { producerEpoch, lastProducerEpoch } = transaction;
  const { expected } = request;
  if (expected === null) {
    const raised = { producerEpoch: nextEpoch(producerEpoch), lastProducerEpoch: NO_PRODUCER_EPOCH };
    return write(transaction, request, { ...raised, updatedMs: nowMs });
  }
  if (producerEpoch === NO_PRODUCER_EPOCH || expected.producerEpoch === producerEpoch) {
    const raised = { producerEpoch: nextEpoch(producerEpoch), lastProducerEpoch: producerEpoch };
    return write(transaction, request, { ...raised, updatedMs: nowMs });
  }
  // It has asked before and did not hear the answer. Had another producer come, the last epoch were -1.
  if (expected.producerEpoch === lastProducerEpoch) return write(transaction, request, { updatedMs: nowMs });
  return refuse(ErrorCode.PRODUCER_FENCED);
}

function write(
  transaction: Transaction,
  { timeoutMs }: InitRequest,
  changes: Partial<Transaction> & Pick<Transaction, 'updatedMs'>,
): InitDecision {
  const next = { state: 'Empty', timeoutMs, partitions: NO_PARTITIONS, startedMs: -1, ...changes } as const;
  return { do: 'write', next: transit(transaction, next) };
}

function refuse(error: ErrorCode): InitDecision {
  return { do: 'refuse', error };
}
