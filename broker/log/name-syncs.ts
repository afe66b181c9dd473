/**
 * The new names of folders become durable on another thread: a sync takes the disk some milliseconds, where much
 * is to be written a tenth of a second, and thousands of folders may be renamed at once. Those of one log
 * directory that wait for it share a sync.
 */
import type { Disk } from '../platform/disk.ts';
import { asStorageError, StorageError } from './files/storage-error.ts';
import type { LogDirectories } from './log-directories.ts';

/** Of one log directory. */
interface Syncs {
  /** Settles when the last one that was begun has ended; never rejects. */
  running: Promise<void>;
  /** What is to begin then; null when nobody waits for it. */
  next: Promise<void> | null;
}

export class NameSyncs {
  readonly #disk: Disk;
  readonly #directories: Pick<LogDirectories, 'fail'>;
  readonly #syncs = new Map<string, Syncs>();

  constructor(disk: Disk, directories: Pick<LogDirectories, 'fail'>) {
    this.#disk = disk;
    this.#directories = directories;
  }

  /** Resolves when the names of now are durable; rejects with a StorageError, and the directory is offline then. */
  makeDurable(logDirectory: string): Promise<void> {
    const syncs = this.#syncs.get(logDirectory) ?? { running: Promise.resolve(), next: null };
    this.#syncs.set(logDirectory, syncs);
    if (syncs.next !== null) return syncs.next;
    const sync = syncs.running.then(() => {
      syncs.next = null;
      return this.#sync(logDirectory);
    });
    syncs.next = sync;
    syncs.running = sync.catch(() => {});
    return sync;
  }

  async #sync(logDirectory: string): Promise<void> {
    try {
      await this.#disk.syncDirectoryInBackground(logDirectory);
    } catch (error) {
      const failure = asStorageError(logDirectory, 'syncing the names of logs', error);
      if (failure instanceof StorageError) this.#directories.fail(failure);
      throw failure;
    }
  }
}
