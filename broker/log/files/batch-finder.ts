/**
 * Where in a segment the batch of an offset begins: by the index, or, where that misleads or comes to something
 * that is no batch, by a walk from the beginning. How far such a walk has come is remembered: a reader at a damaged
 * place asks again and again, and a large segment takes a walk of some hundred milliseconds.
 */
import type { DiskFile } from '../../platform/disk.ts';
import { batchBaseOffset, batchSizeBytes } from '../../records/batch.ts';
import { lastOffsetOf } from './batch-fields.ts';
import type { OffsetIndex } from './offset-index.ts';
import { scanHeaders } from './scan.ts';

export interface BatchPosition {
  readonly positionBytes: number;
  readonly sizeBytes: number;
}

/** No batch begins here, and one should. */
export type DamagePosition = Pick<BatchPosition, 'positionBytes'>;

/** What is looked through. */
interface Searched {
  readonly indexes: { readonly offset: Pick<OffsetIndex, 'lookup'> };
  readonly sizeBytes: number;
  file(): DiskFile;
}

const BEGINNING = { positionBytes: 0, nextOffset: 0 };

export class BatchFinder {
  readonly #searched: Searched;
  /** From the beginning to `positionBytes` there are batches only, and all of them end below `nextOffset`. */
  #walked = BEGINNING;

  constructor(searched: Searched) {
    this.#searched = searched;
  }

  /**
   * The first batch whose last offset is at `offset` or above, or where bytes that are no batch come before it;
   * null past the end.
   */
  find(offset: number): BatchPosition | DamagePosition | null {
    const { indexes, sizeBytes } = this.#searched;
    const fromBytes = indexes.offset.lookup(offset).positionBytes;
    const found = fromBytes > 0 && fromBytes <= sizeBytes ? this.#byIndex(offset, fromBytes) : 'misled';
    // An index that was damaged behind our back costs time, not data.
    return found === 'misled' ? this.#byWalk(offset) : found;
  }

  /** To be called when the file is cut. */
  forget(): void {
    this.#walked = BEGINNING;
  }

  /** `misled`: this is no place to begin at, or there are not only batches from here to what is looked for. */
  #byIndex(offset: number, fromBytes: number): BatchPosition | null | 'misled' {
    let found: BatchPosition | null | 'misled' = null;
    const range = { fromBytes, toBytes: this.#searched.sizeBytes };
    const stoppedAt = scanHeaders(this.#searched.file(), range, (buffer, at, positionBytes) => {
      if (positionBytes === fromBytes && batchBaseOffset(buffer, at) > offset) {
        found = 'misled';
        return 'stop';
      }
      if (lastOffsetOf(buffer, at) < offset) return undefined;
      found = { positionBytes, sizeBytes: batchSizeBytes(buffer, at) };
      return 'stop';
    });
    return found !== null || stoppedAt === range.toBytes ? found : 'misled';
  }

  #byWalk(offset: number): BatchPosition | DamagePosition | null {
    const from = offset < this.#walked.nextOffset ? BEGINNING : this.#walked;
    let { nextOffset } = from;
    let found: BatchPosition | null = null;
    const range = { fromBytes: from.positionBytes, toBytes: this.#searched.sizeBytes };
    const stoppedAt = scanHeaders(this.#searched.file(), range, (buffer, at, positionBytes) => {
      const lastOffset = lastOffsetOf(buffer, at);
      if (lastOffset >= offset) {
        found = { positionBytes, sizeBytes: batchSizeBytes(buffer, at) };
        return 'stop';
      }
      nextOffset = Math.max(nextOffset, lastOffset + 1);
      return undefined;
    });
    if (stoppedAt > this.#walked.positionBytes) this.#walked = { positionBytes: stoppedAt, nextOffset };
    return found !== null || stoppedAt === range.toBytes ? found : { positionBytes: stoppedAt };
  }
}
