/**
 * The batches of a segment in slices, between which the broker goes on. A slice ends when it has taken as much
 * work as may hold the event loop: bytes as they are in the file, bytes as they are decompressed, and records.
 * What is too much in a single batch is done apart, after the slice that it ends (batch-jobs.ts).
 */
import {
  batchBaseOffset,
  batchCrcIsValid,
  batchRecordCount,
  batchSizeBytes,
  CorruptBatch,
  DecompressedTooLarge,
} from '../../records/batch.ts';
import { type Decompress, decompress } from '../../records/compression.ts';
import { scanBatches } from '../files/scan.ts';
import type { Segment } from '../files/segment.ts';
import type { LogState } from '../log-state.ts';

/** What a slice may take: some ten milliseconds, at the two or three microseconds of a record. */
export interface SliceLimits {
  readonly bytes: number;
  readonly records: number;
}

export const SLICE_LIMITS: SliceLimits = { bytes: 1024 * 1024, records: 4000 };

/** The batch decompresses to more than a slice may take. Nothing has been done with it. */
class TooMuchForSlice extends Error {
  override readonly name = 'TooMuchForSlice';
}

/** What is done about a batch after the slice. */
type Apart = () => Promise<void>;
/** `end`: the walk is over with this batch. */
export type Visited = 'next' | 'end' | Apart;
type VisitBatch = (buffer: Buffer, at: number, positionBytes: number, work: SliceWork) => Visited;

/** The work of one slice. */
class SliceWork {
  readonly #limits: SliceLimits;
  /** Of a batch, by compressed.batch.max.decompressed.bytes. */
  readonly #batchLimitBytes: number;
  #bytes = 0;
  #records = 0;

  constructor(limits: SliceLimits, batchLimitBytes: number) {
    this.#limits = limits;
    this.#batchLimitBytes = batchLimitBytes;
  }

  get isEnough(): boolean {
    return this.#bytes >= this.#limits.bytes || this.#records >= this.#limits.records;
  }

  /** Runs `read`, which reads the records of a batch; what it is too much for is done apart. */
  reading(buffer: Buffer, at: number, read: (decompress: Decompress) => void, apart: Apart): Visited {
    const count = batchRecordCount(buffer, at);
    if (count > this.#limits.records || batchSizeBytes(buffer, at) > this.#limits.bytes) return apart;
    try {
      read(this.#decompress);
    } catch (error) {
      if (error instanceof TooMuchForSlice) return apart;
      throw error;
    }
    this.#records += count;
    return 'next';
  }

  readonly #decompress: Decompress = (codec, data) => {
    const limitBytes = Math.min(this.#limits.bytes, this.#batchLimitBytes);
    try {
      const decompressed = decompress(codec, data, limitBytes);
      this.#bytes += decompressed.length;
      return decompressed;
    } catch (error) {
      // Whether it is too large altogether is found apart.
      if (error instanceof DecompressedTooLarge) throw new TooMuchForSlice();
      throw error;
    }
  };
}

interface Slice {
  readonly log: LogState;
  readonly segment: Segment;
  readonly fromBytes: number;
  readonly limits: SliceLimits;
}

interface SliceEnd {
  /** Where to go on. */
  readonly position: number;
  readonly apart: Apart | null;
}

/**
 * At least one batch. One that can't be read makes the partition uncleanable: an error. So does one that does not
 * match its checksum, which would be given a new one here, and be sound from then on. (Kafka does that.)
 */
export function visitSlice({ log, segment, fromBytes, limits }: Slice, visit: VisitBatch): SliceEnd {
  const work = new SliceWork(limits, log.services.config.compressedBatchMaxDecompressedBytes);
  let visited: Visited = 'next';
  let isOver = false;
  const range = { fromBytes, toBytes: segment.sizeBytes };
  const position = scanBatches(segment.file(), range, log.buffers, (buffer, at, positionBytes) => {
    const bytes = positionBytes - fromBytes;
    const isFull = bytes > 0 && (work.isEnough || bytes + batchSizeBytes(buffer, at) > limits.bytes);
    if (isOver || isFull) {
      isOver = true;
      return 'stop';
    }
    if (!batchCrcIsValid(buffer, at)) {
      throw new CorruptBatch(`The batch at offset ${batchBaseOffset(buffer, at)} of ${log.name} is corrupt`);
    }
    visited = visit(buffer, at, positionBytes, work);
    isOver = visited !== 'next';
    return undefined;
  });
  if (!isOver && position < segment.sizeBytes) {
    throw new Error(`${log.name} has an unreadable batch at ${position} of segment ${segment.baseOffset}`);
  }
  return { position, apart: apartOf(visited) };
}

function apartOf(visited: Visited): Apart | null {
  return typeof visited === 'function' ? visited : null;
}
