/**
 * Reading: from the batch that holds the asked offset, whole batches only, never past the bound and
 * never past the end of a segment; where a segment lost its end, or a batch says that it is longer than what is left
 * of the segment, from the next one, which is told. The bytes come in a
 * pooled buffer that the reader gives back when they have left the process; what is to be sent and is large
 * is read then (late-read.ts). (Kafka's LocalLog.read; where Kafka cuts the last batch of an answer off
 * anywhere, this reader leaves it out, and where it answers with nothing for ever, this one says that the log is corrupt.)
 */
import { ErrorCode } from '../errors.ts';
import { batchBaseOffset, batchSizeBytes, CorruptBatch, completeBatchSizeBytes } from '../records/batch.ts';
import { HEADER_WINDOW_BYTES, lastOffsetOf } from './files/batch-fields.ts';
import type { Place } from './files/cursors.ts';
import type { Segment } from './files/segment.ts';
import { type RecordsToSend, readLate } from './late-read.ts';
import type { LogState } from './log-state.ts';

export interface ReadRange {
  readonly offset: number;
  readonly maxBytes: number;
  /** Exclusive: only batches that end below it are returned. */
  readonly upToOffset: number;
  /** Returns the first batch even when it alone is larger than `maxBytes`. */
  readonly minOneBatch: boolean;
  /**
   * Called before the rest of a segment is passed over, as no batch can be read there. Whoever gives this is also
   * led past what can't be a batch, of which others are told.
   */
  readonly onLost?: (what: string) => void;
}

export interface ReadRecords {
  /** Whole batches; valid until release(). */
  readonly bytes: Buffer;
  /** Base offset of the first batch, which may lie before the asked offset; the asked offset when nothing came. */
  readonly firstOffset: number;
  /** Where to go on. */
  readonly nextOffset: number;
  /** Gives the buffer back to the pool; calling it again does nothing. */
  release(): void;
}

export type ReadResult = ReadRecords | ErrorCode;
export type SendResult = RecordsToSend | ErrorCode;

const NO_BYTES = Buffer.alloc(0);
/** With fewer there is no telling how long a batch is. */
const UP_TO_MAGIC_BYTES = 17;

/**
 * OFFSET_OUT_OF_RANGE outside the log, CORRUPT_MESSAGE where the first batch is none; throws what the
 * disk throws.
 */
export function readLog(log: LogState, range: ReadRange): ReadResult {
  return readFirst<ReadRecords>(log, range, (place, bounded) => readFrom(log, place, bounded));
}

/** As {@link readLog}, of what will be sent: what is larger than `atOnceBytes` is read when it is. */
export function readLogToSend(log: LogState, range: ReadRange, atOnceBytes: number): SendResult {
  return readFirst<RecordsToSend>(log, range, (place, bounded) => {
    const atOnce = readFrom(log, place, bounded, atOnceBytes);
    if (atOnce !== 'large') return atOnce;
    const { segment, positionBytes } = place;
    const limitBytes = limitIn(log, segment, bounded.upToOffset);
    const isWhole = bounded.upToOffset === log.endOffset && segment === log.segments.active;
    const stretch = { segment, fromBytes: positionBytes, limitBytes, isWhole };
    return readLate(log, stretch, bounded) ?? nothing(range.offset);
  });
}

/** What `read` finds at the offset's place, or, where a segment lost its end, in one after it. */
function readFirst<T>(
  log: LogState,
  range: ReadRange,
  read: (place: Place, bounded: ReadRange) => T | ReadRecords | ErrorCode | 'torn',
): T | ReadRecords | ErrorCode {
  const { offset } = range;
  if (offset < log.startOffset || offset > log.endOffset) return ErrorCode.OFFSET_OUT_OF_RANGE;
  const upToOffset = Math.min(range.upToOffset, log.endOffset);
  if (offset >= upToOffset) return nothing(offset);
  let place: Place | null = placeToRead(log, offset);
  while (place !== null) {
    const found = read(place, { ...range, upToOffset });
    if (found !== 'torn' && found !== ErrorCode.CORRUPT_MESSAGE) return found;
    log.cursors.forget(offset);
    const next = log.segments.after(place.segment.baseOffset);
    const after = next === undefined ? null : locateFrom(log, next, offset);
    const lost = log.noteLost(place, offset, after?.segment);
    // Where a segment is torn and there is no other, nothing would be waited for in vain: the log says that it goes on.
    if (after === null || (found !== 'torn' && range.onLost === undefined)) return ErrorCode.CORRUPT_MESSAGE;
    range.onLost?.(lost);
    place = after;
  }
  return nothing(offset);
}

/** Where the first batch that can be read and ends at `offset` or later begins; null past the end of the log. */
export function findPlace(log: LogState, offset: number): Place | null {
  let found = placeToRead(log, offset);
  while (found?.isDamaged) {
    const next = log.segments.after(found.segment.baseOffset);
    found = next === undefined ? null : locateFrom(log, next, offset);
  }
  return found;
}

interface PlaceToRead extends Place {
  /** No batch begins here, and one should. */
  readonly isDamaged?: boolean;
}

/** Where the first batch that ends at `offset` or later begins, or should; null past the end of the log. */
function placeToRead(log: LogState, offset: number): PlaceToRead | null {
  const known = log.cursors.find(offset);
  if (known !== undefined && known.positionBytes < known.segment.sizeBytes) return known;
  const found = locateFrom(log, log.segments.floor(offset) ?? log.segments.first, offset);
  if (found !== null && !found.isDamaged) log.cursors.note(offset, found.segment, found.positionBytes);
  return found;
}

