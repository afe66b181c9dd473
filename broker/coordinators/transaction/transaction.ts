/**
 * A transaction as its coordinator knows it: who may write in it, how far it is, and which partitions belong
 * to it. A value that never changes: each transition makes the next one, which is written and then takes its
 * place. Which state may follow which is here, and nowhere else.
 * Source: Kafka's TransactionMetadata, TransactionState.
 */
import assert from 'node:assert/strict';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../../records/batch.ts';

/** Each at the number that stands for it in a record. */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
] as const;

export type TransactionState = (typeof TRANSACTION_STATES)[number];

/** Partition numbers by topic. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>;

export interface Transaction {
  readonly producerId: number;
  /** The producer id before the last transition, -1 after a load: it is in no record of this version. */
  readonly lastProducerId: number;
  readonly producerEpoch: number;
  /** The epoch of which the current one is the successor, -1 when nobody may know. In no record either. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: TransactionPartitions;
  /** When the transaction began, by the wall clock; -1 before the first. */
  readonly startedMs: number;
  readonly updatedMs: number;
}

export const NO_PARTITIONS: TransactionPartitions = new Map();

const LARGEST_EPOCH = 0x7fff;

const PREVIOUS: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['Ongoing'],
  PrepareAbort: ['Ongoing'],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort'],
};

/** Of an id that nobody has used yet; its first epoch is given by the first transition. */
export function newTransaction(producerId: number, timeoutMs: number, nowMs: number): Transaction {
  return {
    producerId,
    lastProducerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs,
    state: 'Empty',
    partitions: NO_PARTITIONS,
    startedMs: -1,
    updatedMs: nowMs,
  };
}

/** The transaction after a transition, which must be one that there is. */
export function transit(
  from: Transaction,
  changes: Partial<Transaction> & Pick<Transaction, 'state' | 'updatedMs'>,
): Transaction {
  assert(PREVIOUS[changes.state].includes(from.state), `${from.state} is not followed by ${changes.state}`);
  return { ...from, lastProducerId: from.producerId, ...changes };
}

/** The last epoch is kept for fencing: a producer never gets it. */
export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= LARGEST_EPOCH - 1;
}

/** The epoch after the last one there is would be negative, and fence nobody. */
export function nextEpoch(producerEpoch: number): number {
  assert(producerEpoch < LARGEST_EPOCH, 'there is no larger epoch');
  return producerEpoch + 1;
}

/** Nothing is written in it, and nothing is to be told to anybody. */
export function isAtRest({ state }: Transaction): boolean {
  return state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort';
}

/** Its end is decided and in the log; its partitions are being told. */
export function isEnding({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}
