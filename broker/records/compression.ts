/**
 * The codecs of record batches in the framings that Kafka's clients use. Decompression takes a limit in
 * bytes, for a few bytes can be made to become gigabytes; beyond it {@link DecompressedTooLarge} is
 * thrown, and {@link DecompressionFailed} for bytes that are no compressed data.
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Codec } from './batch.ts';
import { type BufferSupplier, freshBuffers } from './buffer-supplier.ts';
import { decompressGzip } from './gzip.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
import { compressSnappy, decompressSnappy } from './snappy.ts';
import { decompressZstd, zstdFrames } from './zstd.ts';

/** Used where no other limit is given. The bytes on the wire are limited by `max.message.bytes` besides. */
export const DEFAULT_DECOMPRESSED_LIMIT_BYTES = 128 * 1024 * 1024;

/** Decompresses the compressed part of one batch. */
export type Decompress = (codec: Codec, data: Buffer) => Buffer;

/** Decompresses each batch up to the same limit. */
export function decompressUpTo(limitBytes: number): Decompress {
  return (codec, data) => decompress(codec, data, limitBytes);
}

export const decompressUpToDefault: Decompress = decompressUpTo(DEFAULT_DECOMPRESSED_LIMIT_BYTES);

/** `level` is for gzip, lz4 and zstd; without it each takes its own default. */
export function compress(codec: Codec, data: Buffer, level?: number): Buffer {
  switch (codec) {
    case 'none':
      return data;
    case 'gzip':
      return gzipSync(data, level === undefined ? {} : { level });
    case 'snappy':
      return compressSnappy(data);
    case 'lz4':
      return compressLz4(data, undefined, level);
    case 'zstd':
      return zstdCompressSync(data, {
        params: level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level },
      });
  }
}

/** What comes in the memory of `buffers` is a view of it; zlib's codecs take their own. */
export function decompress(
  codec: Codec,
  data: Buffer,
  limitBytes: number,
  buffers: BufferSupplier = freshBuffers,
): Buffer {
  switch (codec) {
    case 'none':
      return data;
    case 'gzip':
      return decompressGzip(data, limitBytes);
    case 'snappy':
      return decompressSnappy(data, limitBytes, buffers);
    case 'lz4':
      return decompressLz4(data, limitBytes, undefined, buffers);
    case 'zstd':
      return decompressZstd(data, limitBytes);
  }
}

/** How many decompressors that takes: each costs time, however little comes out. */
export function decompressorsFor(codec: Codec, data: Buffer): number {
  return codec === 'zstd' ? Math.max(1, zstdFrames(data).length) : 1;
}
