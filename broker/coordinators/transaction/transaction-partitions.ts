/**
 * Partitions of a transaction: adding some, and whether some belong to it, which leaders ask before they
 * take the first records of a transaction (KIP-890).
 * Source: Kafka's TransactionCoordinator.handleAddPartitionsToTransaction,
 * handleVerifyPartitionsInTransaction.
 */
import { ErrorCode } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { TopicPartition } from '../../types.ts';
import { isEnding, type Transaction, type TransactionPartitions, transit } from './transaction.ts';
import type { TransactionEntry } from './transaction-shard.ts';

/** Who says that a transaction is his. What a client sends may be any int64; ours are plain numbers. */
export interface Claim {
  readonly producerId: Int64;
  readonly producerEpoch: number;
}

/** What to write; nothing with NONE: it is so already. */
export type Decision =
  | { readonly error: ErrorCode; readonly next: null }
  | { readonly error: typeof ErrorCode.NONE; readonly next: Transaction };

export function addPartitions(
  entry: TransactionEntry,
  claim: Claim,
  partitions: readonly TopicPartition[],
  nowMs: number,
): Decision {
  const { transaction, pending } = entry;
  const fenced = checkClaim(transaction, claim);
  if (fenced !== ErrorCode.NONE) return { error: fenced, next: null };
  if (pending !== null || isEnding(transaction)) {
    return { error: ErrorCode.CONCURRENT_TRANSACTIONS, next: null };
  }
  const isOngoing = transaction.state === 'Ongoing';
  if (isOngoing && partitions.every((one) => contains(transaction.partitions, one))) {
    return { error: ErrorCode.NONE, next: null };
  }
  const next = transit(transaction, {
    state: 'Ongoing',
    partitions: withPartitions(transaction.partitions, partitions),
    startedMs: isOngoing ? transaction.startedMs : nowMs,
    updatedMs: nowMs,
  });
  return { error: ErrorCode.NONE, next };
}

/** The error of each partition, in order; one for all of them where the claim does not hold. */
export function verifyPartitions(
  { transaction }: TransactionEntry,
  claim: Claim,
  partitions: readonly TopicPartition[],
): readonly ErrorCode[] {
  const fenced = checkClaim(transaction, claim);
  if (fenced !== ErrorCode.NONE) return partitions.map(() => fenced);
  if (isEnding(transaction)) return partitions.map(() => ErrorCode.CONCURRENT_TRANSACTIONS);
  return partitions.map((one) =>
    contains(transaction.partitions, one) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE,
  );
}

/** Somebody of an older epoch has been replaced; a newer one than ours is nobody's. */
export function checkClaim(transaction: Transaction, claim: Claim): ErrorCode {
  if (transaction.producerId !== claim.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  return transaction.producerEpoch === claim.producerEpoch ? ErrorCode.NONE : ErrorCode.PRODUCER_FENCED;
}

function contains(partitions: TransactionPartitions, { topic, partition }: TopicPartition): boolean {
  return partitions.get(topic)?.has(partition) === true;
}

function withPartitions(
  partitions: TransactionPartitions,
  added: readonly TopicPartition[],
): TransactionPartitions {
  const all = new Map(partitions);
  const grown = new Map<string, Set<number>>();
  for (const { topic, partition } of added) {
    let numbers = grown.get(topic);
    if (numbers === undefined) {
      numbers = new Set(partitions.get(topic));
      grown.set(topic, numbers);
      all.set(topic, numbers);
    }
    numbers.add(partition);
  }
  return all;
}
