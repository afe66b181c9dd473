/**
 * The entries of log.dirs together: opened and claimed for this broker, and one place where the
 * failure of any of them is noted. While one works, the broker goes on with it. They are there before
 * the logs in them, because they say which broker it is; the LogManager that is made on them takes
 * them over, and releases them when it stops.
 */
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Disk } from '../platform/disk.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import type { BrokerId, PartitionKey } from '../types.ts';
import {
  agreedMetaProperties,
  InconsistentMetaProperties,
  type MetaProperties,
  metaPropertiesPath,
  verifyMetaProperties,
  writeMetaProperties,
} from './files/meta-properties.ts';
import { asStorageError, CorruptFile, isDiskError, StorageError } from './files/storage-error.ts';
import { LogDirectory } from './log-directory.ts';

interface LogDirectoriesOptions {
  readonly disk: Disk;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  readonly paths: readonly string[];
}

/** `causeId`: the event of the failure. */
type DirectoryFailed = (path: string, error: StorageError, causeId: EventId) => void;

export class LogDirectories {
  readonly #options: LogDirectoriesOptions;
  readonly #all: readonly LogDirectory[];
  /** `open` was called: it does its work once, whatever came of it. */
  #opened = false;
  #failed: DirectoryFailed = () => {};

  constructor(options: LogDirectoriesOptions) {
    this.#options = options;
    this.#all = options.paths.map((path) => new LogDirectory(options.disk, path));
  }

  get all(): readonly LogDirectory[] {
    return this.#all;
  }

  get online(): LogDirectory[] {
    return this.#all.filter((directory) => directory.online);
  }

  get firstOffline(): LogDirectory | undefined {
    return this.#all.find((directory) => !directory.online);
  }

  get(path: string): LogDirectory | undefined {
    return this.#all.find((directory) => directory.path === path);
  }

  /** Called once for each directory that fails from here on. One listener: whose logs lie in them. */
  onFailure(failed: DirectoryFailed): void {
    this.#failed = failed;
  }

  /** Makes and locks them, once. Throws when another broker runs on one, or when none is usable. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    for (const directory of this.#all) {
      try {
        directory.open();
      } catch (error) {
        if (isDiskError(error) && error.code === 'ELOCKED') {
          this.release();
          throw error;
        }
        if (error instanceof InconsistentMetaProperties) this.release();
        const failure = asStorageError(directory.path, 'creating or validating data directory', error);
        if (!(failure instanceof StorageError)) throw error;
        this.fail(failure);
      }
    }
    this.requireOne();
  }

  /**
   * What they say they belong to, once they are made and locked. Throws InconsistentMetaProperties when
   * they disagree, and the lock's error when another broker runs on one.
   */
  openAndReadMeta(): { clusterId: string | null; brokerId: BrokerId | null } {
    this.open();
    return agreedMetaProperties(this.#metaByPath);
  }

  /**
   * Writes meta.properties where it, or a part of it, is missing; throws InconsistentMetaProperties when
   * they are someone else's.
   */
  claim(own: { clusterId: string; brokerId: BrokerId }): void {
    this.open();
    verifyMetaProperties(this.#metaByPath, own);
    for (const { path, meta } of this.online) {
      if (meta?.clusterId === own.clusterId && meta.brokerId === own.brokerId) continue;
      const directoryId = meta?.directoryId ?? null;
      if (meta !== null) this.#options.diagnostics.warn(`Rewriting ${metaPropertiesPath(path)}`);
      this.guarded(path, 'writing meta.properties', () =>
        writeMetaProperties(this.#options.disk, path, { ...own, directoryId }),
      );
    }
  }

  get #metaByPath(): ReadonlyMap<string, MetaProperties | null> {
    return new Map(this.online.map(({ path, meta }) => [path, meta]));
  }

  /** Takes a directory offline. */
  fail(error: StorageError): void {
    const directory = this.get(error.logDirectory);
    if (directory === undefined || !directory.online) return;
    directory.fail(error);
    const event = { kind: 'log-directory-failed', directory: directory.path, reason: error.message } as const;
    const causeId = this.#options.journal.record(event, null, error);
    this.#failed(directory.path, error, causeId);
  }

  requireOne(): void {
    if (this.online.length > 0) return;
    const paths = this.#options.paths.join(', ');
    throw new Error(
      `Shutdown broker because none of the specified log dirs from ${paths} can be created or validated`,
      { cause: this.#all[0]?.failure ?? undefined },
    );
  }

  /** Gives up the locks. Harmless when that was done before. */
  release(): void {
    for (const directory of this.#all) directory.release();
  }

  /** Runs something on a directory; a disk error takes it offline and is thrown as StorageError. */
  guarded<T>(path: string, doing: string, run: () => T): T {
    try {
      return run();
    } catch (error) {
      const failure = asStorageError(path, doing, error);
      if (failure instanceof StorageError) this.fail(failure);
      throw failure;
    }
  }

  /** A checkpoint that can't be read counts as empty: what it says can be found again. */
  readOffsets(path: string, checkpoint: string): Map<PartitionKey, number> {
    const { diagnostics } = this.#options;
    const malformed = (line: string): void =>
      diagnostics.warn(`Ignoring a malformed line in ${checkpoint} of ${path}: ${line}`);
    return this.guarded(path, `reading ${checkpoint}`, () => {
      try {
        return this.get(path)?.readOffsets(checkpoint, malformed) ?? new Map();
      } catch (error) {
        if (!(error instanceof CorruptFile)) throw error;
        diagnostics.warn(`Ignoring ${checkpoint} of ${path}`, error);
        return new Map();
      }
    });
  }

  writeOffsets(path: string, checkpoint: string, offsets: ReadonlyMap<PartitionKey, number>): void {
    this.guarded(path, `writing ${checkpoint}`, () => this.get(path)?.writeOffsets(checkpoint, offsets));
  }

  /** A disk error takes the directory offline, and is not thrown: nobody waits for this. */
  writeOffsetsInBackground(
    path: string,
    checkpoint: string,
    offsets: ReadonlyMap<PartitionKey, number>,
  ): void {
    this.get(path)
      ?.writeOffsetsInBackground(checkpoint, offsets)
      .catch((error: unknown) => {
        const failure = asStorageError(path, `writing ${checkpoint}`, error);
        if (!(failure instanceof StorageError)) throw failure;
        this.fail(failure);
      });
  }
}
