/**
 * Files, synchronously: on the broker's hot path a page-cache write costs a few microseconds, less
 * than handing it to another thread. Errors are Node's own (`code` ENOENT, ENOSPC, EIO, …), thrown;
 * the log floor maps them to KAFKA_STORAGE_ERROR. The simulator's disk forgets unsynced writes.
 */

export interface FileStat {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}

export interface DiskFile {
  readonly path: string;
  sizeBytes(): number;
  /** Reads up to `lengthBytes` at `positionBytes` of the file into `into` at `offset`; returns how many came (fewer only at the end). */
  read(into: Buffer, offset: number, lengthBytes: number, positionBytes: number): number;
  /**
   * Has the system read a part of the file into its memory, on another thread, where the next `read` of it would
   * probably wait for the disk; null where it would not, as far as is known. Never rejects: that `read` meets
   * what is wrong. Throws when the file is closed.
   */
  warm(lengthBytes: number, positionBytes: number): Promise<void> | null;
  /** Writes all of the range, or throws. */
  write(from: Buffer, offset: number, lengthBytes: number, positionBytes: number): void;
  truncate(sizeBytes: number): void;
  /** fdatasync. */
  sync(): void;
  /** fdatasync on another thread; rejects with the I/O error. */
  syncInBackground(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

export interface DirectoryLock {
  release(): void;
}

export interface Disk {
  /** `read`: the file must exist. `write`: read and write, created when missing, never truncated. */
  open(path: string, mode: 'read' | 'write'): DiskFile;
  /** null when there is nothing at `path`. */
  stat(path: string): FileStat | null;
  /** Names in a directory, sorted. Throws ENOENT. */
  list(directory: string): string[];
  /** Creates parents as well; an existing directory is fine. */
  makeDirectory(path: string): void;
  rename(from: string, to: string): void;
  /** Removes a file at once: a small one, or where nobody waits yet. A missing one is fine. */
  remove(path: string): void;
  /**
   * Removes a file, or a directory and all below it, on another thread: the system takes a tenth of a second for
   * some hundred megabytes. What is missing is fine; rejects with the I/O error.
   */
  removeInBackground(path: string): Promise<void>;
  readFile(path: string): Buffer;
  /** Writes `path + '.tmp'`, syncs it, renames it over `path`, syncs the directory: a reader sees the old or the new content. */
  writeFileAtomically(path: string, data: Buffer | string): void;
  /** Writes a file and makes it durable on another thread; rejects with the I/O error. */
  writeFileInBackground(path: string, data: string): Promise<void>;
  /** Makes renames and creations in a directory durable. */
  syncDirectory(path: string): void;
  /** The same on another thread; rejects with the I/O error. */
  syncDirectoryInBackground(path: string): Promise<void>;
  /** Bytes free for this user on the file system of `path`. */
  freeBytes(path: string): number;
  /** How big the file system of `path` is. */
  totalBytes(path: string): number;
  /**
   * Takes the `.lock` of a log directory, which stays there; throws at once with code ELOCKED, and Kafka's
   * words, while another living process (or instance in this one) holds it, ENOLCK where there are no locks.
   */
  lock(path: string): DirectoryLock;
}
