/**
 * The three indexes of a segment: filled as batches come, cut, emptied, stored and renamed together. With them goes
 * the largest timestamp of the segment, which the time index has only with its next entry.
 */
import type { Int64 } from '../../int64.ts';
import type { Disk, DiskFile } from '../../platform/disk.ts';
import { AbortedIndex } from './aborted-index.ts';
import { lastOffsetOf, maxTimestampOf } from './batch-fields.ts';
import { ABORTED_INDEX_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX } from './file-names.ts';
import { OffsetIndex } from './offset-index.ts';
import { scanHeaders } from './scan.ts';
import { TimeIndex, type TimestampOffset } from './time-index.ts';

/** What indexes are told of batches that are appended at once. */
export interface AppendedChunk {
  readonly lastOffset: number;
  readonly maxTimestampMs: Int64;
  readonly offsetOfMaxTimestamp: number;
}

/** Whose indexes they are. */
interface IndexedSegment {
  readonly baseOffset: number;
  /** Its file of a kind, as it is called now. */
  path(kind: string): string;
}

interface IndexesHome {
  readonly disk: Disk;
  readonly config: { readonly indexIntervalBytes: number; readonly segmentIndexBytes: number };
}

export class SegmentIndexes {
  readonly offset: OffsetIndex;
  readonly time: TimeIndex;
  readonly aborted: AbortedIndex;
  readonly #segment: IndexedSegment;
  readonly #home: IndexesHome;
  /** null: as the last entry of the time index says. */
  #maxTimestamp: TimestampOffset | null = null;
  /** Appended since the last entries; others are due when it exceeds index.interval.bytes. */
  #bytesSinceEntry = 0;

  /** Nothing of the disk is read yet. */
  constructor(segment: IndexedSegment, home: IndexesHome) {
    const { disk, config } = home;
    const { baseOffset } = segment;
    const maxBytes = config.segmentIndexBytes;
    this.#segment = segment;
    this.#home = home;
    this.offset = new OffsetIndex(disk, segment.path(OFFSET_INDEX_SUFFIX), baseOffset, maxBytes);
    this.time = new TimeIndex(disk, segment.path(TIME_INDEX_SUFFIX), baseOffset, maxBytes);
    this.aborted = new AbortedIndex(disk, segment.path(ABORTED_INDEX_SUFFIX));
  }

  /** Makes sure of the files that every segment has. */
  create(): void {
    this.offset.file.create();
    this.time.file.create();
  }

  /** Throws CorruptFile when an index is missing or can't be one. */
  load(): void {
    this.offset.load();
    this.time.load();
    this.aborted.entries();
    this.#maxTimestamp = null;
  }

  get isFull(): boolean {
    return this.offset.isFull || this.time.isFull;
  }

  /** The largest timestamp seen, (-1, base offset) when no batch has one. */
  get maxTimestamp(): TimestampOffset {
    this.#maxTimestamp ??= this.time.last;
    return this.#maxTimestamp;
  }

  /** Batches are in the file, `sizeBytes` from `positionBytes` on; entries when enough came before them. */
  note(chunk: AppendedChunk, positionBytes: number, sizeBytes: number): void {
    if (chunk.maxTimestampMs > this.maxTimestamp.timestampMs) {
      this.#maxTimestamp = { timestampMs: chunk.maxTimestampMs, offset: chunk.offsetOfMaxTimestamp };
    }
    if (this.#bytesSinceEntry > this.#home.config.indexIntervalBytes) {
      this.offset.append(chunk.lastOffset, positionBytes);
      this.time.maybeAppend(this.maxTimestamp.timestampMs, this.maxTimestamp.offset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += sizeBytes;
  }

  /** For recovery: empties them, whatever they hold. */
  reset(): void {
    this.create();
    this.offset.file.load();
    this.time.file.load();
    this.offset.reset();
    this.time.reset();
    this.aborted.reset();
    this.#maxTimestamp = null;
    this.#bytesSinceEntry = 0;
  }

  /** What is said of `offset` and above goes; call {@link rescan} when the segment's file is cut as well. */
  truncateTo(offset: number): void {
    this.offset.truncateTo(offset);
    this.time.truncateTo(offset);
    this.aborted.truncateTo(offset);
    this.#bytesSinceEntry = 0;
  }

  /** Looks for the largest timestamp in what is left of the segment's file. */
  rescan(file: DiskFile, sizeBytes: number): void {
    let max = this.time.last;
    const fromBytes = this.offset.lookup(max.offset).positionBytes;
    scanHeaders(file, { fromBytes, toBytes: sizeBytes }, (buffer, at) => {
      const timestampMs = maxTimestampOf(buffer, at);
      if (timestampMs > max.timestampMs) max = { timestampMs, offset: lastOffsetOf(buffer, at) };
      return undefined;
    });
    this.#maxTimestamp = max;
  }

  /** No more appends for now: they get their final entries, and the files their true size. */
  seal(): void {
    this.time.maybeAppend(this.maxTimestamp.timestampMs, this.maxTimestamp.offset, true);
    this.offset.file.seal();
    this.time.file.seal();
  }

  /** Makes everything durable before it returns. */
  sync(): void {
    this.offset.file.store(true);
    this.time.file.store(true);
    this.aborted.sync();
  }

  /** The segment has other names: what is there of the files is renamed. */
  rename(): void {
    for (const [index, kind] of this.#all()) {
      const path = this.#segment.path(kind);
      if (this.#home.disk.stat(index.path) !== null) index.rename(path);
      else index.movedTo(path);
    }
  }

  /** The folder was renamed; the files went with it. */
  movedHome(): void {
    for (const [index, kind] of this.#all()) index.movedTo(this.#segment.path(kind));
  }

  #all() {
    return [
      [this.offset.file, OFFSET_INDEX_SUFFIX],
      [this.time.file, TIME_INDEX_SUFFIX],
      [this.aborted, ABORTED_INDEX_SUFFIX],
    ] as const;
  }
}
