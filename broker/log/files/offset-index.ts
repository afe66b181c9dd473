/**
 * Where offsets are in a segment's file: entries of 8 bytes (int32 offset - base, int32 position),
 * sparse and strictly ascending. An entry's offset is the last of the chunk that was appended, its
 * position the start of that chunk. A lookup gives the largest entry at or below the target.
 * (Kafka's OffsetIndex.)
 */
import type { Disk } from '../../platform/disk.ts';
import { IndexFile } from './index-file.ts';
import { CorruptFile } from './storage-error.ts';

const ENTRY_BYTES = 8;

interface OffsetPosition {
  readonly offset: number;
  readonly positionBytes: number;
}

export class OffsetIndex {
  readonly file: IndexFile;
  readonly #baseOffset: number;
  /** Of the last entry; the base offset when there is none. */
  #lastOffset: number;

  constructor(disk: Disk, path: string, baseOffset: number, maxBytes: number) {
    this.file = new IndexFile(disk, path, ENTRY_BYTES, maxBytes);
    this.#baseOffset = baseOffset;
    this.#lastOffset = baseOffset;
  }

  get isFull(): boolean {
    return this.file.count >= this.file.maxEntries;
  }

  /** Offset of the last entry; the base offset when there is none. */
  get lastOffset(): number {
    return this.#lastOffset;
  }

  /** Takes over an existing file. Throws CorruptFile when it is missing or its end is not that of an index. */
  load(): void {
    this.file.loadWhole();
    if (this.file.count === 0) return;
    const first = this.#entry(0);
    const last = this.#entry(this.file.count - 1);
    if (last.offset < this.#baseOffset || last.positionBytes < 0) {
      throw new CorruptFile(this.file.path, `last entry ${last.offset} at ${last.positionBytes}`);
    }
    if (this.file.count > 1 && (last.offset <= first.offset || last.positionBytes <= first.positionBytes)) {
      throw new CorruptFile(this.file.path, 'the last entry does not follow the first');
    }
    this.#lastOffset = last.offset;
  }

  append(offset: number, positionBytes: number): void {
    if (this.file.count > 0 && offset <= this.#lastOffset) {
      throw new Error(`offset index: ${offset} does not follow ${this.#lastOffset} in ${this.file.path}`);
    }
    this.file.push((buffer, at) => {
      buffer.writeInt32BE(offset - this.#baseOffset, at);
      buffer.writeInt32BE(positionBytes, at + 4);
    });
    this.#lastOffset = offset;
  }

  /** The largest entry at or below `offset`; the start of the segment when there is none. */
  lookup(offset: number): OffsetPosition {
    const relative = offset - this.#baseOffset;
    const index = this.file.lastWhere((buffer, at) => buffer.readInt32BE(at) <= relative);
    return index < 0 ? { offset: this.#baseOffset, positionBytes: 0 } : this.#entry(index);
  }

  /** The largest entry at or below `offset` whose position is at most `positionBytes`; null when there is none. */
  lookupBelow(offset: number, positionBytes: number): OffsetPosition | null {
    const relative = offset - this.#baseOffset;
    const index = this.file.lastWhere(
      (buffer, at) => buffer.readInt32BE(at) <= relative && buffer.readInt32BE(at + 4) <= positionBytes,
    );
    return index < 0 ? null : this.#entry(index);
  }

  /** The last entry; the start of the segment when there is none. */
  last(): OffsetPosition {
    const count = this.file.count;
    return count === 0 ? { offset: this.#baseOffset, positionBytes: 0 } : this.#entry(count - 1);
  }

  /** The last entry points at a batch before the end of the file, and what is appended there can follow on it. */
  endsBefore(nextOffset: number, sizeBytes: number): boolean {
    const { offset, positionBytes } = this.last();
    return this.file.count === 0 || (positionBytes < sizeBytes && offset < nextOffset);
  }

  /** Drops the entries of `offset` and above. */
  truncateTo(offset: number): void {
    const relative = offset - this.#baseOffset;
    this.#cut(this.file.lastWhere((buffer, at) => buffer.readInt32BE(at) < relative) + 1);
  }

  reset(): void {
    this.#cut(0);
  }

  #cut(count: number): void {
    this.file.truncateTo(count);
    this.#lastOffset = count === 0 ? this.#baseOffset : this.#entry(count - 1).offset;
  }

  #entry(index: number): OffsetPosition {
    return this.file.entry(index, (buffer, at) => ({
      offset: this.#baseOffset + buffer.readInt32BE(at),
      positionBytes: buffer.readInt32BE(at + 4),
    }));
  }
}
