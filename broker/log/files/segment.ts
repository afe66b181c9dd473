/**
 * One piece of a log: a file of record batches back to back, with its three indexes. Only the last segment of a log is
 * appended to; a segment that is not, is changed by truncation and compaction only. (Kafka's LogSegment.)
 */
import { type Int64, int64Difference } from '../../int64.ts';
import type { BufferPool } from '../../platform/buffer-pool.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Disk, DiskFile } from '../../platform/disk.ts';
import { lastOffsetOf, maxTimestampOf } from './batch-fields.ts';
import { BatchFinder, type BatchPosition, type DamagePosition } from './batch-finder.ts';
import { DELETED_SUFFIX, LOG_SUFFIX, offsetName, SEGMENT_SUFFIXES } from './file-names.ts';
import { LateRange } from './late-range.ts';
import { scanHeaders } from './scan.ts';
import { type AppendedChunk, SegmentIndexes } from './segment-indexes.ts';
import type { TimestampOffset } from './time-index.ts';

/** What segments need of the log they belong to; the directory changes when the log is renamed. */
export interface SegmentHome {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly buffers: BufferPool;
  readonly directory: string;
  readonly config: {
    readonly indexIntervalBytes: number;
    readonly segmentIndexBytes: number;
    readonly segmentBytes: number;
    readonly preallocate: boolean;
  };
}

const MAX_RELATIVE_OFFSET = 0x7fffffff;

/**
 * Bytes from 0 to `#sizeBytes` are whole batches, unless a crash has torn the last one and nobody has
 * repaired it. Offsets begin at `baseOffset` or above, and ascend.
 */
export class Segment {
  readonly baseOffset: number;
  readonly indexes: SegmentIndexes;
  readonly #home: SegmentHome;
  readonly #finder: BatchFinder;
  /** What comes after the names of the files: '' while the segment is in use. */
  #suffix: string;
  /** null while nobody needs it; `file()` opens it. */
  #file: DiskFile | null = null;
  /** What will be read of the file later. */
  readonly #late = new Set<LateRange>();
  /** `close` was called while something was in `#late`. */
  #closeAfterLate = false;
  /** Bytes of batches; a preallocated file is longer. */
  #sizeBytes = 0;
  /** When this process made or opened it, or last emptied it. */
  #createdMs: number;
  #modifiedMs: number;
  /** Largest timestamp of the first batch; null while it has not been looked for. */
  #firstTimestampMs: Int64 | null = null;
  /** For good: it is out of the log, and its files go. */
  #removed = false;

  private constructor(home: SegmentHome, baseOffset: number, suffix: string) {
    this.#home = home;
    this.#suffix = suffix;
    this.baseOffset = baseOffset;
    this.indexes = new SegmentIndexes(this, home);
    this.#finder = new BatchFinder(this);
    this.#createdMs = home.clock.wallMs();
    this.#modifiedMs = this.#createdMs;
  }

  /** A new, empty segment; what was left under its name is cleared. */
  static create(home: SegmentHome, baseOffset: number, suffix = ''): Segment {
    const segment = new Segment(home, baseOffset, suffix);
    for (const kind of SEGMENT_SUFFIXES) home.disk.remove(segment.path(kind));
    const file = segment.file();
    if (home.config.preallocate) file.truncate(home.config.segmentBytes);
    segment.indexes.create();
    return segment;
  }

