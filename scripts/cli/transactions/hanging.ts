/**
 * Which open transactions hang: those that have lasted longer than any may, and of which no coordinator
 * knows, so that nobody will ever end them. Pure. Source: KIP-664.
 */
import type { Int64 } from '../../../broker/int64.ts';
import { partitionName, type TopicPartition } from '../partitions.ts';
import type { Producer } from './transaction-lookups.ts';

export interface OpenTransaction extends TopicPartition {
  readonly producer: Producer;
}

/** What the coordinator of a producer's transactional id knows of it. */
export interface KnownTransaction {
  readonly producerId: Int64;
  /** Names of the partitions in its transaction. */
  readonly partitions: ReadonlySet<string>;
}

/** Those whose last record is old enough for them to be looked into. */
export function suspects(
  open: readonly OpenTransaction[],
  nowMs: number,
  longestMs: number,
): OpenTransaction[] {
  return open.filter(
    ({ producer }) =>
      producer.currentTxnStartOffset >= 0 && nowMs - Number(producer.lastTimestamp) > longestMs,
  );
}

export function hanging(
  open: readonly OpenTransaction[],
  known: readonly KnownTransaction[],
): OpenTransaction[] {
  return open.filter(
    (each) =>
      !known.some(
        ({ producerId, partitions }) =>
          producerId === each.producer.producerId && partitions.has(partitionName(each)),
      ),
  );
}
