/**
 * Zstandard as zstd-jni reads it for Kafka: any number of frames one after the other, skippable ones
 * among them. Node decompresses one frame at a time, so their ends are found first, from the headers of their
 * blocks. What is cut after a whole frame is passed over; anything else that is no frame is refused.
 * Source: RFC 8878; zstd-jni's ZstdInputStreamNoFinalizer.
 */
import { zstdDecompressSync } from 'node:zlib';
import { DecompressedTooLarge, DecompressionFailed } from './batch.ts';
import { chunkFor } from './zlib-chunks.ts';

const FRAME_MAGIC = 0xfd2fb528;
/** The last four bits are free. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const REPEATED_BYTE = 1;

export function decompressZstd(data: Buffer, limitBytes: number): Buffer {
  const decompressed: Buffer[] = [];
  let totalBytes = 0;
  for (const frame of zstdFrames(data)) {
    const bytes = decompressFrame(frame, limitBytes - totalBytes);
    totalBytes += bytes.length;
    decompressed.push(bytes);
  }
  if (totalBytes > limitBytes) throw new DecompressedTooLarge('zstd data', limitBytes);
  return decompressed.length === 1 && decompressed[0] !== undefined
    ? decompressed[0]
    : Buffer.concat(decompressed, totalBytes);
}

/** The frames that hold something, in order. Each costs a decompressor. */
export function zstdFrames(data: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const end = frameEnd(data, at);
    if (end === null) {
      if (at === 0) throw new DecompressionFailed('A zstd frame is cut short');
      break;
    }
    if (isFrame(data, at)) frames.push(data.subarray(at, end));
    at = end;
  }
  return frames;
}

function decompressFrame(frame: Buffer, limitBytes: number): Buffer {
  try {
    return zstdDecompressSync(frame, {
      maxOutputLength: Math.max(1, limitBytes),
      chunkSize: chunkFor(contentSize(frame) ?? 0, limitBytes),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new DecompressedTooLarge('zstd data', limitBytes);
    throw new DecompressionFailed(
      `Bytes that are no zstd data: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** null where the frame does not say. */
function contentSize(frame: Buffer): number | null {
  const descriptor = frame.readUInt8(4);
  const sizeBytes = contentSizeFieldBytes(descriptor);
  const at = 5 + ((descriptor & SINGLE_SEGMENT) === 0 ? 1 : 0) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  switch (sizeBytes) {
    case 1:
      return frame.readUInt8(at);
    case 2:
      return frame.readUInt16LE(at) + 256;
    case 4:
      return frame.readUInt32LE(at);
    case 8:
      return Number(frame.readBigUInt64LE(at));
    default:
      return null;
  }
}

function contentSizeFieldBytes(descriptor: number): number {
  const sizeCode = descriptor >> 6;
  return sizeCode === 0 && (descriptor & SINGLE_SEGMENT) !== 0 ? 1 : (CONTENT_SIZE_BYTES[sizeCode] ?? 0);
}

function isFrame(data: Buffer, at: number): boolean {
  return data.readUInt32LE(at) === FRAME_MAGIC;
}

/** null when the data ends within the frame. Whether the blocks make sense is the decompressor's business. */
function frameEnd(data: Buffer, at: number): number | null {
  if (at + 4 > data.length) {
    if (beginsAsFrame(data, at)) return null;
    throw new DecompressionFailed('Bytes that are no zstd frame');
  }
  if (isFrame(data, at)) return contentEnd(data, at);
  if ((data.readUInt32LE(at) & 0xfffffff0) !== SKIPPABLE_MAGIC) {
    throw new DecompressionFailed('Bytes that are no zstd frame');
  }
  if (at + 8 > data.length) return null;
  const end = at + 8 + data.readUInt32LE(at + 4);
  return end <= data.length ? end : null;
}

/** Of less than four bytes. */
function beginsAsFrame(data: Buffer, at: number): boolean {
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18]);
  const rest = Buffer.from(data.subarray(at));
  if (rest.equals(magic.subarray(0, rest.length))) return true;
  rest.writeUInt8(rest.readUInt8(0) & 0xf0, 0);
  return rest.equals(skippable.subarray(0, rest.length));
}

function contentEnd(data: Buffer, start: number): number | null {
  if (start + 5 > data.length) return null;
  const descriptor = data.readUInt8(start + 4);
  const singleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
  const beforeSize = start + 5 + (singleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  let at = beforeSize + contentSizeFieldBytes(descriptor);
  for (let last = false; !last; ) {
    if (at + BLOCK_HEADER_BYTES > data.length) return null;
    const header = data.readUIntLE(at, BLOCK_HEADER_BYTES);
    last = (header & 1) === 1;
    at += BLOCK_HEADER_BYTES + (((header >> 1) & 3) === REPEATED_BYTE ? 1 : header >> 3);
  }
  if ((descriptor & CHECKSUM) !== 0) at += 4;
  return at <= data.length ? at : null;
}
