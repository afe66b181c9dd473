/**
 * Gzip as Java reads it: any number of members one after the other, and whatever follows the last
 * one is passed over unless it begins as another member. zlib does the members; where it refuses what
 * follows them, or a flag that has no meaning yet, they are taken one by one.
 * Source: RFC 1952; Java's GZIPInputStream.
 */
import { crc32, gunzipSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { DecompressedTooLarge, DecompressionFailed } from './batch.ts';
import { CHUNK_BYTES, chunkFor } from './zlib-chunks.ts';

/** Deflate makes no more of a byte. */
const MOST_OUT_OF_A_BYTE = 1032;
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const DEFLATE = 8;
const HEADER_CHECKSUM = 0x02;
const EXTRA_FIELD = 0x04;
const NAME = 0x08;
const COMMENT = 0x10;
/** Each member costs a decompressor here; nobody sends so many with something odd among them. */
const MAX_MEMBERS_ONE_BY_ONE = 100;

export function decompressGzip(data: Buffer, limitBytes: number): Buffer {
  try {
    return gunzipSync(data, {
      maxOutputLength: Math.max(1, limitBytes),
      chunkSize: chunkBytes(data, limitBytes),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new DecompressedTooLarge('gzip data', limitBytes);
    return oneByOne(data, limitBytes);
  }
}

/**
 * What the last member says that it holds, and a byte for zlib to see that it is the end: it is decompressed in
 * place then, and not put together of pieces, which costs as much again.
 */
function chunkBytes(data: Buffer, limitBytes: number): number {
  const saidBytes = data.length < TRAILER_BYTES ? 0 : data.readUInt32LE(data.length - 4);
  return chunkFor(Math.min(saidBytes, data.length * MOST_OUT_OF_A_BYTE), limitBytes);
}

function oneByOne(data: Buffer, limitBytes: number): Buffer {
  const decompressed: Buffer[] = [];
  let totalBytes = 0;
  let next = headerEnd(data, 0);
  if (next === null) throw new DecompressionFailed('Bytes that are no gzip data');
  while (next !== null) {
    if (decompressed.length === MAX_MEMBERS_ONE_BY_ONE)
      throw new DecompressionFailed('Too many gzip members');
    const { bytes, end } = inflate(data.subarray(next), limitBytes - totalBytes);
    const trailerAt: number = next + end;
    checkTrailer(data, trailerAt, bytes);
    decompressed.push(bytes);
    totalBytes += bytes.length;
    const after = trailerAt + TRAILER_BYTES;
    // Java does not even look at what is too short to be a member.
    next = data.length - after > HEADER_BYTES + TRAILER_BYTES ? headerEnd(data, after) : null;
  }
  return Buffer.concat(decompressed, totalBytes);
}

/** The bytes of one deflate stream, and where it ends in `data`. */
function inflate(data: Buffer, limitBytes: number): { bytes: Buffer; end: number } {
  const options = { maxOutputLength: Math.max(1, limitBytes), chunkSize: CHUNK_BYTES, info: true };
  try {
    // With `info` the decompressor comes along, which knows how far it read.
    const { buffer, engine } = inflateRawSync(data, options as ZlibOptions) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    return { bytes: buffer, end: engine.bytesWritten };
  } catch (error) {
    if (error instanceof RangeError) throw new DecompressedTooLarge('gzip data', limitBytes);
    throw new DecompressionFailed(
      `Bytes that are no gzip data: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function checkTrailer(data: Buffer, at: number, bytes: Buffer): void {
  const complete = at + TRAILER_BYTES <= data.length;
  if (!complete || data.readUInt32LE(at) !== crc32(bytes) || data.readUInt32LE(at + 4) !== bytes.length) {
    throw new DecompressionFailed('A gzip member fails its checksum');
  }
}

/** Where the deflate stream of the member at `at` begins; null when no member begins there. */
function headerEnd(data: Buffer, at: number): number | null {
  if (at + HEADER_BYTES > data.length || data.readUInt16BE(at) !== 0x1f8b || data[at + 2] !== DEFLATE)
    return null;
  const flags = data.readUInt8(at + 3);
  let end = at + HEADER_BYTES;
  if ((flags & EXTRA_FIELD) !== 0) {
    if (end + 2 > data.length) return null;
    end += 2 + data.readUInt16LE(end);
  }
  for (const field of [NAME, COMMENT]) {
    if ((flags & field) === 0) continue;
    const zeroAt = data.indexOf(0, end);
    if (zeroAt < 0) return null;
    end = zeroAt + 1;
  }
  if ((flags & HEADER_CHECKSUM) !== 0) {
    if (end + 2 > data.length || data.readUInt16LE(end) !== (crc32(data.subarray(at, end)) & 0xffff))
      return null;
    end += 2;
  }
  return end;
}
