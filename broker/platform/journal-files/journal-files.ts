/**
 * The segments of one broker's journal, in one directory. Rules: each run of the broker writes segments of
 * its own, so that what a former run is still writing meets nothing; together they take `maxBytes` at most,
 * for which the oldest go; what is behind a tear is cut off. Errors of the disk are thrown.
 */
import type { Diagnostics } from '../diagnostics.ts';
import type { DirectoryLock, Disk, DiskFile } from '../disk.ts';
import type { EventId, Recorded } from '../event-ring.ts';
import { firstIdOf, lineOfRecorded, readPiece, segmentName } from './segments.ts';

interface JournalFilesOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly maxBytes: number;
  /** Nobody else writes there: the directory is a log directory, which is locked by then. */
  readonly isLocked: boolean;
  readonly diagnostics: Diagnostics;
}

interface SegmentFile {
  readonly firstId: EventId;
  readonly path: string;
  sizeBytes: number;
}

/** Where a reader is: what it has read, and where in which segment it goes on. */
export interface ReadPosition {
  readonly after: EventId;
  /** The segment of `after`, and where it ends in it; null: to be looked for. */
  readonly at: { readonly firstId: EventId; readonly bytes: number } | null;
  /** Behind it is a tear: what the segment had from there on is left out. */
  readonly isBeforeTear?: boolean;
}

interface ReadEvents {
  readonly events: readonly Recorded[];
  readonly next: ReadPosition;
  /** There is a tear in front of these. */
  readonly isAfterTear: boolean;
}

/** Of so many each is an eighth of the whole. */
const SEGMENTS = 8;
/** A broker that starts again and again leaves small ones. */
const MOST_SEGMENTS = 100;
const PIECE_BYTES = 64 * 1024;

export class JournalFiles {
  readonly #options: JournalFilesOptions;
  /** By their first ids; the last is the active one as soon as `#active` is open. */
  #segments: SegmentFile[] = [];
  #active: DiskFile | null = null;
  #lock: DirectoryLock | null = null;

  constructor(options: JournalFilesOptions) {
    this.#options = options;
  }

  /** The id that no event of an earlier run is above; null: there was none. Reads only: somebody else may be writing. */
  lastId(): EventId | null {
    this.#list();
    const newest = this.#segments.at(-1);
    return newest === undefined ? null : this.#readWhole(newest).lastId;
  }

