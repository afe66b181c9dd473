/**
 * Snappy in the stream framing of xerial's Java library, which is what Kafka's clients write: a
 * header, then blocks of at most 32 KiB, each preceded by its length. Some clients send one bare
 * block without the framing; that is read as well. Source: xerial's SnappyInputStream.
 */
import snappy from 'snappyjs';
import { DecompressedTooLarge, DecompressionFailed } from './batch.ts';
import { type BufferSupplier, freshBuffers } from './buffer-supplier.ts';
import { decompressSnappyBlock, snappyBlockSizeBytes } from './snappy-block.ts';

const MAGIC = Buffer.from('\x82SNAPPY\0', 'latin1');
const HEADER_BYTES = 16;
const VERSION = 1;
const BLOCK_BYTES = 32 * 1024;

export function compressSnappy(data: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeInt32BE(VERSION, 8);
  header.writeInt32BE(VERSION, 12);
  const parts: Uint8Array[] = [header];
  for (let at = 0; at < data.length; at += BLOCK_BYTES) {
    const block = snappy.compress<Uint8Array>(data.subarray(at, at + BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

export function decompressSnappy(
  data: Buffer,
  limitBytes: number,
  buffers: BufferSupplier = freshBuffers,
): Buffer {
  const blocks = isHeader(data, 0) ? framedBlocks(data) : [{ start: 0, end: data.length }];
  let totalBytes = 0;
  for (const { start, end } of blocks) totalBytes += snappyBlockSizeBytes(data, start, end);
  if (totalBytes > limitBytes) throw new DecompressedTooLarge('snappy data', limitBytes);
  const out = buffers(totalBytes);
  let to = 0;
  for (const block of blocks) to = decompressSnappyBlock(data, block, out, to);
  return out.subarray(0, to);
}

interface BlockRange {
  readonly start: number;
  readonly end: number;
}

/** Where the blocks lie. Another header may come between them, as when streams are written one after the other. */
function framedBlocks(data: Buffer): BlockRange[] {
  const blocks: BlockRange[] = [];
  // Java takes the end of the data for the end of the stream, even within a length.
  for (let at = HEADER_BYTES; at + 4 <= data.length; ) {
    const sizeBytes = data.readInt32BE(at);
    if (sizeBytes === MAGIC.readInt32BE(0)) {
      if (!isHeader(data, at) || data.readInt32BE(at + MAGIC.length) < VERSION) fail();
      at += HEADER_BYTES;
      continue;
    }
    const start = at + 4;
    if (sizeBytes <= 0 || sizeBytes > data.length - start) fail();
    at = start + sizeBytes;
    blocks.push({ start, end: at });
  }
  return blocks;
}

function isHeader(data: Buffer, at: number): boolean {
  return data.length - at >= HEADER_BYTES && MAGIC.compare(data, at, at + MAGIC.length) === 0;
}

function fail(): never {
  throw new DecompressionFailed('A snappy stream that makes no sense');
}
