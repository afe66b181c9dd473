/**
 * Walking through the batches of a log file. `scanHeaders` looks at headers only and reads small
 * windows, to find an offset; `scanBatches` brings each batch whole into memory, to check or to
 * rewrite it. Both stop at the first bytes that are not a complete batch and say where that was.
 */

import type { BufferPool } from '../../platform/buffer-pool.ts';
import type { DiskFile } from '../../platform/disk.ts';
import {
  batchSizeBytes,
  CorruptBatch,
  completeBatchSizeBytes,
  LOG_OVERHEAD_BYTES,
} from '../../records/batch.ts';
import { HEADER_WINDOW_BYTES } from './batch-fields.ts';

/** `stop` ends the walk before this batch. */
export type Visit = (buffer: Buffer, at: number, positionBytes: number) => 'stop' | undefined;

/** In bytes of the file; `toBytes` is exclusive. */
interface ScanRange {
  readonly fromBytes: number;
  readonly toBytes: number;
}

const HEADER_READ_BYTES = 8192;
const BATCH_READ_BYTES = 1024 * 1024;
const SMALLEST_LEGACY_BYTES = 26;

/** Returns the position where the walk ended: `toBytes` when everything was batches. */
export function scanHeaders(file: DiskFile, range: ScanRange, visit: Visit): number {
  const window = Buffer.allocUnsafe(HEADER_READ_BYTES);
  let windowStart = 0;
  let windowEnd = 0;
  let position = range.fromBytes;
  while (position < range.toBytes) {
    const headerEnd = Math.min(position + HEADER_WINDOW_BYTES, range.toBytes);
    if (position < windowStart || headerEnd > windowEnd) {
      const length = Math.min(HEADER_READ_BYTES, range.toBytes - position);
      windowStart = position;
      windowEnd = position + file.read(window, 0, length, position);
      if (headerEnd > windowEnd) return position;
    }
    const at = position - windowStart;
    if (!isPlausibleHeader(window, at, windowEnd - position, range.toBytes - position)) return position;
    if (visit(window, at, position) === 'stop') return position;
    position += batchSizeBytes(window, at);
  }
  return position;
}

/** As {@link scanHeaders}, with the whole batch in the buffer. A batch's checksum is the visitor's business. */
export function scanBatches(file: DiskFile, range: ScanRange, buffers: BufferPool, visit: Visit): number {
  let buffer = buffers.take(BATCH_READ_BYTES);
  let position = range.fromBytes;
  try {
    while (position < range.toBytes) {
      const wanted = Math.min(buffer.length, range.toBytes - position);
      const got = file.read(buffer, 0, wanted, position);
      const before = position;
      for (let at = 0; ; ) {
        const sizeBytes = sizeOrZero(buffer, at, got);
        if (sizeBytes === 0) break;
        if (visit(buffer, at, position) === 'stop') return position;
        at += sizeBytes;
        position += sizeBytes;
      }
      if (position > before) continue;
      const needed = got < LOG_OVERHEAD_BYTES ? 0 : batchSizeBytes(buffer, 0);
      if (got < wanted || needed <= buffer.length || needed > range.toBytes - position) return position;
      buffers.give(buffer);
      buffer = buffers.take(needed);
    }
    return position;
  } finally {
    buffers.give(buffer);
  }
}

/** Throws CorruptBatch when what begins here can't be a batch, however long; not when there is only too little of it. */
export function refuseCorruptHeader(file: DiskFile, positionBytes: number, toBytes: number): void {
  const header = Buffer.allocUnsafe(HEADER_WINDOW_BYTES);
  const wanted = Math.min(HEADER_WINDOW_BYTES, toBytes - positionBytes);
  completeBatchSizeBytes(header, 0, file.read(header, 0, wanted, positionBytes));
}

function sizeOrZero(buffer: Buffer, at: number, to: number): number {
  try {
    return completeBatchSizeBytes(buffer, at, to);
  } catch (error) {
    if (error instanceof CorruptBatch) return 0;
    throw error;
  }
}

function isPlausibleHeader(buffer: Buffer, at: number, visibleBytes: number, leftBytes: number): boolean {
  if (visibleBytes < SMALLEST_LEGACY_BYTES) return false;
  try {
    completeBatchSizeBytes(buffer, at, at + Math.min(visibleBytes, HEADER_WINDOW_BYTES));
  } catch (error) {
    if (error instanceof CorruptBatch) return false;
    throw error;
  }
  return batchSizeBytes(buffer, at) <= leftBytes;
}
