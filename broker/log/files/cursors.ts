/**
 * Where recently read and appended offsets lie in the files, so that a reader that goes on where it
 * stopped needs no index: the batch that follows offset N - 1 begins at N's place. Anything that
 * changes files behind the end of the log clears it.
 */
import type { Segment } from './segment.ts';

/** Where a batch begins, or the segment ends. */
export interface Place {
  readonly segment: Segment;
  readonly positionBytes: number;
}

const MAX_CURSORS = 128;

export class Cursors {
  /** By offset, the one noted longest ago first; at most MAX_CURSORS. */
  readonly #places = new Map<number, Place>();

  find(offset: number): Place | undefined {
    return this.#places.get(offset);
  }

  note(offset: number, segment: Segment, positionBytes: number): void {
    const places = this.#places;
    if (places.has(offset)) places.delete(offset);
    else if (places.size >= MAX_CURSORS) {
      for (const oldest of places.keys()) {
        places.delete(oldest);
        break;
      }
    }
    places.set(offset, { segment, positionBytes });
  }

  /** No batch begins there after all. */
  forget(offset: number): void {
    this.#places.delete(offset);
  }

  clear(): void {
    this.#places.clear();
  }
}
