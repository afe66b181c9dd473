/**
 * How much compressed data one request may have decompressed. Every batch has a limit of its own, and so has
 * the request as a whole: a hundred partitions, each with a few kilobytes that become the limit of a
 * batch, would keep everybody else waiting. A failed attempt counts as far as it could have gone, for
 * it was work. Producers answer MESSAGE_TOO_LARGE by splitting the batch, and by asking again.
 * Kafka has no such limits: it decompresses as a stream, on one of several threads.
 */
import { type Codec, DecompressedTooLarge, TooManyRecords } from './batch.ts';
import { reusedBuffer } from './buffer-supplier.ts';
import {
  DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  type Decompress,
  decompress,
  decompressorsFor,
} from './compression.ts';

export interface DecompressionLimits {
  /** compressed.batch.max.decompressed.bytes */
  readonly batchBytes: number;
  /** compressed.batch.max.records */
  readonly batchRecords: number;
  /** request.max.decompressed.bytes */
  readonly requestBytes: number;
  /** request.max.decompressed.records */
  readonly requestRecords: number;
}

/** For who decompresses batches of our own making; the configs have the same defaults. */
const DEFAULT_LIMITS: DecompressionLimits = {
  batchBytes: DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  // The most that librdkafka puts into one (batch.num.messages).
  batchRecords: 1_000_000,
  requestBytes: 2 * DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  requestRecords: 2_000_000,
};

/** The making of a decompressor takes as long as decompressing so much; a megabyte of input can ask for 100,000 of them. */
const DECOMPRESSOR_BYTES = 16 * 1024;

/** What one request has left. */
export class DecompressionAllowance {
  readonly batchRecords: number;
  readonly #batchBytes: number;
  #bytesLeft: number;
  #recordsLeft: number;

  constructor(limits: DecompressionLimits = DEFAULT_LIMITS) {
    this.batchRecords = limits.batchRecords;
    this.#batchBytes = limits.batchBytes;
    this.#bytesLeft = limits.requestBytes;
    this.#recordsLeft = limits.requestRecords;
  }

  get isSpent(): boolean {
    return this.#bytesLeft <= 0;
  }

  /** Decompresses a batch and takes it off what is left. */
  readonly decompress: Decompress = (codec, data) =>
    this.within((limitBytes) => decompress(codec, data, limitBytes), decompressorsFor(codec, data));

  /** As {@link decompress}; what comes is overwritten by the next one. */
  readonly decompressToReusedBuffer: Decompress = (codec, data) =>
    this.within(
      (limitBytes) => decompress(codec, data, limitBytes, reusedBuffer),
      decompressorsFor(codec, data),
    );

  /** Decompresses a batch that was taken off before. */
  readonly decompressAgain: Decompress = (codec: Codec, data: Buffer) =>
    decompress(codec, data, this.#batchBytes);

  /** Runs `run` with the bytes that it may decompress to. Even an empty result is charged. */
  within(run: (limitBytes: number) => Buffer, decompressors = 1): Buffer {
    const limitBytes = Math.min(this.#batchBytes, this.#bytesLeft);
    const leastBytes = (decompressors - 1) * DECOMPRESSOR_BYTES;
    if (limitBytes <= leastBytes) throw new DecompressedTooLarge('What is compressed in this request', 0);
    this.#bytesLeft -= limitBytes;
    const decompressed = run(limitBytes);
    this.#bytesLeft += limitBytes - Math.max(decompressed.length, decompressors * DECOMPRESSOR_BYTES);
    return decompressed;
  }

  /** Takes off records of a batch that has given `before` already. */
  takeRecords(records: number, before = 0): void {
    if (before + records > this.batchRecords) {
      throw new TooManyRecords(`A compressed batch of more than ${this.batchRecords} records`);
    }
    if (records > this.#recordsLeft) {
      throw new TooManyRecords('The compressed batches of this request have too many records');
    }
    this.#recordsLeft -= records;
  }
}
