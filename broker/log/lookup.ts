/**
 * Finding offsets by time, and the aborted transactions of a stretch of the log.
 * (Kafka's UnifiedLog.fetchOffsetByTimestamp and collectAbortedTransactions.)
 */
import { batchLeaderEpoch, batchMagic } from '../records/batch.ts';
import { readRecords } from '../records/record.ts';
import type { AbortedTransaction } from './aborted-index.ts';
import { maxTimestampOf } from './batch-fields.ts';
import type { LogState } from './log-state.ts';
import { scanBatches } from './scan.ts';
import type { Segment } from './segment.ts';

export interface OffsetAtTime {
  readonly offset: number;
  readonly timestampMs: number;
  /** -1 when not known. */
  readonly leaderEpoch: number;
}

/** The first record whose timestamp is at least `timestampMs`; null when there is none. */
export function offsetForTimestamp(log: LogState, timestampMs: number): OffsetAtTime | null {
  for (const segment of log.segments.all) {
    if (segment.maxTimestamp.timestampMs < timestampMs) continue;
    const indexed = segment.timeIndex.lookup(timestampMs).offset;
    const found = firstRecord(log, segment, Math.max(indexed, log.startOffset), (maxOfBatch, ofRecord) =>
      ofRecord === null ? maxOfBatch >= timestampMs : ofRecord >= timestampMs,
    );
    if (found !== null) return found;
  }
  return null;
}

/** The first record that has the largest timestamp of the log; null when no record has one. */
export function maxTimestamp(log: LogState): OffsetAtTime | null {
  let latest: Segment | null = null;
  for (const segment of log.segments.all) {
    if (latest === null || segment.maxTimestamp.timestampMs > latest.maxTimestamp.timestampMs)
      latest = segment;
  }
  if (latest === null || latest.maxTimestamp.timestampMs < 0) return null;
  const { timestampMs, offset } = latest.maxTimestamp;
  return firstRecord(log, latest, offset, (maxOfBatch, ofRecord) =>
    ofRecord === null ? maxOfBatch >= timestampMs : ofRecord >= timestampMs,
  );
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

/** `accepts` is asked about a batch (record time null) before its records are opened. */
function firstRecord(
  log: LogState,
  segment: Segment,
  fromOffset: number,
  accepts: (maxOfBatchMs: number, ofRecordMs: number | null) => boolean,
): OffsetAtTime | null {
  const start = segment.locate(fromOffset);
  if (start === null) return null;
  let found: OffsetAtTime | null = null;
  const range = { fromBytes: start.positionBytes, toBytes: segment.sizeBytes };
  scanBatches(segment.file(), range, log.buffers, (buffer, at) => {
    const maxOfBatchMs = maxTimestampOf(buffer, at);
    if (!accepts(maxOfBatchMs, null) || batchMagic(buffer, at) < 2) return undefined;
    const record = readRecords(buffer, at).find(
      (candidate) => candidate.offset >= log.startOffset && accepts(maxOfBatchMs, candidate.timestampMs),
    );
    if (record === undefined) return undefined;
    const { offset, timestampMs } = record;
    found = { offset, timestampMs, leaderEpoch: batchLeaderEpoch(buffer, at) };
    return 'stop';
  });
  return found;
}
