/**
 * Finding offsets by time, and the aborted transactions of a stretch of the log.
 * (Kafka's UnifiedLog.fetchOffsetByTimestamp, legacyFetchOffsetsBefore and collectAbortedTransactions.)
 */
import { type Int64, int64Sum } from '../int64.ts';
import {
  batchBaseOffset,
  batchBaseTimestampMs,
  batchIsLogAppendTime,
  batchLeaderEpoch,
  batchMagic,
  batchMaxTimestampMs,
} from '../records/batch.ts';
import type { Decompress } from '../records/compression.ts';
import { walkRecords } from '../records/record.ts';
import type { AbortedTransaction } from './files/aborted-index.ts';
import { maxTimestampOf } from './files/batch-fields.ts';
import { scanBatches } from './files/scan.ts';
import type { Segment } from './files/segment.ts';
import type { LogState } from './log-state.ts';

/** In answers the timestamp is -1 for an end of the log, and both are -1 where nothing was found. */
export interface OffsetAtTime {
  readonly offset: number;
  readonly timestampMs: Int64;
  /** -1 when not known. */
  readonly leaderEpoch: number;
}

/** The first record whose timestamp is at least `timestampMs`; null when there is none. `decompress` is for compressed batches. */
export function offsetForTimestamp(
  log: LogState,
  timestampMs: Int64,
  decompress: Decompress = log.decompress,
): OffsetAtTime | null {
  for (const segment of log.segments.all) {
    if (segment.maxTimestamp.timestampMs < timestampMs) continue;
    const indexed = segment.timeIndex.lookup(timestampMs).offset;
    const from = Math.max(indexed, log.startOffset);
    const found = firstRecord(log, segment, from, { timestampMs, decompress });
    if (found !== null) return found;
  }
  return null;
}

/** The first record that has the largest timestamp of the log; null when no record has one. */
export function maxTimestamp(log: LogState, decompress: Decompress = log.decompress): OffsetAtTime | null {
  let latest: Segment | null = null;
  for (const segment of log.segments.all) {
    if (latest === null || segment.maxTimestamp.timestampMs > latest.maxTimestamp.timestampMs)
      latest = segment;
  }
  if (latest === null || latest.maxTimestamp.timestampMs < 0) return null;
  const { timestampMs, offset } = latest.maxTimestamp;
  return firstRecord(log, latest, offset, { timestampMs, decompress });
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
    for (const entry of segment.abortedIndex.entries()) {
      if (entry.lastOffset >= fromOffset && entry.firstOffset < upToOffset) found.push(entry);
      if (entry.lastStableOffset >= upToOffset) return found;
    }
    const next = log.segments.after(segment.baseOffset);
    if (next === undefined) return found;
    segment = next;
  }
}

/** The first with at least that timestamp; batches whose largest is below it stay closed. */
function firstRecord(
  log: LogState,
  segment: Segment,
  fromOffset: number,
  { timestampMs, decompress }: { readonly timestampMs: Int64; readonly decompress: Decompress },
): OffsetAtTime | null {
  const start = segment.locate(fromOffset);
  if (start === null) return null;
  let found: OffsetAtTime | null = null;
  const range = { fromBytes: start.positionBytes, toBytes: segment.sizeBytes };
  scanBatches(segment.file(), range, log.buffers, (buffer, at) => {
    if (maxTimestampOf(buffer, at) < timestampMs || batchMagic(buffer, at) < 2) return undefined;
    const baseOffset = batchBaseOffset(buffer, at);
    const baseTimestampMs = batchBaseTimestampMs(buffer, at);
    const appendTimeMs = batchIsLogAppendTime(buffer, at) ? batchMaxTimestampMs(buffer, at) : null;
    walkRecords(buffer, at, decompress, ({ offsetDelta, timestampDeltaMs }) => {
      const offset = baseOffset + offsetDelta;
      const ofRecordMs = appendTimeMs ?? int64Sum(baseTimestampMs, timestampDeltaMs);
      if (offset < log.startOffset || ofRecordMs < timestampMs) return undefined;
      found = { offset, timestampMs: ofRecordMs, leaderEpoch: batchLeaderEpoch(buffer, at) };
      return 'stop';
    });
    return found === null ? undefined : 'stop';
  });
  return found;
}
