/** What is to be told to the partitions of a transaction, and how far that is. */
import type { ErrorCode } from '../../errors.ts';
import type { TransactionPartitions } from './transaction.ts';

/** How a transaction ended, and who wants to know when all of its partitions have been told. */
export interface EndToTell {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly committed: boolean;
  readonly partitions: TransactionPartitions;
  /** The leader epoch of our partition of `__transaction_state`; it may rise meanwhile. */
  coordinatorEpoch(): number;
  /** False once another broker coordinates the transaction: it tells the partitions then. */
  isOurs(): boolean;
  /** All have been told, or are gone. */
  told(): void;
  /** A partition has heard of a newer coordinator or of a newer epoch of the producer: nobody is told any more. */
  fenced(error: ErrorCode): void;
}

/** An end that is being told. */
export interface Telling {
  readonly end: EndToTell;
  /** Partitions that have not answered yet. */
  left: number;
  isFenced: boolean;
}

/** One partition that is to be told. */
export interface MarkerTarget {
  readonly telling: Telling;
  readonly topic: string;
  readonly partition: number;
}
