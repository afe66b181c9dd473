/**
 * Snappy in the stream framing of xerial's Java library, which is what Kafka's clients write: a
 * header, then blocks of at most 32 KiB, each preceded by its length. Some clients send one bare
 * block without the framing; that is read as well.
 */
import snappy from 'snappyjs';
import { CorruptBatch, DecompressedTooLarge } from './batch.ts';

const MAGIC = Buffer.from('\x82SNAPPY\0', 'latin1');
const HEADER_BYTES = 16;
const VERSION = 1;
const BLOCK_BYTES = 32 * 1024;
/** Three bytes of snappy make 64 at most, so a block that promises more lies. */
const GREATEST_RATIO = 22;

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

export function decompressSnappy(data: Buffer, limitBytes: number): Buffer {
  if (data.length < HEADER_BYTES || !data.subarray(0, MAGIC.length).equals(MAGIC)) {
    return openBlock(data, limitBytes);
  }
  const blocks: Buffer[] = [];
  let totalBytes = 0;
  for (let at = HEADER_BYTES; at < data.length; ) {
    if (at + 4 > data.length) throw new CorruptBatch('A snappy stream ends within a length');
    const sizeBytes = data.readInt32BE(at);
    at += 4;
    if (sizeBytes < 0 || at + sizeBytes > data.length) throw new CorruptBatch('A snappy block is too long');
    const block = openBlock(data.subarray(at, at + sizeBytes), limitBytes - totalBytes);
    at += sizeBytes;
    totalBytes += block.length;
    blocks.push(block);
  }
  return blocks.length === 1 && blocks[0] !== undefined ? blocks[0] : Buffer.concat(blocks, totalBytes);
}

function openBlock(block: Buffer, limitBytes: number): Buffer {
  const promisedBytes = uncompressedBytes(block);
  if (promisedBytes > block.length * GREATEST_RATIO)
    throw new CorruptBatch('A snappy block promises too much');
  if (promisedBytes > limitBytes) throw new DecompressedTooLarge('snappy data', limitBytes);
  try {
    const opened = snappy.uncompress<Uint8Array>(block);
    return Buffer.from(opened.buffer, opened.byteOffset, opened.length);
  } catch (error) {
    throw new CorruptBatch(
      `Bytes that are no snappy data: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** A block begins with the size it opens to: an unsigned varint. */
function uncompressedBytes(block: Buffer): number {
  let size = 0;
  for (let index = 0, scale = 1; index < 5; index++, scale *= 128) {
    const byte = block[index] ?? 0;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return size;
}