  /** An existing segment with its log file; load its indexes or recover it before use. */
  static open(home: SegmentHome, baseOffset: number, suffix = ''): Segment {
    const segment = new Segment(home, baseOffset, suffix);
    const stat = home.disk.stat(segment.path(LOG_SUFFIX));
    segment.#sizeBytes = stat?.sizeBytes ?? 0;
    segment.#modifiedMs = stat?.modifiedMs ?? segment.#createdMs;
    return segment;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get createdMs(): number {
    return this.#createdMs;
  }

  /** When the file was last written to, before this process at least. */
  get modifiedMs(): number {
    return this.#modifiedMs;
  }

  get removed(): boolean {
    return this.#removed;
  }

  /** The largest timestamp seen, (-1, base offset) when no batch has one. */
  get maxTimestamp(): TimestampOffset {
    return this.indexes.maxTimestamp;
  }

  /** What retention by time goes by: the largest timestamp, or the age of the file. */
  get largestTimestampMs(): Int64 {
    const { timestampMs } = this.maxTimestamp;
    return timestampMs >= 0 ? timestampMs : this.#modifiedMs;
  }

  /** Its file of a kind, as it is called now. */
  path(kind: string): string {
    return `${this.#home.directory}/${offsetName(this.baseOffset)}${kind}${this.#suffix}`;
  }

  holdsRelative(offset: number): boolean {
    const relative = offset - this.baseOffset;
    return relative >= 0 && relative <= MAX_RELATIVE_OFFSET;
  }

  /** The file, opened at first use, with everything in it that was appended. */
  file(): DiskFile {
    this.#file ??= this.#home.disk.open(this.path(LOG_SUFFIX), 'write');
    return this.#file;
  }

  /**
   * What reading a part of it had better wait for, so that the disk keeps nobody else waiting; null for nothing.
   * A file that is not open was not read lately, so nothing is known of it.
   */
  warm(lengthBytes: number, positionBytes: number): Promise<void> | null {
    const bytes = Math.min(lengthBytes, this.#sizeBytes - positionBytes);
    return bytes <= 0 ? null : (this.#file?.warm(bytes, positionBytes) ?? null);
  }

  /** A part of the file, which stays open for it until it is released, also when the segment leaves the log. */
  readLater(fromBytes: number, toBytes: number): LateRange {
    const range = new LateRange(this.file(), fromBytes, toBytes, (released) => {
      this.#late.delete(released);
      if (this.#late.size === 0 && this.#closeAfterLate) this.close();
    });
    this.#late.add(range);
    return range;
  }

  /** Time that counts towards segment.ms: by the records' own clock when they have one. */
  timeWaitedMs(nowMs: number, appendTimestampMs: Int64): Int64 {
    const first = this.firstTimestampMs();
    return first >= 0 ? int64Difference(appendTimestampMs, first) : nowMs - this.#createdMs;
  }

  /** Largest timestamp of the first batch, or -1. */
  firstTimestampMs(): Int64 {
    if (this.#firstTimestampMs === null) {
      if (this.#sizeBytes === 0) return -1;
      this.#firstTimestampMs = -1;
      scanHeaders(this.file(), { fromBytes: 0, toBytes: this.#sizeBytes }, (buffer, at) => {
        this.#firstTimestampMs = maxTimestampOf(buffer, at);
        return 'stop';
      });
    }
    return this.#firstTimestampMs;
  }

  /** Writes a chunk of whole batches at the end, then notes it in the indexes. */
  append(records: Buffer, chunk: AppendedChunk): void {
    const positionBytes = this.#sizeBytes;
    this.file().write(records, 0, records.length, positionBytes);
    this.#sizeBytes += records.length;
    if (positionBytes === 0) this.#firstTimestampMs = chunk.maxTimestampMs;
    this.#modifiedMs = this.#home.clock.wallMs();
    this.indexes.note(chunk, positionBytes, records.length);
  }

  /** The first batch whose last offset is at `offset` or above; null past the end, or behind what is no batch. */
  locate(offset: number): BatchPosition | null {
    const found = this.locateOrDamage(offset);
    return found !== null && 'sizeBytes' in found ? found : null;
  }

  /** The same; where bytes that are no batch come before it, their position alone. */
  locateOrDamage(offset: number): BatchPosition | DamagePosition | null {
    return this.#finder.find(offset);
  }

  /** The offset after the last batch, and whether the file ends with that batch and the index before its end. */
  end(): { nextOffset: number; clean: boolean } {
    let nextOffset = this.baseOffset;
    const fromBytes = this.indexes.offset.last().positionBytes;
    const stoppedAt = scanHeaders(this.file(), { fromBytes, toBytes: this.#sizeBytes }, (buffer, at) => {
      nextOffset = lastOffsetOf(buffer, at) + 1;
      return undefined;
    });
    const isIndexed = this.indexes.offset.endsBefore(nextOffset, this.#sizeBytes);
    return { nextOffset, clean: isIndexed && stoppedAt === this.#sizeBytes };
  }

  /** Cuts everything from the batch that holds `offset` on; returns how many bytes went. */
  truncateTo(offset: number): number {
    const whole = { fromBytes: 0, toBytes: this.#sizeBytes }; // a part of a batch at the end goes as well
    const cutAt = this.locate(offset)?.positionBytes ?? scanHeaders(this.file(), whole, () => undefined);
    this.indexes.truncateTo(offset);
    const cutBytes = this.#sizeBytes - cutAt;
    this.cutFile(cutAt);
    if (cutAt === 0) {
      this.#createdMs = this.#home.clock.wallMs();
      this.#firstTimestampMs = null;
    }
    this.indexes.rescan(this.file(), this.#sizeBytes);
    return cutBytes;
  }

  cutFile(sizeBytes: number): void {
    if (sizeBytes === this.#sizeBytes) return;
    for (const range of this.#late) range.cutAt(sizeBytes);
    this.file().truncate(sizeBytes);
    this.#modifiedMs = this.#home.clock.wallMs();
    this.#sizeBytes = sizeBytes;
    this.#finder.forget();
  }

  /** No more appends for now: the indexes get their final entries and all files their true size. */
  seal(): void {
    if (this.#home.config.preallocate) this.file().truncate(this.#sizeBytes);
    this.indexes.seal();
  }

  /** Makes everything durable before it returns. */
  sync(): void {
    this.file().sync();
    this.indexes.sync();
  }

  /** Makes everything that is there now durable without stopping the broker; the records on another thread. */
  async syncInBackground(): Promise<void> {
    await this.file().syncInBackground();
    if (!this.#removed) this.indexes.sync();
  }

  /** Closes the file, which a later use opens again; not before all that is read later has been read. */
  close(): void {
    this.#closeAfterLate = this.#late.size > 0;
    if (this.#closeAfterLate) return;
    this.#file?.close();
    this.#file = null;
  }

  /** Moves all files from one suffix to another: '' to `.deleted`, `.cleaned` to `.swap`, `.swap` to ''. */
  changeSuffix(suffix: string): void {
    const { disk } = this.#home;
    const from = this.path(LOG_SUFFIX);
    this.#suffix = suffix;
    if (suffix === DELETED_SUFFIX) this.#removed = true;
    if (disk.stat(from) !== null) disk.rename(from, this.path(LOG_SUFFIX));
    this.indexes.rename();
  }

  /** Closes it for good and says which files are to be removed, some of which may not be there. */
  retire(): string[] {
    this.#removed = true;
    this.close();
    return SEGMENT_SUFFIXES.map((kind) => this.path(kind));
  }

  /** The folder was renamed. */
  movedHome(): void {
    this.indexes.movedHome();
  }
}
