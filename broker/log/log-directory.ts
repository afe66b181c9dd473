/**
 * One entry of log.dirs: its lock, its meta.properties, its checkpoints and the marker of a clean
 * stop. A directory that failed stays offline until the broker is started again.
 */
import { dirname } from 'node:path';
import type { DirectoryLock, Disk } from '../platform/disk.ts';
import type { PartitionKey } from '../types.ts';
import { offsetCheckpointText, readOffsetCheckpoint } from './files/checkpoint.ts';
import { CheckpointWriter } from './files/checkpoint-writer.ts';
import { type MetaProperties, readMetaProperties } from './files/meta-properties.ts';

const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';

export class LogDirectory {
  readonly path: string;
  readonly #disk: Disk;
  /** Held from `open` to `release`. */
  #lock: DirectoryLock | null = null;
  /** As read by `open`; null when there was no such file. */
  #meta: MetaProperties | null = null;
  /** The first failure; once set it stays. */
  #failure: Error | null = null;
  /** By file name, made at the first write. */
  readonly #writers = new Map<string, CheckpointWriter>();
  /** All logs of the directory were loaded; without that a stop can't be called clean. */
  loaded = false;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  get online(): boolean {
    return this.#failure === null;
  }

  get failure(): Error | null {
    return this.#failure;
  }

  get meta(): MetaProperties | null {
    return this.#meta;
  }

  /** Makes and locks the directory and reads whose it is. Throws disk errors, ELOCKED among them, and CorruptFile. */
  open(): void {
    if (this.#disk.stat(this.path) === null) {
      this.#disk.makeDirectory(this.path);
      this.#disk.syncDirectory(dirname(this.path));
    }
    this.#lock ??= this.#disk.lock(`${this.path}/.lock`);
    this.#meta = readMetaProperties(this.#disk, this.path);
  }

  fail(error: Error): void {
    this.#failure ??= error;
  }

  release(): void {
    for (const writer of this.#writers.values()) writer.cancel();
    this.#lock?.release();
    this.#lock = null;
  }

  /** Whether the last stop was clean; asking takes the marker away, so that it is said of one stop only. */
  takeCleanShutdownMarker(): boolean {
    const path = `${this.path}/${CLEAN_SHUTDOWN_FILE}`;
    if (this.#disk.stat(path) === null) return false;
    this.#disk.remove(path);
    this.#disk.syncDirectory(this.path);
    return true;
  }

  writeCleanShutdownMarker(): void {
    const marker = JSON.stringify({ version: 0, brokerEpoch: -1 });
    this.#disk.writeFileAtomically(`${this.path}/${CLEAN_SHUTDOWN_FILE}`, marker);
  }

  readOffsets(checkpoint: string, malformed: (line: string) => void): Map<PartitionKey, number> {
    return readOffsetCheckpoint(this.#disk, `${this.path}/${checkpoint}`, malformed);
  }

  writeOffsets(checkpoint: string, offsets: ReadonlyMap<PartitionKey, number>): void {
    this.#writer(checkpoint).write(offsetCheckpointText(offsets));
  }

  /** Without making anybody wait for the disk; of several calls the last one counts. */
  writeOffsetsInBackground(checkpoint: string, offsets: ReadonlyMap<PartitionKey, number>): Promise<void> {
    return this.#writer(checkpoint).writeInBackground(offsetCheckpointText(offsets));
  }

  #writer(checkpoint: string): CheckpointWriter {
    let writer = this.#writers.get(checkpoint);
    if (writer === undefined) {
      writer = new CheckpointWriter(this.#disk, `${this.path}/${checkpoint}`);
      this.#writers.set(checkpoint, writer);
    }
    return writer;
  }
}
