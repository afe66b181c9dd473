/**
 * A file of equally sized entries in ascending order, the common part of the offset and the time
 * index. New entries gather in memory and go to the file in pieces: an index may be behind its log
 * at any moment, because what lies past the recovery point is rebuilt after a crash, and everything
 * is stored before the recovery point moves. Memory per log thus stays within one piece, however
 * large the segment; older entries are searched in the file.
 */
import type { Disk } from '../../platform/disk.ts';
import { CorruptFile } from './storage-error.ts';

const PIECE_ENTRIES = 512;
/** Below this many entries a search reads them all at once instead of halving further. */
const SEARCH_WINDOW_ENTRIES = 128;

/** The entries are those of the file, then those of the tail: `count` is the sum of both. */
export class IndexFile {
  #path: string;
  readonly entryBytes: number;
  readonly #disk: Disk;
  readonly #maxEntries: number;
  /** Entries in the file. */
  #storedCount = 0;
  /** Room for one piece; null before the first push and once sealed. */
  #tail: Buffer | null = null;
  /** Entries in the tail, which come after those of the file; at most PIECE_ENTRIES. */
  #tailCount = 0;

  constructor(disk: Disk, path: string, entryBytes: number, maxBytes: number) {
    this.#disk = disk;
    this.#path = path;
    this.entryBytes = entryBytes;
    this.#maxEntries = Math.floor(maxBytes / entryBytes);
  }

  get path(): string {
    return this.#path;
  }

  get count(): number {
    return this.#storedCount + this.#tailCount;
  }

  get maxEntries(): number {
    return this.#maxEntries;
  }

  get sizeBytes(): number {
    return this.count * this.entryBytes;
  }

  /** Takes over the file as it is; returns its size, or null when there is none. */
  load(): number | null {
    const stat = this.#disk.stat(this.#path);
    this.#tailCount = 0;
    this.#storedCount = stat === null ? 0 : Math.floor(stat.sizeBytes / this.entryBytes);
    return stat === null ? null : stat.sizeBytes;
  }

  /** As {@link load}; throws CorruptFile when the file is missing, or ends within an entry. */
  loadWhole(): void {
    const sizeBytes = this.load();
    if (sizeBytes === null) throw new CorruptFile(this.#path, 'the index is missing');
    if (sizeBytes % this.entryBytes !== 0) throw new CorruptFile(this.#path, `odd size ${sizeBytes}`);
  }

  /** Makes sure that the file exists. */
  create(): void {
    this.#disk.open(this.#path, 'write').close();
  }

  /** Adds an entry that `fill` writes into the given place. */
  push(fill: (buffer: Buffer, at: number) => void): void {
    this.#tail ??= Buffer.allocUnsafe(PIECE_ENTRIES * this.entryBytes);
    if (this.#tailCount === PIECE_ENTRIES) this.store();
    fill(this.#tail, this.#tailCount * this.entryBytes);
    this.#tailCount += 1;
  }

  /** Reads entry `index` with `take`. */
  entry<T>(index: number, take: (buffer: Buffer, at: number) => T): T {
    if (index >= this.#storedCount && this.#tail !== null) {
      return take(this.#tail, (index - this.#storedCount) * this.entryBytes);
    }
    return this.#withFile((read) => take(read(index, 1), 0));
  }

  /** Index of the last entry for which `atMost` holds (it holds for a prefix of all entries), or -1. */
  lastWhere(atMost: (buffer: Buffer, at: number) => boolean): number {
    if (this.#tailCount > 0 && this.#tail !== null && atMost(this.#tail, 0)) {
      return this.#storedCount + lastIn(this.#tail, this.#tailCount, this.entryBytes, atMost);
    }
    if (this.#storedCount === 0) return -1;
    return this.#withFile((read) => {
      let low = 0;
      let high = this.#storedCount;
      while (high - low > SEARCH_WINDOW_ENTRIES) {
        const middle = (low + high) >>> 1;
        if (atMost(read(middle, 1), 0)) low = middle;
        else high = middle;
      }
      const window = read(low, high - low);
      return low + lastIn(window, high - low, this.entryBytes, atMost);
    });
  }

  /** Forgets all entries but the first `count`. */
  truncateTo(count: number): void {
    if (count >= this.#storedCount) {
      this.#tailCount = Math.min(this.#tailCount, count - this.#storedCount);
      return;
    }
    this.#tailCount = 0;
    this.#storedCount = count;
    const file = this.#disk.open(this.#path, 'write');
    try {
      file.truncate(count * this.entryBytes);
    } finally {
      file.close();
    }
  }

  /** Writes what is in memory to the file, and syncs it when asked to. */
  store(sync = false): void {
    if (this.#tailCount === 0 && !sync) return;
    const file = this.#disk.open(this.#path, 'write');
    try {
      if (this.#tailCount > 0 && this.#tail !== null) {
        const bytes = this.#tailCount * this.entryBytes;
        file.write(this.#tail, 0, bytes, this.#storedCount * this.entryBytes);
        this.#storedCount += this.#tailCount;
        this.#tailCount = 0;
      }
      if (sync) file.sync();
    } finally {
      file.close();
    }
  }

  /** Stores and gives the memory back: the segment takes no more appends. */
  seal(): void {
    this.store();
    this.#tail = null;
  }

  rename(path: string): void {
    this.#disk.rename(this.#path, path);
    this.#path = path;
  }

  /** The folder was renamed; the file went with it. */
  movedTo(path: string): void {
    this.#path = path;
  }

  #withFile<T>(use: (read: (index: number, count: number) => Buffer) => T): T {
    const file = this.#disk.open(this.#path, 'read');
    const buffer = Buffer.alloc(SEARCH_WINDOW_ENTRIES * this.entryBytes);
    try {
      return use((index, count) => {
        file.read(buffer, 0, count * this.entryBytes, index * this.entryBytes);
        return buffer;
      });
    } finally {
      file.close();
    }
  }
}

function lastIn(
  buffer: Buffer,
  count: number,
  entryBytes: number,
  atMost: (buffer: Buffer, at: number) => boolean,
): number {
  let low = -1;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (atMost(buffer, middle * entryBytes)) low = middle;
    else high = middle;
  }
  return low;
}