/** As {@link placeToRead}, in this segment or one after it. */
function locateFrom(log: LogState, first: Segment, offset: number): PlaceToRead | null {
  let segment = first;
  for (;;) {
    const found = segment.sizeBytes === 0 ? null : segment.locateOrDamage(offset);
    if (found !== null)
      return { segment, positionBytes: found.positionBytes, isDamaged: !('sizeBytes' in found) };
    const next = log.segments.after(segment.baseOffset);
    if (next === undefined) return null;
    segment = next;
  }
}

/** Up to where batches below `upToOffset` may lie in a segment. */
function limitIn(log: LogState, segment: Segment, upToOffset: number): number {
  const end = log.cursors.find(upToOffset);
  return end?.segment === segment ? end.positionBytes : segment.sizeBytes;
}

/** `torn`: the segment ends within the batch that should be here, so that there is nothing more in it. */
function readFrom(log: LogState, place: Place, range: ReadRange): ReadResult | 'torn';
/** `large`: it would be more than `atOnceBytes`. */
function readFrom(
  log: LogState,
  place: Place,
  range: ReadRange,
  atOnceBytes: number,
): ReadResult | 'torn' | 'large';
function readFrom(
  log: LogState,
  place: Place,
  range: ReadRange,
  atOnceBytes = Number.POSITIVE_INFINITY,
): ReadResult | 'torn' | 'large' {
  const { segment, positionBytes } = place;
  const limitBytes = limitIn(log, segment, range.upToOffset);
  const availableBytes = Math.max(0, limitBytes - positionBytes);
  const least = range.minOneBatch ? Math.max(range.maxBytes, HEADER_WINDOW_BYTES) : range.maxBytes;
  let wantedBytes = Math.min(least, availableBytes);
  if (wantedBytes <= 0) return nothing(range.offset);
  if (wantedBytes > atOnceBytes) return 'large';
  let buffer = log.buffers.take(wantedBytes);
  let kept: WholeBatches;
  let torn = false;
  try {
    let got = segment.file().read(buffer, 0, wantedBytes, positionBytes);
    const firstBytes = firstBatchBytes(buffer, got);
    torn = positionBytes + Math.max(firstBytes, UP_TO_MAGIC_BYTES) > segment.sizeBytes;
    if (firstBytes > got && range.minOneBatch && firstBytes <= availableBytes) {
      wantedBytes = firstBytes;
      log.buffers.give(buffer);
      if (wantedBytes > atOnceBytes) return 'large';
      buffer = log.buffers.take(wantedBytes);
      got = segment.file().read(buffer, 0, wantedBytes, positionBytes);
    }
    // Somebody has cut the file.
    torn ||= got < wantedBytes;
    kept = wholeBatches(buffer, got, { upToOffset: range.upToOffset, endOffset: log.endOffset });
  } catch (error) {
    log.buffers.give(buffer);
    if (error instanceof CorruptBatch) return ErrorCode.CORRUPT_MESSAGE;
    throw error;
  }
  if (kept.sizeBytes === 0) {
    log.buffers.give(buffer);
    return torn ? 'torn' : nothing(range.offset);
  }
  log.cursors.note(kept.nextOffset, segment, positionBytes + kept.sizeBytes);
  return handOut(log, buffer, kept);
}

interface WholeBatches {
  readonly sizeBytes: number;
  readonly nextOffset: number;
}

/** Those that end below `upToOffset`. Throws CorruptBatch where the first one is none, or ends beyond the log. */
function wholeBatches(
  buffer: Buffer,
  gotBytes: number,
  { upToOffset, endOffset }: { readonly upToOffset: number; readonly endOffset: number },
): WholeBatches {
  let at = 0;
  let nextOffset = -1;
  for (;;) {
    let sizeBytes: number;
    try {
      sizeBytes = completeBatchSizeBytes(buffer, at, gotBytes);
    } catch (error) {
      if (at === 0) throw error;
      break;
    }
    if (sizeBytes === 0) break;
    const lastOffset = lastOffsetOf(buffer, at);
    // Left out, it would be waited for in vain.
    if (at === 0 && lastOffset >= endOffset)
      throw new CorruptBatch(`A batch ends at ${lastOffset} in a log that ends at ${endOffset}`);
    if (lastOffset >= upToOffset) break;
    nextOffset = lastOffset + 1;
    at += sizeBytes;
  }
  return { sizeBytes: at, nextOffset };
}

function firstBatchBytes(buffer: Buffer, gotBytes: number): number {
  return gotBytes < UP_TO_MAGIC_BYTES ? 0 : batchSizeBytes(buffer, 0);
}

function handOut(log: LogState, buffer: Buffer, kept: WholeBatches): ReadRecords {
  let released = false;
  return {
    bytes: buffer.subarray(0, kept.sizeBytes),
    firstOffset: batchBaseOffset(buffer, 0),
    nextOffset: kept.nextOffset,
    release() {
      if (released) return;
      released = true;
      log.buffers.give(buffer);
    },
  };
}

function nothing(offset: number): ReadRecords {
  return { bytes: NO_BYTES, firstOffset: offset, nextOffset: offset, release() {} };
}
