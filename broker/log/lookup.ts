/**
 * Finding offsets by time, and the aborted transactions of a stretch of the log.
 * (Kafka's UnifiedLog.fetchOffsetByTimestamp, legacyFetchOffsetsBefore and collectAbortedTransactions.)
 */
import type { Int64 } from '../int64.ts';
import { batchMagic, batchSizeBytes } from '../records/batch.ts';
import type { Decompress } from '../records/compression.ts';
import { findInBatch, type RecordAtTime } from '../records/time-search.ts';
import type { AbortedTransaction } from './files/aborted-index.ts';
import { lastOffsetOf, maxTimestampOf } from './files/batch-fields.ts';
import { refuseCorruptHeader, scanHeaders } from './files/scan.ts';
import type { Segment } from './files/segment.ts';
import type { LogState } from './log-state.ts';

/** In answers the timestamp is -1 for an end of the log, and both are -1 where nothing was found; so is an epoch that is not known. */
export type OffsetAtTime = RecordAtTime;

/** The largest timestamp of the log, whichever that is. */
export const LARGEST = 'largest';

/** A batch where it is stored. */
export interface StoredBatch {
  readonly segment: Segment;
  readonly positionBytes: number;
  readonly sizeBytes: number;
  /** The record that is looked for has this timestamp at the least. */
  readonly timestampMs: Int64;
}

/**
 * The first record whose timestamp is at least `time`, or the first that has the largest; null when there is
 * none. `decompress` is for compressed batches.
 */
export function offsetForTimestamp(
  log: LogState,
  time: Int64 | typeof LARGEST,
  decompress: Decompress = log.decompress,
): OffsetAtTime | null {
  for (const batch of batchesByTime(log, time)) {
    const buffer = log.buffers.take(batch.sizeBytes);
    try {
      readStored(batch, buffer);
      const wanted = { timestampMs: batch.timestampMs, fromOffset: log.startOffset };
      const found = findInBatch(buffer, 0, wanted, decompress);
      if (found !== null) return found;
    } finally {
      log.buffers.give(buffer);
    }
  }
  return null;
}

/**
 * The batches that may hold that record, in the order in which they are to be searched: mostly it is in the first.
 * Throws CorruptBatch where none begins; of a segment that has lost its end the rest is passed over.
 */
export function* batchesByTime(log: LogState, time: Int64 | typeof LARGEST): Generator<StoredBatch, void> {
  if (time === LARGEST) {
    const latest = latestSegment(log);
    if (latest === null) return;
    const { timestampMs, offset } = latest.maxTimestamp;
    yield* batchesIn(log, latest, { fromOffset: offset, timestampMs });
    return;
  }
  for (const segment of log.segments.all) {
    if (segment.maxTimestamp.timestampMs < time) continue;
    const indexed = segment.indexes.time.lookup(time).offset;
    const fromOffset = Math.max(indexed, log.startOffset);
    yield* batchesIn(log, segment, { fromOffset, timestampMs: time });
  }
}

/** The bytes of the batch, as many as there are. */
export function readStored({ segment, positionBytes, sizeBytes }: StoredBatch, into: Buffer): void {
  segment.file().read(into, 0, sizeBytes, positionBytes);
}

/** False once it was deleted or cut off: then its bytes are gone, or others. */
export function isStillStored(log: LogState, { segment, positionBytes, sizeBytes }: StoredBatch): boolean {
  return log.segments.all.includes(segment) && positionBytes + sizeBytes <= segment.sizeBytes;
}

/** null when no record has a timestamp. */
function latestSegment(log: LogState): Segment | null {
  let latest: Segment | null = null;
  for (const segment of log.segments.all) {
    if (latest === null || segment.maxTimestamp.timestampMs > latest.maxTimestamp.timestampMs)
      latest = segment;
  }
  return latest === null || latest.maxTimestamp.timestampMs < 0 ? null : latest;
}

/** Timestamps with a meaning of their own. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;

/**
 * What clients were told before there was an index of times: where the segments begin that were last
 * written to at or before `timestampMs`, the latest first, and before them the end of the log if that
 * is asked for. At most `maxOffsets`. Throws RangeError when that is negative.
 */
export function legacyOffsetsBefore(log: LogState, timestampMs: number, maxOffsets: number): number[] {
  if (maxOffsets < 0) throw new RangeError(`${maxOffsets} offsets`);
  const points = log.segments.all.map((segment) => ({
    offset: Math.max(segment.baseOffset, log.startOffset),
    modifiedMs: segment.modifiedMs,
  }));
  if (log.segments.active.sizeBytes > 0) {
    points.push({ offset: log.endOffset, modifiedMs: log.clock.wallMs() });
  }
  let count = points.findLastIndex(({ modifiedMs }) => modifiedMs <= timestampMs) + 1;
  if (timestampMs === LATEST_TIMESTAMP) count = points.length;
  if (timestampMs === EARLIEST_TIMESTAMP) count = 1;
  const offsets = points.slice(Math.max(0, count - maxOffsets), count).map(({ offset }) => offset);
  return offsets.sort((a, b) => b - a);
}

/**
 * Aborted transactions with data in [fromOffset, upToOffset), which a reader of committed data leaves
 * out.
 */
export function abortedTransactions(
  log: LogState,
  fromOffset: number,
  upToOffset: number,
): AbortedTransaction[] {
  const found: AbortedTransaction[] = [];
  let segment = log.segments.floor(fromOffset) ?? log.segments.first;
  for (;;) {
    for (const entry of segment.indexes.aborted.entries()) {
      if (entry.lastOffset >= fromOffset && entry.firstOffset < upToOffset) found.push(entry);
      if (entry.lastStableOffset >= upToOffset) return found;
    }
    const next = log.segments.after(segment.baseOffset);
    if (next === undefined) return found;
    segment = next;
  }
}

/** Batches whose largest timestamp is below it stay closed. */
function* batchesIn(
  log: LogState,
  segment: Segment,
  { fromOffset, timestampMs }: { readonly fromOffset: number; readonly timestampMs: Int64 },
): Generator<StoredBatch, void> {
  let nextOffset = fromOffset;
  let fromBytes = segment.locateOrDamage(fromOffset)?.positionBytes ?? segment.sizeBytes;
  while (fromBytes < segment.sizeBytes) {
    let sizeBytes = 0;
    const range = { fromBytes, toBytes: segment.sizeBytes };
    const positionBytes = scanHeaders(segment.file(), range, (buffer, at) => {
      nextOffset = lastOffsetOf(buffer, at) + 1;
      if (maxTimestampOf(buffer, at) < timestampMs || batchMagic(buffer, at) < 2) return undefined;
      sizeBytes = batchSizeBytes(buffer, at);
      return 'stop';
    });
    if (sizeBytes > 0) yield { segment, positionBytes, sizeBytes, timestampMs };
    else if (positionBytes < segment.sizeBytes) {
      refuseCorruptHeader(segment.file(), positionBytes, segment.sizeBytes);
      log.noteLost({ segment, positionBytes }, nextOffset, log.segments.after(segment.baseOffset));
      return;
    }
    fromBytes = positionBytes + sizeBytes;
  }
}
