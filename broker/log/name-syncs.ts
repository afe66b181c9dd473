/**
 * The new names of folders become durable on another thread: a sync takes the disk some milliseconds, where much
 * is to be written a tenth of a second, and thousands of folders may be renamed at once. Those of one log
 * directory that wait for it share a sync.
 */
import type { Disk } from '../platform/disk.ts';
import { DirectoryQueues } from './directory-queues.ts';
import { asStorageError, StorageError } from './files/storage-error.ts';
import type { LogDirectories } from './log-directories.ts';

export class NameSyncs {
  readonly #disk: Disk;
  readonly #directories: Pick<LogDirectories, 'fail'>;
  readonly #queues = new DirectoryQueues();
  /** By log directory, those that have not begun. */
  readonly #next = new Map<string, Promise<void>>();

  constructor(disk: Disk, directories: Pick<LogDirectories, 'fail'>) {
    this.#disk = disk;
    this.#directories = directories;
  }

  /** Resolves when the names of now are durable; rejects with a StorageError, and the directory is offline then. */
  makeDurable(logDirectory: string): Promise<void> {
    const next = this.#next.get(logDirectory);
    if (next !== undefined) return next;
    const sync = this.#queues.add(logDirectory, () => {
      this.#next.delete(logDirectory);
      return this.#sync(logDirectory);
    });
    this.#next.set(logDirectory, sync);
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
