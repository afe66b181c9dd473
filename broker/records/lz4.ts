/**
 * LZ4 as Kafka writes it: one frame of independent blocks of at most 64 KiB, no checksums but the
 * header's. Reading takes any frame with independent blocks and checks the block checksums it finds.
 * Written in JavaScript because the broker opens batches seldom, so that no machine lacks it.
 * Sources: LZ4 frame format 1.5.1, LZ4 block format; Kafka's Lz4BlockInputStream.
 */
import { CorruptBatch, DecompressedTooLarge } from './batch.ts';
import { compressLz4Block, decompressLz4Block, lz4BlockBound } from './lz4-block.ts';
import { xxHash32 } from './xx-hash.ts';

const FRAME_MAGIC = 0x184d2204;
const VERSION_BITS = 0x40;
const INDEPENDENT_BLOCKS = 0x20;
const BLOCK_CHECKSUMS = 0x10;
const CONTENT_SIZE = 0x08;
const RESERVED_OR_DICTIONARY = 0x03;
const UNCOMPRESSED_BLOCK = 0x8000_0000;

const WRITTEN_BLOCK_BYTES = 64 * 1024;
const WRITTEN_BLOCK_CODE = 4;
const HEADER_BYTES = 7;
const END_MARK_BYTES = 4;

/** What the frames of magic 0 messages get wrong: their header checksum covers the magic as well. */
export interface Lz4Quirk {
  readonly brokenHeaderChecksum: boolean;
}

const CORRECT: Lz4Quirk = { brokenHeaderChecksum: false };

export function compressLz4(data: Buffer, quirk = CORRECT): Buffer {
  const blocks = Math.ceil(data.length / WRITTEN_BLOCK_BYTES);
  const out = Buffer.allocUnsafe(
    HEADER_BYTES + blocks * (4 + lz4BlockBound(WRITTEN_BLOCK_BYTES)) + END_MARK_BYTES,
  );
  out.writeUInt32LE(FRAME_MAGIC, 0);
  out[4] = VERSION_BITS | INDEPENDENT_BLOCKS;
  out[5] = WRITTEN_BLOCK_CODE << 4;
  out[6] = headerChecksum(out, quirk.brokenHeaderChecksum ? 0 : 4, 6);
  let to = HEADER_BYTES;
  for (let from = 0; from < data.length; from += WRITTEN_BLOCK_BYTES) {
    const end = Math.min(from + WRITTEN_BLOCK_BYTES, data.length);
    const sizeBytes = compressLz4Block(data, from, end, out, to + 4);
    if (sizeBytes < end - from) {
      out.writeUInt32LE(sizeBytes, to);
      to += 4 + sizeBytes;
    } else {
      out.writeUInt32LE((UNCOMPRESSED_BLOCK | (end - from)) >>> 0, to);
      to += 4 + data.copy(out, to + 4, from, end);
    }
  }
  out.writeUInt32LE(0, to);
  return out.subarray(0, to + END_MARK_BYTES);
}

export function decompressLz4(data: Buffer, limitBytes: number, quirk = CORRECT): Buffer {
  const frame = readHeader(data, quirk);
  const blocks: Buffer[] = [];
  let totalBytes = 0;
  let at = frame.headerBytes;
  for (;;) {
    const sizeField = readUInt32(data, at);
    at += 4;
    if (sizeField === 0) break;
    const sizeBytes = sizeField & ~UNCOMPRESSED_BLOCK;
    const end = at + sizeBytes;
    if (sizeBytes > frame.maxBlockBytes || end > data.length)
      throw new CorruptBatch('An LZ4 block is too long');
    const raw = data.subarray(at, end);
    at = end;
    if (frame.blockChecksums) {
      if (readUInt32(data, at) !== xxHash32(raw)) throw new CorruptBatch('An LZ4 block fails its checksum');
      at += 4;
    }
    const block = sizeField >= UNCOMPRESSED_BLOCK ? raw : decompressLz4Block(raw, frame.maxBlockBytes);
    totalBytes += block.length;
    if (totalBytes > limitBytes) throw new DecompressedTooLarge('lz4 data', limitBytes);
    blocks.push(block);
  }
  return blocks.length === 1 && blocks[0] !== undefined ? blocks[0] : Buffer.concat(blocks, totalBytes);
}

interface Frame {
  readonly headerBytes: number;
  readonly maxBlockBytes: number;
  readonly blockChecksums: boolean;
}

function readHeader(data: Buffer, quirk: Lz4Quirk): Frame {
  if (data.length < HEADER_BYTES || data.readUInt32LE(0) !== FRAME_MAGIC) {
    throw new CorruptBatch('Not an LZ4 frame');
  }
  const flags = data.readUInt8(4);
  const blockCode = (data.readUInt8(5) >> 4) & 7;
  if ((flags & 0xc0) !== VERSION_BITS || (flags & RESERVED_OR_DICTIONARY) !== 0 || blockCode < 4) {
    throw new CorruptBatch('An LZ4 frame of an unknown kind');
  }
  // Java clients can't read linked blocks, so a batch that has them must not be taken in.
  if ((flags & INDEPENDENT_BLOCKS) === 0) throw new CorruptBatch('LZ4 blocks that depend on each other');
  const checksumAt = 6 + ((flags & CONTENT_SIZE) !== 0 ? 8 : 0);
  if (checksumAt >= data.length) throw new CorruptBatch('An LZ4 frame ends within its header');
  if (!quirk.brokenHeaderChecksum && data[checksumAt] !== headerChecksum(data, 4, checksumAt)) {
    throw new CorruptBatch('An LZ4 frame header fails its checksum');
  }
  // A content checksum would follow the end mark; like Java's reader this one stops at the mark.
  return {
    headerBytes: checksumAt + 1,
    maxBlockBytes: 1 << (8 + 2 * blockCode),
    blockChecksums: (flags & BLOCK_CHECKSUMS) !== 0,
  };
}

function headerChecksum(data: Buffer, from: number, to: number): number {
  return (xxHash32(data.subarray(from, to)) >>> 8) & 0xff;
}

function readUInt32(data: Buffer, at: number): number {
  if (at + 4 > data.length) throw new CorruptBatch('An LZ4 frame ends too early');
  return data.readUInt32LE(at);
}
