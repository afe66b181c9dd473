/**
 * The real disk: node:fs, synchronous. A directory is locked by a file that names the process
 * holding it, because Node has no flock: its id and when it started, so that another process that
 * happens to get the same id is not taken for the holder.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  constants as fsConstants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open as openFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
  removeTree(path) {
    rmSync(path, { recursive: true, force: true });
  },
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
  #descriptor: number | null;
  /** How many background syncs use the descriptor; closing waits for them. */
  #syncing = 0;
  #closeAfterSync = false;

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
    let done = 0;
    while (done < lengthBytes) {
      const count = readSync(descriptor, into, offset + done, lengthBytes - done, positionBytes + done);
      if (count === 0) break;
      done += count;
    }
    return done;
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
    this.#syncing++;
    return new Promise((resolve, reject) => {
      fdatasync(descriptor, (error) => {
        this.#syncing--;
        // Closing earlier could hand the descriptor's number to another file under the sync's feet.
        if (this.#syncing === 0 && this.#closeAfterSync) closeSync(descriptor);
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) return;
    this.#descriptor = null;
    if (this.#syncing > 0) this.#closeAfterSync = true;
    else closeSync(descriptor);
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

/**
 * The locks of this process, by real path: the file alone can't tell two brokers of one process
 * apart. It is the one thing here that belongs to the process and not to a broker.
 */
const heldHere = new Set<string>();

function lockFile(path: string): DirectoryLock {
  const real = join(realpathSync(dirname(path)), basename(path));
  if (heldHere.has(real)) throw locked(path, 'another broker of this process');
  const me = `${process.pid} ${processStart(process.pid)}\n`;
  // The name appears with its content in one step, so that nobody reads a half-written owner.
  const draft = `${real}.${process.pid}`;
  writeFileSync(draft, me);
  try {
    while (!tryLink(draft, real)) removeIfStale(path, real);
  } finally {
    unlinkSync(draft);
  }
  heldHere.add(real);
  let released = false;
  return {
    release() {
      if (released) return;
      released = true;
      heldHere.delete(real);
      if (readOwner(real) === me.trim()) unlinkSync(real);
    },
  };
}

function tryLink(draft: string, real: string): boolean {
  try {
    linkSync(draft, real);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function removeIfStale(path: string, real: string): void {
  const owner = readOwner(real);
  if (owner === null) return;
  const [pid = '', start = ''] = owner.split(' ');
  // Our own process can be the owner as well: in another thread, with a registry of its own.
  if (/^\d+$/.test(pid) && start !== '' && processStart(Number(pid)) === start) {
    throw locked(path, `process ${pid}`);
  }
  // Another process may be taking over the same stale lock: only one of two renames succeeds, and
  // what was renamed away is looked at again before it is thrown away.
  const aside = `${real}.stale.${process.pid}`;
  try {
    renameSync(real, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  const taken = readOwner(aside);
  if (taken !== owner) tryLink(aside, real);
  unlinkSync(aside);
}

function readOwner(real: string): string | null {
  try {
    return readFileSync(real, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Ended, though whoever started it has not asked how yet: in a container perhaps nobody ever does. */
const ENDED_STATES: ReadonlySet<string> = new Set(['Z', 'X']);

/**
 * When a living process started, in the kernel's words; '' when there is none. The kernel counts from
 * its own start, hence its boot id: in a container the broker's process id is always the same.
 */
function processStart(pid: number): string {
  try {
    // The name of the program, in brackets, may hold spaces; the start is the 22nd field of all.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', ticks = ''] = [fields[0], fields[19]];
    if (ENDED_STATES.has(state)) return '';
    return `${ticks}@${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return startWithoutProc(pid);
  }
}

/** Where there is no /proc, that the process lives is all that can be asked. */
function startWithoutProc(pid: number): string {
  if (statOrNull('/proc/self') !== null) return '';
  try {
    process.kill(pid, 0);
    return 'living';
  } catch (error) {
    return codeOf(error) === 'EPERM' ? 'living' : '';
  }
}

function locked(path: string, holder: string): Error {
  return Object.assign(new Error(`ELOCKED: ${path} is held by ${holder}`), { code: 'ELOCKED' });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