  /** Makes the directory this broker's own, and cuts off a tear at the end. */
  recover(): void {
    const { disk, directory, isLocked } = this.#options;
    disk.makeDirectory(directory);
    if (!isLocked) this.#lock ??= disk.lock(`${directory}/.lock`);
    this.#list();
    const newest = this.#segments.at(-1);
    if (newest === undefined) return;
    const { endBytes } = this.#readWhole(newest);
    if (endBytes === newest.sizeBytes) return;
    this.#options.diagnostics.warn(
      `${newest.path} is torn at byte ${endBytes}: the ${newest.sizeBytes - endBytes} bytes from there on are cut off`,
    );
    const file = disk.open(newest.path, 'write');
    file.truncate(endBytes);
    file.close();
    newest.sizeBytes = endBytes;
  }

  /** The oldest id that may be kept; null when there is nothing. */
  get firstId(): EventId | null {
    return this.#segments[0]?.firstId ?? null;
  }

  /** Writes them behind the others, as the operating system takes it: it is not on the disk yet. */
  append(events: readonly Recorded[]): void {
    const [first] = events;
    if (first === undefined) return;
    const bytes = Buffer.from(events.map(lineOfRecorded).join(''));
    const newest = this.#segments.at(-1);
    const isFull =
      newest !== undefined && newest.sizeBytes + bytes.length > this.#options.maxBytes / SEGMENTS;
    if (this.#active === null || newest === undefined || isFull) this.#roll(first.id);
    this.#makeRoom(bytes.length);
    const segment = this.#segments.at(-1);
    if (segment === undefined || this.#active === null) return;
    this.#active.write(bytes, 0, bytes.length, segment.sizeBytes);
    segment.sizeBytes += bytes.length;
  }

  /** Makes what was appended last, and where it stands, durable; rejects with the disk's error. */
  async sync(): Promise<void> {
    await this.#active?.syncInBackground();
    await this.#options.disk.syncDirectoryInBackground(this.#options.directory);
  }

  /** What comes after a position, a piece of it; nothing when all is read. */
  read({ after, at, isBeforeTear = false }: ReadPosition): ReadEvents {
    let index = this.#indexOf(at?.firstId ?? after + 1);
    let fromBytes = at !== null && this.#segments[index]?.firstId === at.firstId ? at.bytes : 0;
    let isAfterTear = isBeforeTear;
    for (;;) {
      const segment = this.#segments[index];
      if (segment === undefined) return { events: [], next: { after, at: null }, isAfterTear };
      const piece = this.#readFrom(segment, fromBytes);
      const endBytes = piece.isTorn ? segment.sizeBytes : fromBytes + piece.endBytes;
      const events = piece.events.filter(({ id }) => id > after);
      const last = events.at(-1);
      if (last !== undefined) {
        const next = { after: last.id, at: { firstId: segment.firstId, bytes: endBytes } };
        return { events, next: { ...next, isBeforeTear: piece.isTorn }, isAfterTear };
      }
      isAfterTear ||= piece.isTorn;
      const isOver = piece.isTorn || piece.endBytes === 0;
      fromBytes = isOver ? 0 : endBytes;
      if (isOver) index++;
    }
  }

  /** Ends the active segment; another is begun with the next event. */
  endSegment(): void {
    this.#active?.close();
    this.#active = null;
  }

  close(): void {
    this.endSegment();
    this.#lock?.release();
    this.#lock = null;
  }

  #list(): void {
    const { disk, directory } = this.#options;
    if (disk.stat(directory) === null) return;
    this.#segments = disk.list(directory).flatMap((name) => {
      const firstId = firstIdOf(name);
      const path = `${directory}/${name}`;
      return firstId === null ? [] : [{ firstId, path, sizeBytes: disk.stat(path)?.sizeBytes ?? 0 }];
    });
  }

  #readWhole(segment: SegmentFile): { readonly lastId: EventId; readonly endBytes: number } {
    const { events, endBytes } = readPiece(this.#options.disk.readFile(segment.path), segment.firstId - 1);
    return { lastId: events.at(-1)?.id ?? segment.firstId - 1, endBytes };
  }

  /** A piece of it, larger where one line is. */
  #readFrom(segment: SegmentFile, fromBytes: number): ReturnType<typeof readPiece> {
    const file = this.#options.disk.open(segment.path, 'read');
    try {
      for (let lengthBytes = PIECE_BYTES; ; lengthBytes *= 2) {
        const piece = Buffer.allocUnsafe(Math.max(0, Math.min(lengthBytes, segment.sizeBytes - fromBytes)));
        const read = piece.subarray(0, file.read(piece, 0, piece.length, fromBytes));
        const found = readPiece(read, 0);
        const isCut = found.endBytes === 0 && !found.isTorn && read.length === lengthBytes;
        if (!isCut) return found;
      }
    } finally {
      file.close();
    }
  }

  /** The last that begins at or before this id; the first when none does. */
  #indexOf(id: EventId): number {
    return Math.max(
      0,
      this.#segments.findLastIndex(({ firstId }) => firstId <= id),
    );
  }

  #roll(firstId: EventId): void {
    this.endSegment();
    const path = `${this.#options.directory}/${segmentName(firstId)}`;
    this.#active = this.#options.disk.open(path, 'write');
    // Where an attempt to write has failed, something of it may be there.
    this.#active.truncate(0);
    this.#segments = this.#segments.filter((segment) => segment.path !== path);
    this.#segments.push({ firstId, path, sizeBytes: 0 });
  }

  /** Removes the oldest until so many bytes more are not too many; the active one stays. */
  #makeRoom(moreBytes: number): void {
    let sizeBytes = moreBytes;
    for (const segment of this.#segments) sizeBytes += segment.sizeBytes;
    while (
      this.#segments.length > 1 &&
      (sizeBytes > this.#options.maxBytes || this.#segments.length > MOST_SEGMENTS)
    ) {
      const [oldest] = this.#segments.splice(0, 1);
      if (oldest === undefined) return;
      this.#options.disk.remove(oldest.path);
      sizeBytes -= oldest.sizeBytes;
    }
  }
}
