/**
 * LZ4 as Kafka writes it: one frame of independent blocks of at most 64 KiB, no checksums but the
 * header's. Reading takes any frame with independent blocks and checks the block checksums it finds.
 * Blocks of some size are opened by native code where the machine has it.
 * Sources: LZ4 frame format 1.5.1, LZ4 block format; Kafka's Lz4BlockInputStream.
 */
import { DecompressedTooLarge, DecompressionFailed } from './batch.ts';
import { type BufferSupplier, filledPart, freshBuffers } from './buffer-supplier.ts';
import {
  type BlockRange,
  compressLz4Block,
  decompressLz4Block,
  GREATEST_RATIO,
  lz4BlockBound,
} from './lz4-block.ts';
import { attemptsOfLevel, compressDenseLz4Block } from './lz4-dense-block.ts';
import { decompressLz4BlockNatively, opensNatively } from './lz4-native.ts';
import { xxHash32 } from './xx-hash.ts';

const FRAME_MAGIC = 0x184d2204;
const VERSION_BITS = 0x40;
const INDEPENDENT_BLOCKS = 0x20;
const BLOCK_CHECKSUMS = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const RESERVED_OR_DICTIONARY = 0x03;
const RESERVED_DESCRIPTOR = 0x8f;
const UNCOMPRESSED_BLOCK = 0x8000_0000;

/** Native code gives out a buffer a block, which waits to be collected: of one frame no more than this. */
const MOST_OPENED_NATIVELY_BYTES = 32 * 1024 * 1024;

const WRITTEN_BLOCK_BYTES = 64 * 1024;
const WRITTEN_BLOCK_CODE = 4;
const HEADER_BYTES = 7;
const END_MARK_BYTES = 4;

/** What the frames of magic 0 messages get wrong: their header checksum covers the magic as well. */
interface Lz4Quirk {
  readonly brokenHeaderChecksum: boolean;
}

const CORRECT: Lz4Quirk = { brokenHeaderChecksum: false };

/** The level that stands for the fast encoder, as in Kafka; any other is one of the slower, denser one. */
const FAST_LEVEL = 9;

/** `level` is Kafka's, 1 to 17. */
export function compressLz4(data: Buffer, quirk = CORRECT, level = FAST_LEVEL): Buffer {
  const attempts = attemptsOfLevel(level);
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
    const range = { start: from, end };
    const sizeBytes =
      level === FAST_LEVEL
        ? compressLz4Block(data, range, out, to + 4)
        : compressDenseLz4Block(data, range, out, { outStart: to + 4, attempts });
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

/**
 * Decompresses the first frame, as Kafka does: what follows it is passed over. A block of which nothing comes,
 * which its reader takes for the end, ends the frame as well.
 */
export function decompressLz4(
  data: Buffer,
  limitBytes: number,
  quirk = CORRECT,
  buffers: BufferSupplier = freshBuffers,
): Buffer {
  const frame = readHeader(data, quirk);
  const { blocks, mostBytes } = readBlocks(data, frame);
  const out = buffers(Math.min(mostBytes, limitBytes + frame.maxBlockBytes));
  let to = 0;
  for (const { start, end, stored } of blocks) {
    if (frame.blockChecksums && data.readUInt32LE(end) !== xxHash32(data.subarray(start, end))) {
      throw new DecompressionFailed('An LZ4 block fails its checksum');
    }
    const from = to;
    if (stored) to += data.copy(out, to, start, end);
    else to = openBlock(data, { start, end }, out, { from, mostBytes: frame.maxBlockBytes });
    if (to > limitBytes) throw new DecompressedTooLarge('lz4 data', limitBytes);
    if (to === from) break;
  }
  return filledPart(out, to, buffers);
}

function openBlock(...[data, range, out, room]: Parameters<typeof decompressLz4Block>): number {
  const isNative = room.from < MOST_OPENED_NATIVELY_BYTES && opensNatively(range);
  const open = isNative ? decompressLz4BlockNatively : decompressLz4Block;
  return open(data, range, out, room);
}

interface FoundBlock extends BlockRange {
  readonly stored: boolean;
}

/** Where the blocks lie up to the end mark, and the most that can come of them. */
function readBlocks(data: Buffer, frame: Frame): { blocks: FoundBlock[]; mostBytes: number } {
  const blocks: FoundBlock[] = [];
  let mostBytes = 0;
  for (let at = frame.headerBytes; ; ) {
    const sizeField = readUInt32(data, at);
    const sizeBytes = sizeField & ~UNCOMPRESSED_BLOCK;
    const start = at + 4;
    const end = start + sizeBytes;
    if (sizeBytes === 0) {
      // Kafka wants the content checksum to be there, and does not compare it.
      if (frame.contentChecksum) readUInt32(data, start);
      return { blocks, mostBytes };
    }
    if (sizeBytes > frame.maxBlockBytes || end > data.length) {
      throw new DecompressionFailed('An LZ4 block is too long');
    }
    if (frame.blockChecksums) readUInt32(data, end);
    at = end + (frame.blockChecksums ? 4 : 0);
    const stored = sizeField >= UNCOMPRESSED_BLOCK;
    mostBytes += stored ? sizeBytes : Math.min(frame.maxBlockBytes, sizeBytes * GREATEST_RATIO);
    blocks.push({ start, end, stored });
  }
}

interface Frame {
  readonly headerBytes: number;
  readonly maxBlockBytes: number;
  readonly blockChecksums: boolean;
  readonly contentChecksum: boolean;
}

function readHeader(data: Buffer, quirk: Lz4Quirk): Frame {
  if (data.length < HEADER_BYTES || data.readUInt32LE(0) !== FRAME_MAGIC) {
    throw new DecompressionFailed('Not an LZ4 frame');
  }
  const flags = data.readUInt8(4);
  const descriptor = data.readUInt8(5);
  const blockCode = (descriptor >> 4) & 7;
  const known = (flags & 0xc0) === VERSION_BITS && (flags & RESERVED_OR_DICTIONARY) === 0;
  if (!known || (descriptor & RESERVED_DESCRIPTOR) !== 0 || blockCode < 4) {
    throw new DecompressionFailed('An LZ4 frame of an unknown kind');
  }
  // Java clients can't read linked blocks, so a batch that has them must not be taken in.
  if ((flags & INDEPENDENT_BLOCKS) === 0)
    throw new DecompressionFailed('LZ4 blocks that depend on each other');
  const checksumAt = 6 + ((flags & CONTENT_SIZE) !== 0 ? 8 : 0);
  if (checksumAt >= data.length) throw new DecompressionFailed('An LZ4 frame ends within its header');
  if (!quirk.brokenHeaderChecksum && data[checksumAt] !== headerChecksum(data, 4, checksumAt)) {
    throw new DecompressionFailed('An LZ4 frame header fails its checksum');
  }
  return {
    headerBytes: checksumAt + 1,
    maxBlockBytes: 1 << (8 + 2 * blockCode),
    blockChecksums: (flags & BLOCK_CHECKSUMS) !== 0,
    contentChecksum: (flags & CONTENT_CHECKSUM) !== 0,
  };
}

function headerChecksum(data: Buffer, from: number, to: number): number {
  return (xxHash32(data.subarray(from, to)) >>> 8) & 0xff;
}

function readUInt32(data: Buffer, at: number): number {
  if (at + 4 > data.length) throw new DecompressionFailed('An LZ4 frame ends too early');
  return data.readUInt32LE(at);
}
