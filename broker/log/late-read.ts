/**
 * Reading for an answer that is too large to be held: what will be sent is decided now, its bytes are read
 * when there is room for them on the way out. As {@link readLog} otherwise: whole batches only, never past
 * the bound, never past the end of a segment.
 * Source: Kafka's FileRecords, which go from the file to the socket by sendfile.
 */
import { ErrorCode } from '../errors.ts';
import { LateBytes, type MessagePart } from '../protocol/late-bytes.ts';
import { batchSizeBytes, CorruptBatch, completeBatchSizeBytes } from '../records/batch.ts';
import { HEADER_WINDOW_BYTES, lastOffsetOf } from './files/batch-fields.ts';
import type { LateRange } from './files/late-range.ts';
import type { Segment } from './files/segment.ts';
import { asStorageError, StorageError } from './files/storage-error.ts';
import { type BatchesEnd, lastWholeBatch } from './files/whole-batches.ts';
import type { LogState } from './log-state.ts';

/** With fewer there is no telling how long a batch is. */
const UP_TO_MAGIC_BYTES = 17;

/** Records that are read when they are sent. */
class LateRecords extends LateBytes {
  readonly #log: LogState;
  readonly #range: LateRange;

  constructor(log: LogState, range: LateRange) {
    super();
    this.#log = log;
    this.#range = range;
  }

  get length(): number {
    return this.#range.sizeBytes;
  }

  /** Throws RangeCut after a truncation, StorageError when the disk fails. */
  read(into: Buffer, at: number, lengthBytes: number, fromByte: number): void {
    try {
      this.#range.read(into, at, lengthBytes, fromByte);
    } catch (error) {
      const { logDirectory, name, closed, services } = this.#log;
      const failure = asStorageError(logDirectory, `reading for ${name}`, error);
      if (failure instanceof StorageError && !closed) services.onStorageError(failure);
      throw failure;
    }
  }

  override warm(lengthBytes: number, fromByte: number): Promise<void> | null {
    return this.#log.closed ? null : this.#range.warm(lengthBytes, fromByte);
  }
}

/** What will be sent of a log. */
export interface RecordsToSend {
  /** Whole batches; valid until release(). */
  readonly bytes: MessagePart;
  /** Where to go on. */
  readonly nextOffset: number;
  /** They have been sent, or never will be. Calling it again does nothing. */
  release(): void;
}

interface LateReadRange {
  readonly maxBytes: number;
  /** Exclusive: only batches that end below it are sent. */
  readonly upToOffset: number;
  readonly minOneBatch: boolean;
}

/** Where reading begins, and up to where batches below `upToOffset` may lie. */
interface Stretch {
  readonly segment: Segment;
  readonly fromBytes: number;
  readonly limitBytes: number;
  /** Everything up to the limit is below `upToOffset`, and nothing else is. */
  readonly isWhole: boolean;
}

/** `torn`: the segment ends within its first batch; null: no batch fits. */
export function readLate(
  log: LogState,
  stretch: Stretch,
  range: LateReadRange,
): RecordsToSend | ErrorCode | 'torn' | null {
  const end = endOf(stretch, range, log.endOffset);
  if (end === null || typeof end !== 'object') return end;
  const { segment, fromBytes } = stretch;
  const held = segment.readLater(fromBytes, end.positionBytes);
  log.cursors.note(end.nextOffset, segment, end.positionBytes);
  return { bytes: new LateRecords(log, held), nextOffset: end.nextOffset, release: () => held.release() };
}

function endOf(
  { segment, fromBytes, limitBytes, isWhole }: Stretch,
  { maxBytes, upToOffset, minOneBatch }: LateReadRange,
  endOffset: number,
): BatchesEnd | ErrorCode | 'torn' | null {
  const header = Buffer.allocUnsafe(HEADER_WINDOW_BYTES);
  const gotBytes = segment.file().read(header, 0, HEADER_WINDOW_BYTES, fromBytes);
  const firstBytes = firstBatchBytes(header, gotBytes);
  if (firstBytes === null) return ErrorCode.CORRUPT_MESSAGE;
  if (fromBytes + firstBytes > segment.sizeBytes) return 'torn';
  const availableBytes = limitBytes - fromBytes;
  // Left out, it would be waited for in vain.
  if (lastOffsetOf(header, 0) >= endOffset) return ErrorCode.CORRUPT_MESSAGE;
  if (firstBytes > availableBytes || lastOffsetOf(header, 0) >= upToOffset) return null;
  const first = { positionBytes: fromBytes + firstBytes, nextOffset: lastOffsetOf(header, 0) + 1 };
  if (firstBytes >= maxBytes) return minOneBatch || firstBytes === maxBytes ? first : null;
  if (isWhole && availableBytes <= maxBytes) return { positionBytes: limitBytes, nextOffset: upToOffset };
  const toBytes = Math.min(limitBytes, fromBytes + maxBytes);
  return lastWholeBatch(segment, { fromBytes, toBytes, upToOffset }) ?? first;
}

/** null: no batch begins here. More than there is where the header itself is incomplete. */
function firstBatchBytes(header: Buffer, gotBytes: number): number | null {
  try {
    completeBatchSizeBytes(header, 0, gotBytes);
  } catch (error) {
    if (error instanceof CorruptBatch) return null;
    throw error;
  }
  return gotBytes < UP_TO_MAGIC_BYTES ? Number.POSITIVE_INFINITY : batchSizeBytes(header, 0);
}
