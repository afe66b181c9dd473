/** One owner of a data directory, which holds the lock of a file in it for as long as it lives. */
import { join } from 'node:path';
import { tryLockFile } from './file-lock.ts';

const LOCK_FILE = '.lock';

/** Throws while another living server owns the directory. Returns the release. */
export function lockDirectory(directory: string): () => void {
  const lock = tryLockFile(join(directory, LOCK_FILE));
  if (lock === null) throw new Error(`${directory} is in use by another: one server per data directory`);
  return () => lock.release();
}
