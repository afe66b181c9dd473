/**
 * How much compressed data one request may have decompressed. Every batch has a limit of its own, and so has
 * the request as a whole: a hundred partitions, each with a few kilobytes that become the limit of a
 * batch, would keep everybody else waiting. A failed attempt counts as far as it could have gone, for
 * it was work. Producers answer MESSAGE_TOO_LARGE by splitting the batch, and by asking again.
 * Kafka has no such limits: it decompresses as a stream, on one of several threads.
 * What is decompressed in the event loop is paid for out of the budget of its turn as well. What does not
 * fit ends the attempt with {@link TooMuchForTurn}, and is no fault of the batch: another thread takes it.
 */
import type { TurnBudget } from '../platform/loop-turns.ts';
import { type Codec, DecompressedTooLarge, TooManyRecords } from './batch.ts';
import { type BufferSupplier, freeUnlessKept, freshBuffers, reusedBuffer } from './buffer-supplier.ts';
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

/** The budget of this turn of the event loop does not allow for it. What was tried has changed nothing. */
export class TooMuchForTurn extends Error {
  override readonly name = 'TooMuchForTurn';
  /** It is work of a dear kind, of which few pieces fit into any turn. */
  readonly isDear: boolean;

  constructor(isDear = false) {
    super();
    this.isDear = isDear;
  }
}

/** As how much decompressing a byte counts that is compressed. */
export const REPACKING = 16;
/** The same of a byte whose record is made into an object. */
export const TAKING_APART = 32;

/** What compressed data opens to at the least, mostly: with less than that left there is no use in trying. */
const LIKELY_RATIO = 2;

/** What a turn should have left for a compressed batch of such a size to be worth the try; many open to more. */
export function likelyTurnBytes(sizeBytes: number): number {
  return Math.max(sizeBytes * LIKELY_RATIO, DECOMPRESSOR_BYTES);
}

/** What one request has left; with a `turn`, also what may be done for it here and now. */
export class DecompressionAllowance {
  readonly batchRecords: number;
  readonly #batchBytes: number;
  readonly #turn: TurnBudget | null;
  #bytesLeft: number;
  #recordsLeft: number;
  /** What came last of {@link decompressToReusedBuffer}, if somebody may look at it. */
  #seen: Buffer | null = null;

  constructor(limits: DecompressionLimits = DEFAULT_LIMITS, turn: TurnBudget | null = null) {
    this.batchRecords = limits.batchRecords;
    this.#batchBytes = limits.batchBytes;
    this.#bytesLeft = limits.requestBytes;
    this.#recordsLeft = limits.requestRecords;
    this.#turn = turn;
  }

  /** Nothing more is decompressed. */
  get isSpent(): boolean {
    return this.#bytesLeft <= 0;
  }

  /** What is left as limits, for whoever goes on elsewhere. */
  get left(): DecompressionLimits {
    return {
      batchBytes: this.#batchBytes,
      batchRecords: this.batchRecords,
      requestBytes: this.#bytesLeft,
      requestRecords: this.#recordsLeft,
    };
  }

  /** Takes over what is left after somebody went on elsewhere. */
  set left({ requestBytes, requestRecords }: DecompressionLimits) {
    this.#bytesLeft = requestBytes;
    this.#recordsLeft = requestRecords;
  }

  /** Decompresses a batch and takes it off what is left. */
  readonly decompress: Decompress = (codec, data) => this.#open(codec, data, freshBuffers);

  /** As {@link decompress}; what comes is overwritten by the next one. */
  readonly decompressToReusedBuffer: Decompress = (codec, data) => {
    const decompressed = this.#open(codec, data, reusedBuffer);
    // What is not compressed is part of the request.
    if (decompressed.buffer !== data.buffer) this.#seen = decompressed;
    return decompressed;
  };

  /** Nobody looks any more at what came of {@link decompressToReusedBuffer}. */
  doneWithReused(): void {
    if (this.#seen !== null) freeUnlessKept(this.#seen);
    this.#seen = null;
  }

  /** Decompresses a batch that was taken off before. */
  readonly decompressAgain: Decompress = (codec, data) => decompress(codec, data, this.#batchBytes);

  /** Runs `run` with the bytes that it may decompress to. Even an empty result is charged. */
  within(run: (limitBytes: number) => Buffer, decompressors = 1): Buffer {
    const limitBytes = Math.min(this.#batchBytes, this.#bytesLeft);
    const leastBytes = (decompressors - 1) * DECOMPRESSOR_BYTES;
    if (limitBytes <= leastBytes) throw new DecompressedTooLarge('What is compressed in this request', 0);
    const turnBytes = this.#turn?.left ?? Number.POSITIVE_INFINITY;
    if (turnBytes < limitBytes) return this.#withinTurn(run, decompressors, turnBytes);
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

  /** Before other work, that takes as long as decompressing so many bytes. */
  takeTurn(sizeBytes: number): void {
    const turn = this.#turn;
    if (turn === null) return;
    if (sizeBytes > turn.left) throw new TooMuchForTurn(true);
    turn.spend(sizeBytes);
  }

  #open(codec: Codec, data: Buffer, buffers: BufferSupplier): Buffer {
    if (this.#turn !== null && data.length * LIKELY_RATIO > this.#turn.left) throw new TooMuchForTurn();
    return this.within(
      (limitBytes) => decompress(codec, data, limitBytes, buffers),
      decompressorsFor(codec, data),
    );
  }

  #withinTurn(run: (limitBytes: number) => Buffer, decompressors: number, turnBytes: number): Buffer {
    const leastBytes = decompressors * DECOMPRESSOR_BYTES;
    if (turnBytes < leastBytes) throw new TooMuchForTurn();
    // A failed attempt was work as far as it could have gone, for the turn as for the request.
    let spentBytes = turnBytes;
    try {
      const decompressed = run(turnBytes);
      spentBytes = Math.max(decompressed.length, leastBytes);
      this.#bytesLeft -= spentBytes;
      return decompressed;
    } catch (error) {
      if (error instanceof DecompressedTooLarge) throw new TooMuchForTurn();
      this.#bytesLeft -= turnBytes;
      throw error;
    } finally {
      this.#turn?.spend(spentBytes);
    }
  }
}
