/**
 * The real disk: node:fs, synchronous, and the kernel's lock of a file, which Node lacks.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  constants as fsConstants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open as openFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { types } from 'node:util';
import { tryLockFile } from '../../coordinator-client/embedded/file-lock.ts';
import { ColdReads } from './cold-reads.ts';
import type { DirectoryLock, Disk, DiskFile, FileStat } from './disk.ts';

/** One call never writes more: larger writes were measured to be up to ten times dearer per byte. */
const LARGEST_WRITE_BYTES = 1024 * 1024;

export const nodeDisk: Disk = {
  open: (path, mode) => new NodeDiskFile(path, mode),
  stat: statOrNull,
  list: (directory) => readdirSync(directory).sort(),
  makeDirectory,
  rename: renameSync,
  remove(path) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  },
  removeInBackground: (path) => rm(path, { recursive: true, force: true }),
  readFile: (path) => readFileSync(path),
  writeFileAtomically(path, data) {
    const temporary = `${path}.tmp`;
    writeFileSync(temporary, data, { flush: true });
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  },
  writeFileInBackground: (path, data) => writeFile(path, data, { flush: true }),
  syncDirectory,
  syncDirectoryInBackground,
  freeBytes(path) {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  },
  totalBytes(path) {
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize;
  },
  lock: lockFile,
};

class NodeDiskFile implements DiskFile {
  readonly path: string;
  /** null once closed; what is done in the background may still hold it. */
  #descriptor: number | null;
  /** How many syncs and reads in the background use the descriptor; closing waits for them. */
  #inBackground = 0;
  #closeAfterwards = false;
  readonly #coldReads = new ColdReads();

  constructor(path: string, mode: 'read' | 'write') {
    this.path = path;
    const flags = mode === 'read' ? fsConstants.O_RDONLY : fsConstants.O_RDWR | fsConstants.O_CREAT;
    this.#descriptor = openSync(path, flags, 0o644);
  }

  sizeBytes(): number {
    return fstatSync(this.#open()).size;
  }

  read(into: Buffer, offset: number, lengthBytes: number, positionBytes: number): number {
    const descriptor = this.#open();
    const beganMs = performance.now();
    let done = 0;
    while (done < lengthBytes) {
      const count = readSync(descriptor, into, offset + done, lengthBytes - done, positionBytes + done);
      if (count === 0) break;
      done += count;
    }
    this.#coldReads.noteRead(performance.now() - beganMs, positionBytes);
    return done;
  }

  warm(lengthBytes: number, positionBytes: number): Promise<void> | null {
    const descriptor = this.#open();
    const warmed = this.#coldReads.warm(descriptor, lengthBytes, positionBytes);
    if (warmed === null) return null;
    this.#inBackground++;
    return warmed.then(() => {
      try {
        this.#endedInBackground(descriptor);
      } catch {
        // A descriptor that can't be closed is the system's trouble, and nobody's who reads.
      }
    });
  }

  write(from: Buffer, offset: number, lengthBytes: number, positionBytes: number): void {
    const descriptor = this.#open();
    for (let done = 0; done < lengthBytes; ) {
      const part = Math.min(lengthBytes - done, LARGEST_WRITE_BYTES);
      done += writeSync(descriptor, from, offset + done, part, positionBytes + done);
    }
  }

  truncate(sizeBytes: number): void {
    ftruncateSync(this.#open(), sizeBytes);
  }

  sync(): void {
    fdatasyncSync(this.#open());
  }

  syncInBackground(): Promise<void> {
    const descriptor = this.#open();
    this.#inBackground++;
    return new Promise((resolve, reject) => {
      fdatasync(descriptor, (error) => {
        this.#endedInBackground(descriptor);
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) return;
    this.#descriptor = null;
    if (this.#inBackground > 0) this.#closeAfterwards = true;
    else closeSync(descriptor);
  }

  /** Closing earlier could hand the descriptor's number to another file under the feet of what goes on. */
  #endedInBackground(descriptor: number): void {
    this.#inBackground--;
    if (this.#inBackground === 0 && this.#closeAfterwards) closeSync(descriptor);
  }

  #open(): number {
    if (this.#descriptor === null) {
      throw Object.assign(new Error(`EBADF: ${this.path} is closed`), { code: 'EBADF' });
    }
    return this.#descriptor;
  }
}

/**
 * Step by step: Node's recursive mkdir tries for ever where a parent exists and the system still says
 * ENOENT, as below /proc.
 */
function makeDirectory(path: string): void {
  if (statOrNull(path)?.isDirectory === true) return;
  const parent = dirname(path);
  if (statOrNull(parent) === null) makeDirectory(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else may have been faster.
    if (codeOf(error) !== 'EEXIST' || statOrNull(path)?.isDirectory !== true) throw error;
  }
}

function statOrNull(path: string): FileStat | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  return { sizeBytes: stat.size, modifiedMs: Math.floor(stat.mtimeMs), isDirectory: stat.isDirectory() };
}

async function syncDirectoryInBackground(path: string): Promise<void> {
  const directory = await openFile(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function lockFile(path: string): DirectoryLock {
  const lock = tryLockFile(path);
  if (lock !== null) return lock;
  const message = `Failed to acquire lock on file ${basename(path)} in ${dirname(path)}. A Kafka instance in another process or thread is using this directory.`;
  throw Object.assign(new Error(message), { code: 'ELOCKED' });
}

/** Of an error of the operating system; in another context, as jest makes one, it is no instance of our `Error`. */
function codeOf(error: unknown): string | undefined {
  return types.isNativeError(error) && 'code' in error ? String(error.code) : undefined;
}
