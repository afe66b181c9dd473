/**
 * What a log remembers of one producer: its epoch, its last five batches (to recognise a retry) and
 * where its open transaction began. The checks here keep each record of an idempotent producer in the
 * log once and in order. (KIP-98; Kafka's ProducerStateEntry and ProducerAppendInfo.)
 */
import type { Int64 } from '../../int64.ts';
import { incrementSequence, NO_PRODUCER_EPOCH, NO_SEQUENCE } from '../../records/batch.ts';

const RETAINED_BATCHES = 5;

/** What the last of an entry's batches span; the firsts follow from the delta. */
export interface RetainedBatch {
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  readonly timestampMs: Int64;
}

/** Sequences wrap from 2^31 - 1 to 0. */
function firstSequenceOf(batch: RetainedBatch): number {
  if (batch.lastSequence === NO_SEQUENCE) return NO_SEQUENCE;
  return batch.lastSequence >= batch.offsetDelta
    ? batch.lastSequence - batch.offsetDelta
    : 0x7fffffff - (batch.offsetDelta - batch.lastSequence) + 1;
}

/** Of its first record. */
export function firstOffsetOf(batch: RetainedBatch): number {
  return batch.lastOffset - batch.offsetDelta;
}

/** The fields of a data batch that matter here. */
export interface ProducerBatch {
  readonly producerId: Int64;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestampMs: Int64;
  readonly transactional: boolean;
}

export type ProducerRefusal =
  | 'INVALID_PRODUCER_EPOCH'
  | 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  | 'INVALID_TXN_STATE'
  | 'TRANSACTION_COORDINATOR_FENCED';

/** An immutable picture of a producer; every change makes a new one, so that a refused append leaves no trace. */
export interface ProducerEntry {
  readonly producerId: Int64;
  readonly epoch: number;
  readonly coordinatorEpoch: number;
  readonly lastTimestampMs: Int64;
  /** Where the open transaction began, or -1. */
  readonly transactionFirstOffset: number;
  /** Oldest first, at most five. */
  readonly batches: readonly RetainedBatch[];
}

/** A producer of which nothing is known: anything may follow. */
export function unknownProducer(producerId: Int64): ProducerEntry {
  return {
    producerId,
    epoch: NO_PRODUCER_EPOCH,
    coordinatorEpoch: -1,
    lastTimestampMs: -1,
    transactionFirstOffset: -1,
    batches: [],
  };
}

/** The retained batch that has exactly these sequences, if the epoch is the same: a retry of it. */
export function duplicateOf(
  entry: ProducerEntry,
  epoch: number,
  firstSequence: number,
  lastSequence: number,
): RetainedBatch | undefined {
  if (entry.epoch !== epoch) return undefined;
  return entry.batches.find(
    (batch) => batch.lastSequence === lastSequence && firstSequenceOf(batch) === firstSequence,
  );
}

/**
 * Why this batch may not follow `entry`, or null. `committed` is the entry before this append began
 * (one append may hold several batches); replicated batches were checked by their leader.
 */
export function refuseDataBatch(
  entry: ProducerEntry,
  committed: ProducerEntry,
  batch: ProducerBatch,
  checkSequence: boolean,
): ProducerRefusal | null {
  if (batch.epoch < entry.epoch) return 'INVALID_PRODUCER_EPOCH';
  if (checkSequence && !sequenceFollows(entry, committed, batch)) return 'OUT_OF_ORDER_SEQUENCE_NUMBER';
  if (entry.transactionFirstOffset >= 0 && !batch.transactional) return 'INVALID_TXN_STATE';
  return null;
}

function sequenceFollows(entry: ProducerEntry, committed: ProducerEntry, batch: ProducerBatch): boolean {
  if (batch.epoch !== entry.epoch) return batch.firstSequence === 0 || entry.epoch === NO_PRODUCER_EPOCH;
  if (committed.epoch === NO_PRODUCER_EPOCH) return true;
  const known =
    entry.batches.at(-1) ?? (committed.epoch === batch.epoch ? committed.batches.at(-1) : undefined);
  const last = known?.lastSequence ?? NO_SEQUENCE;
  return batch.firstSequence === last + 1 || (batch.firstSequence === 0 && last === 0x7fffffff);
}

/** The producer after the batch; batches of an older epoch are forgotten. */
export function withDataBatch(entry: ProducerEntry, batch: ProducerBatch): ProducerEntry {
  const retained: RetainedBatch = {
    lastSequence:
      batch.firstSequence === NO_SEQUENCE
        ? NO_SEQUENCE
        : incrementSequence(batch.firstSequence, batch.lastOffset - batch.firstOffset),
    lastOffset: batch.lastOffset,
    offsetDelta: batch.lastOffset - batch.firstOffset,
    timestampMs: batch.timestampMs,
  };
  const before = entry.epoch === batch.epoch ? entry.batches : [];
  const opens = batch.transactional && entry.transactionFirstOffset < 0;
  return {
    producerId: entry.producerId,
    epoch: batch.epoch,
    coordinatorEpoch: entry.coordinatorEpoch,
    lastTimestampMs: batch.timestampMs,
    transactionFirstOffset: opens ? batch.firstOffset : entry.transactionFirstOffset,
    batches: [...before.slice(-(RETAINED_BATCHES - 1)), retained],
  };
}

interface MarkerFields {
  readonly epoch: number;
  readonly coordinatorEpoch: number;
  readonly timestampMs: Int64;
}

/** Why this marker may not follow `entry`, or null. */
export function refuseMarker(entry: ProducerEntry, marker: MarkerFields): ProducerRefusal | null {
  if (marker.epoch < entry.epoch) return 'INVALID_PRODUCER_EPOCH';
  if (marker.coordinatorEpoch < entry.coordinatorEpoch) return 'TRANSACTION_COORDINATOR_FENCED';
  return null;
}

/** The producer after its transaction has ended; batches of an older epoch are forgotten. */
export function withMarker(entry: ProducerEntry, marker: MarkerFields): ProducerEntry {
  return {
    producerId: entry.producerId,
    epoch: marker.epoch,
    coordinatorEpoch: marker.coordinatorEpoch,
    lastTimestampMs: marker.timestampMs,
    transactionFirstOffset: -1,
    batches: entry.epoch === marker.epoch ? entry.batches : [],
  };
}
