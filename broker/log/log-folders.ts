/**
 * The folders of logs as they are renamed: a future log's into its place, and that of a log which is out
 * of service to a name under which it waits for its removal, since readers may still be at it.
 */
import type { Disk } from '../platform/disk.ts';
import type { Random } from '../platform/random.ts';
import { renamedDirectoryName } from './files/file-names.ts';
import { StorageError } from './files/storage-error.ts';
import type { LogDirectories } from './log-directories.ts';
import { NameSyncs } from './name-syncs.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Removals } from './removals.ts';

interface LogFoldersOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly directories: LogDirectories;
  /** The log is in its directory no more: what is noted of it there is wrong. */
  readonly left: (log: PartitionLog) => void;
  readonly removals: Removals;
}

export class LogFolders {
  readonly #options: LogFoldersOptions;
  readonly #names: NameSyncs;

  constructor(options: LogFoldersOptions) {
    this.#options = options;
    this.#names = new NameSyncs(options.disk, options.directories);
  }

  /** Durable when it returns. Throws StorageError. */
  rename(log: PartitionLog, name: string): void {
    const { disk, directories } = this.#options;
    const { logDirectory } = log;
    this.#rename(log, name);
    directories.guarded(logDirectory, `renaming ${name}`, () => disk.syncDirectory(logDirectory));
  }

  #rename(log: PartitionLog, name: string): void {
    const { disk, directories } = this.#options;
    const target = `${log.logDirectory}/${name}`;
    directories.guarded(log.logDirectory, `renaming ${log.directory} to ${name}`, () => {
      disk.rename(log.directory, target);
      log.movedTo(target);
    });
  }

  /**
   * Closes a log that is out of service; its files go after file.delete.delay.ms. Throws StorageError. Its folder
   * has the other name at once; that is durable when the promise resolves, or rejects with a StorageError.
   */
  discard(log: PartitionLog): Promise<void> {
    log.abandon();
    this.#rename(log, renamedDirectoryName(log, 'delete', this.#options.random.bytes(16).toString('hex')));
    this.#options.left(log);
    this.removeLater(log, log.config.fileDeleteDelayMs);
    return this.#names.makeDurable(log.logDirectory);
  }

  /** {@link discard} where nobody waits for it. When its directory fails, that is offline by then. */
  leaveBehind(log: PartitionLog): void {
    try {
      this.discard(log).catch(unlessStorageError);
    } catch (error) {
      unlessStorageError(error);
    }
  }

  /** Of a log that is out of service and renamed already. */
  removeLater(
    { directory, logDirectory }: Pick<PartitionLog, 'directory' | 'logDirectory'>,
    delayMs: number,
  ): void {
    this.#options.removals.later({ logDirectory, delayMs, paths: () => [directory] });
  }
}

function unlessStorageError(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}
