/**
 * The snapshots of one log's producers, as files beside its segments; each is named by the offset below which it
 * covers the log. (What is in one: producer-snapshot.ts.)
 */
import type { Disk } from '../../platform/disk.ts';
import { offsetName, offsetOfName, SNAPSHOT_SUFFIX } from '../files/file-names.ts';
import type { ProducerEntry } from './producer-entry.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts';

export class ProducerSnapshots {
  readonly #disk: Disk;
  #directory: string;
  /** Of those on disk, ascending. */
  #offsets: number[] = [];

  /** None; {@link rescan} finds them. */
  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** Looks at the directory again, after someone else has written or removed snapshots there. */
  rescan(): void {
    this.#offsets = this.#disk.list(this.#directory).flatMap((name) => {
      const offset = name.endsWith(SNAPSHOT_SUFFIX) ? offsetOfName(name) : null;
      return offset === null ? [] : [offset];
    });
  }

  /** Goes by these instead; nothing happens to those on disk. */
  list(offsets: readonly number[]): void {
    this.#offsets = [...offsets];
  }

  /** Throws CorruptFile. */
  read(offset: number): readonly ProducerEntry[] {
    const path = this.#pathOf(offset);
    return decodeProducerSnapshot(path, this.#disk.readFile(path));
  }

  /** Returns its path. */
  write(offset: number, producers: Iterable<ProducerEntry>, sync: boolean): string {
    const path = this.#pathOf(offset);
    const bytes = encodeProducerSnapshot([...producers]);
    const file = this.#disk.open(path, 'write');
    try {
      file.write(bytes, 0, bytes.length, 0);
      file.truncate(bytes.length);
      if (sync) file.sync();
    } finally {
      file.close();
    }
    this.#offsets = [...this.#offsets.filter((other) => other !== offset), offset];
    this.#offsets.sort((a, b) => a - b);
    return path;
  }

  remove(offset: number): void {
    this.#disk.remove(this.#pathOf(offset));
    this.#offsets = this.#offsets.filter((other) => other !== offset);
  }

  /** Removes those that belong to no segment; the newest stays. */
  removeStray(segmentBaseOffsets: ReadonlySet<number>): void {
    const newest = this.#offsets.at(-1);
    for (const offset of [...this.#offsets]) {
      if (offset !== newest && !segmentBaseOffsets.has(offset)) this.remove(offset);
    }
  }

  movedTo(directory: string): void {
    this.#directory = directory;
  }

  #pathOf(offset: number): string {
    return `${this.#directory}/${offsetName(offset)}${SNAPSHOT_SUFFIX}`;
  }
}
