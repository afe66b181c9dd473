/**
 * Up to which offset a segment has seen which time: entries of 12 bytes (int64 timestamp, int32
 * offset - base), both ascending. An entry says that no record up to its offset has a larger
 * timestamp. One slot stays free for the entry that is made when the segment is sealed.
 * (Kafka's TimeIndex.)
 */
import { type Int64, readInt64, writeInt64 } from '../../int64.ts';
import type { Disk } from '../../platform/disk.ts';
import { IndexFile } from './index-file.ts';
import { CorruptFile } from './storage-error.ts';

const ENTRY_BYTES = 12;

export interface TimestampOffset {
  readonly timestampMs: Int64;
  readonly offset: number;
}

export class TimeIndex {
  readonly file: IndexFile;
  readonly #baseOffset: number;
  /** The last entry; (-1, base offset) when there is none. */
  #last: TimestampOffset;

  constructor(disk: Disk, path: string, baseOffset: number, maxBytes: number) {
    this.file = new IndexFile(disk, path, ENTRY_BYTES, maxBytes);
    this.#baseOffset = baseOffset;
    this.#last = this.#nothing();
  }

  get isFull(): boolean {
    return this.file.count >= this.file.maxEntries - 1;
  }

  /** The last entry; (-1, base offset) when there is none. */
  get last(): TimestampOffset {
    return this.#last;
  }

  /** Takes over an existing file. Throws CorruptFile when it is missing or its end is not that of an index. */
  load(): void {
    this.file.loadWhole();
    if (this.file.count === 0) return;
    const first = this.#entry(0);
    const last = this.#entry(this.file.count - 1);
    if (last.timestampMs < first.timestampMs || last.offset < this.#baseOffset) {
      throw new CorruptFile(this.file.path, `last entry ${last.timestampMs} for ${last.offset}`);
    }
    this.#last = last;
  }

  /** Adds an entry when it is later than the last one. `sealing` may use the reserved slot. */
  maybeAppend(timestampMs: Int64, offset: number, sealing = false): void {
    if (timestampMs <= this.#last.timestampMs || (this.isFull && !sealing)) return;
    this.file.push((buffer, at) => {
      writeInt64(buffer, at, timestampMs);
      buffer.writeInt32BE(offset - this.#baseOffset, at + 8);
    });
    this.#last = { timestampMs, offset };
  }

  /** The last entry whose timestamp is at most `timestampMs`; (-1, base offset) when there is none. */
  lookup(timestampMs: Int64): TimestampOffset {
    const index = this.file.lastWhere((buffer, at) => readInt64(buffer, at) <= timestampMs);
    return index < 0 ? this.#nothing() : this.#entry(index);
  }

  /** Drops the entries of `offset` and above. */
  truncateTo(offset: number): void {
    const relative = offset - this.#baseOffset;
    this.#cut(this.file.lastWhere((buffer, at) => buffer.readInt32BE(at + 8) < relative) + 1);
  }

  reset(): void {
    this.#cut(0);
  }

  #cut(count: number): void {
    this.file.truncateTo(count);
    this.#last = count === 0 ? this.#nothing() : this.#entry(count - 1);
  }

  #nothing(): TimestampOffset {
    return { timestampMs: -1, offset: this.#baseOffset };
  }

  #entry(index: number): TimestampOffset {
    return this.file.entry(index, (buffer, at) => ({
      timestampMs: readInt64(buffer, at),
      offset: this.#baseOffset + buffer.readInt32BE(at + 8),
    }));
  }
}
