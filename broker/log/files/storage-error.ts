/**
 * What goes wrong with files. StorageError means that a log directory can't be trusted any more
 * (an I/O error of the operating system); it takes the directory offline and its partitions answer
 * KAFKA_STORAGE_ERROR. CorruptFile means that the bytes of one file are not what they should be,
 * which most callers repair by rebuilding the file.
 */
import { types } from 'node:util';

/** The disk has failed: everything in the directory is to be given up. */
export class StorageError extends Error {
  /** The log directory (an entry of log.dirs) that failed. */
  readonly logDirectory: string;

  constructor(logDirectory: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StorageError';
    this.logDirectory = logDirectory;
  }
}

/** The disk is fine, but a file holds what it can't: it is made anew, or refuses the start. */
export class CorruptFile extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
    this.name = 'CorruptFile';
    this.path = path;
  }
}

/**
 * Whether an exception came from the operating system (ENOSPC, EIO, …) and not from our own code. Jest runs
 * tests in a context with an `Error` of its own, which Node's errors are no instances of.
 */
export function isDiskError(error: unknown): error is Error & { code: string } {
  return (
    types.isNativeError(error) && 'code' in error && typeof error.code === 'string' && error.code[0] === 'E'
  );
}

/**
 * Wraps a disk error, or a corrupt file that nobody knew how to repair; anything else (a defect, a
 * refusal) is returned as it is.
 */
export function asStorageError(logDirectory: string, doing: string, error: unknown): unknown {
  if (!isDiskError(error) && !(error instanceof CorruptFile)) return error;
  return new StorageError(
    logDirectory,
    `Error while ${doing} in dir ${logDirectory}: ${error.message}`,
    error,
  );
}
