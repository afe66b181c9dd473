/**
 * What compaction leaves of one batch: the batch as it is, a smaller one with the same offsets,
 * producer and epoch, its empty header, or nothing. Tombstones and markers get a delete horizon when
 * they are first met, and go once it has passed. (Kafka's Cleaner.cleanInto and MemoryRecords.filterTo.)
 */
import type { Int64 } from '../../int64.ts';
import {
  batchBaseOffset,
  batchBaseSequence,
  batchBaseTimestampMs,
  batchCodec,
  batchHasDeleteHorizon,
  batchIsControl,
  batchIsLogAppendTime,
  batchIsTransactional,
  batchLastOffset,
  batchLeaderEpoch,
  batchMagic,
  batchMaxTimestampMs,
  batchProducerEpoch,
  batchProducerId,
  batchSizeBytes,
} from '../../records/batch.ts';
import { buildBatch, type RecordInput } from '../../records/build.ts';
import type { Decompress } from '../../records/compression.ts';
import { type RecordData, readRecords } from '../../records/record.ts';
import { hasProducerId } from '../files/batch-fields.ts';
import type { ProducerEntry } from '../producers/producer-entry.ts';
import type { CleanedTransactions } from './cleaned-transactions.ts';

/** Which keys there are later records of. */
interface KnownKeys {
  /** Records beyond it are not known of. */
  readonly latestOffset: number;
  isReplaced(key: Buffer, offset: number): boolean;
}

/** What a batch is judged by. */
interface FilterRules {
  readonly keys: KnownKeys;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly decompress: Decompress;
}

/** What is known of a batch as a whole by its place in the log. */
export interface BatchFate {
  /** It may go because of transactions. */
  readonly mayDiscard: boolean;
  /** Its header stays even when its records don't. */
  readonly keepsHeader: boolean;
}

interface FateParts {
  readonly transactions: CleanedTransactions;
  readonly producer: (producerId: Int64) => ProducerEntry | undefined;
}

/** Of each batch once, in the order of the log. */
export function fateOf(buffer: Buffer, at: number, parts: FateParts): BatchFate {
  // Logs of an older cluster keep their old messages: decompressing them is not worth the code.
  if (batchMagic(buffer, at) < 2) return { mayDiscard: false, keepsHeader: true };
  return {
    mayDiscard: parts.transactions.mayDiscard(buffer, at),
    keepsHeader: mustKeepHeader(buffer, at, parts),
  };
}

/** The bytes that take the batch's place (a view of it when nothing changes), or null. */
export function leftOfBatch(
  buffer: Buffer,
  at: number,
  { mayDiscard, keepsHeader }: BatchFate,
  rules: FilterRules,
): Buffer | null {
  const whole = buffer.subarray(at, at + batchSizeBytes(buffer, at));
  if (batchMagic(buffer, at) < 2) return whole;
  const isControl = batchIsControl(buffer, at);
  const horizonMs = batchHasDeleteHorizon(buffer, at) ? batchBaseTimestampMs(buffer, at) : null;
  const discard = mayDiscard && (!isControl || (horizonMs !== null && horizonMs <= rules.nowMs));
  const all = discard ? [] : readRecords(buffer, at, rules.decompress);
  const retained = isControl ? all : all.filter((record) => isRetained(record, horizonMs, rules));
  if (retained.length === 0) return keepsHeader ? emptyBatch(buffer, at) : null;
  const isMarkerOfNothing = mayDiscard && isControl;
  const needsHorizon =
    horizonMs === null && (isMarkerOfNothing || retained.some(({ value }) => value === null));
  if (retained.length === all.length && !needsHorizon) return whole;
  const newHorizonMs = needsHorizon ? rules.nowMs + rules.deleteRetentionMs : horizonMs;
  return smallerBatch(buffer, at, retained, newHorizonMs);
}

function isRetained(
  { key, offset, value }: RecordData,
  horizonMs: Int64 | null,
  { keys, nowMs }: FilterRules,
): boolean {
  if (offset > keys.latestOffset) return true;
  if (key === null || keys.isReplaced(key, offset)) return false;
  return value !== null || horizonMs === null || nowMs < horizonMs;
}

/** The last batch of an active producer carries its sequence, and a lone marker its epoch. */
function mustKeepHeader(buffer: Buffer, at: number, { producer }: FateParts): boolean {
  if (!hasProducerId(buffer, at)) return false;
  const entry = producer(batchProducerId(buffer, at));
  if (entry === undefined) return false;
  const last = entry.batches.at(-1);
  if (last !== undefined) return last.lastOffset === batchLastOffset(buffer, at);
  return batchIsControl(buffer, at) && batchProducerEpoch(buffer, at) === entry.epoch;
}

function smallerBatch(
  buffer: Buffer,
  at: number,
  records: readonly RecordInput[],
  deleteHorizonMs: Int64 | null,
): Buffer {
  const appendTime = batchIsLogAppendTime(buffer, at);
  return buildBatch({
    ...identity(buffer, at),
    codec: batchCodec(buffer, at),
    ...(appendTime && { maxTimestampMs: batchMaxTimestampMs(buffer, at) }),
    ...(deleteHorizonMs !== null && { deleteHorizonMs }),
    records,
  });
}

function emptyBatch(buffer: Buffer, at: number): Buffer {
  return buildBatch({
    ...identity(buffer, at),
    maxTimestampMs: batchMaxTimestampMs(buffer, at),
    records: [],
  });
}

/** What stays of a batch however few of its records do. */
function identity(buffer: Buffer, at: number) {
  return {
    baseOffset: batchBaseOffset(buffer, at),
    lastOffset: batchLastOffset(buffer, at),
    leaderEpoch: batchLeaderEpoch(buffer, at),
    timestampType: batchIsLogAppendTime(buffer, at) ? ('LogAppendTime' as const) : ('CreateTime' as const),
    producerId: batchProducerId(buffer, at),
    producerEpoch: batchProducerEpoch(buffer, at),
    baseSequence: batchBaseSequence(buffer, at),
    transactional: batchIsTransactional(buffer, at),
    control: batchIsControl(buffer, at),
  };
}
