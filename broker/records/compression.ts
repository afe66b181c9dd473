/**
 * The codecs of record batches in the framings that Kafka's clients use. Opening takes a limit in
 * bytes, for a few bytes can be made to open to gigabytes; beyond it {@link DecompressedTooLarge} is
 * thrown, and {@link CorruptBatch} for bytes that are no compressed data.
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Codec, CorruptBatch, DecompressedTooLarge } from './batch.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
import { compressSnappy, decompressSnappy } from './snappy.ts';

/** Used where no other limit is given. The bytes on the wire are limited by `max.message.bytes` besides. */
export const DEFAULT_DECOMPRESSED_LIMIT_BYTES = 128 * 1024 * 1024;

/** Opens the compressed part of one batch. */
export type Open = (codec: Codec, data: Buffer) => Buffer;

/** Opens each batch up to the same limit. */
export function upTo(limitBytes: number): Open {
  return (codec, data) => decompress(codec, data, limitBytes);
}

export const openUpToDefault: Open = upTo(DEFAULT_DECOMPRESSED_LIMIT_BYTES);

/** `level` is for gzip and zstd; without it each takes its own default. */
export function compress(codec: Codec, data: Buffer, level?: number): Buffer {
  switch (codec) {
    case 'none':
      return data;
    case 'gzip':
      return gzipSync(data, level === undefined ? {} : { level });
    case 'snappy':
      return compressSnappy(data);
    case 'lz4':
      return compressLz4(data);
    case 'zstd':
      return zstdCompressSync(data, {
        params: level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level },
      });
  }
}

export function decompress(codec: Codec, data: Buffer, limitBytes: number): Buffer {
  switch (codec) {
    case 'none':
      return data;
    case 'gzip':
      return limited(codec, limitBytes, (maxOutputLength) =>
        gunzipSync(data, { maxOutputLength, chunkSize: CHUNK_BYTES }),
      );
    case 'snappy':
      return decompressSnappy(data, limitBytes);
    case 'lz4':
      return decompressLz4(data, limitBytes);
    case 'zstd':
      return limited(codec, limitBytes, (maxOutputLength) =>
        zstdDecompressSync(data, { maxOutputLength, chunkSize: CHUNK_BYTES }),
      );
  }
}

const CHUNK_BYTES = 64 * 1024;

function limited(codec: Codec, limitBytes: number, open: (maxOutputLength: number) => Buffer): Buffer {
  try {
    return open(Math.max(1, limitBytes));
  } catch (error) {
    if (error instanceof RangeError) {
      throw new DecompressedTooLarge(`${codec} data`, limitBytes);
    }
    throw new CorruptBatch(
      `Bytes that are no ${codec} data: ${error instanceof Error ? error.message : error}`,
    );
  }
}
