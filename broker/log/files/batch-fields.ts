/**
 * The few header fields a log needs of batches of any format: logs that came from an older cluster may
 * hold messages of magic 0 and 1, whose offset is that of their last record and which know no epochs
 * and no producers.
 */
import { type Int64, readInt64 } from '../../int64.ts';
import {
  batchBaseOffset,
  batchLastOffset,
  batchMagic,
  batchMaxTimestampMs,
  batchProducerId,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
} from '../../records/batch.ts';

/** Enough of a header to read everything in this file; a legacy message may be shorter. */
export const HEADER_WINDOW_BYTES = 61;

const LEGACY_TIMESTAMP_AT = 18;

/** The offset of the last record, also of those that compaction has removed. */
export function lastOffsetOf(buffer: Buffer, at: number): number {
  return batchMagic(buffer, at) >= 2 ? batchLastOffset(buffer, at) : batchBaseOffset(buffer, at);
}

/** The largest timestamp; NO_TIMESTAMP for messages of magic 0, and -1 where a producer gave none. */
export function maxTimestampOf(buffer: Buffer, at: number): Int64 {
  const magic = batchMagic(buffer, at);
  if (magic >= 2) return batchMaxTimestampMs(buffer, at);
  return magic === 1 ? readInt64(buffer, at + LEGACY_TIMESTAMP_AT) : NO_TIMESTAMP;
}

/** Written by an idempotent producer, or a marker. */
export function hasProducerId(buffer: Buffer, at: number): boolean {
  return batchMagic(buffer, at) >= 2 && batchProducerId(buffer, at) > NO_PRODUCER_ID;
}
