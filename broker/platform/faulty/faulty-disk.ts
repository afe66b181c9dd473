/** A disk that lives by the rules of disk-rules.ts. What is not spoken of by a rule goes straight through. */
import { type Clock, sleep } from '../clock.ts';
import type { Disk, DiskFile } from '../disk.ts';
import type { DiskOperation, DiskRules } from './disk-rules.ts';

/** What waits for a disk waits on this: nobody ever wakes it. */
const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

/** The room that a new name takes: some. What needs no room can be done on a full disk. */
const NAME_BYTES = 1;

interface Hurt {
  /** Throws, or holds up the whole process, as the rules say. */
  now(operation: DiskOperation, path: string, sizeBytes?: number): void;
  /** The same for what another thread does: nobody but the one who asked waits. */
  inBackground<T>(
    operation: DiskOperation,
    path: string,
    act: () => Promise<T>,
    sizeBytes?: number,
  ): Promise<T>;
}

export function faultyDisk(disk: Disk, rules: DiskRules, clock: Clock): Disk {
  const hurt: Hurt = {
    now(operation, path, sizeBytes) {
      const { delayMs, error } = rules.meet(operation, path, sizeBytes);
      if (delayMs > 0) Atomics.wait(NEVER_WOKEN, 0, 0, delayMs);
      if (error !== null) throw error;
    },
    async inBackground(operation, path, act, sizeBytes) {
      const { delayMs, error } = rules.meet(operation, path, sizeBytes);
      if (delayMs > 0) await sleep(clock, delayMs);
      if (error !== null) throw error;
      return act();
    },
  };
  return { ...filesOf(disk, hurt), ...namesOf(disk, hurt) };
}

/** What is done to contents. */
function filesOf(
  disk: Disk,
  hurt: Hurt,
): Pick<
  Disk,
  | 'open'
  | 'readFile'
  | 'writeFileAtomically'
  | 'writeFileInBackground'
  | 'syncDirectory'
  | 'syncDirectoryInBackground'
> {
  return {
    open(path, mode) {
      const isMade = mode === 'write' && disk.stat(path) === null;
      hurt.now(mode, path, isMade ? NAME_BYTES : 0);
      return faultyFile(disk.open(path, mode), hurt);
    },
    readFile(path) {
      hurt.now('read', path);
      return disk.readFile(path);
    },
    writeFileAtomically(path, data) {
      hurt.now('write', path, Buffer.byteLength(data));
      hurt.now('sync', path);
      disk.writeFileAtomically(path, data);
    },
    writeFileInBackground: (path, data) =>
      hurt.inBackground(
        'write',
        path,
        () => hurt.inBackground('sync', path, () => disk.writeFileInBackground(path, data)),
        Buffer.byteLength(data),
      ),
    syncDirectory(path) {
      hurt.now('sync', path);
      disk.syncDirectory(path);
    },
    syncDirectoryInBackground: (path) =>
      hurt.inBackground('sync', path, () => disk.syncDirectoryInBackground(path)),
  };
}

/** What is done to names, and asked about them. */
function namesOf(
  disk: Disk,
  hurt: Hurt,
): Pick<
  Disk,
  | 'stat'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'removeInBackground'
  | 'freeBytes'
  | 'totalBytes'
  | 'lock'
> {
  const struck = <Args extends [string, ...unknown[]], Result>(
    operation: DiskOperation,
    act: (...args: Args) => Result,
  ): ((...args: Args) => Result) => {
    return (...args) => {
      hurt.now(operation, args[0]);
      return act(...args);
    };
  };
  return {
    stat: struck('read', (path: string) => disk.stat(path)),
    list: struck('read', (path: string) => disk.list(path)),
    freeBytes: struck('read', (path: string) => disk.freeBytes(path)),
    totalBytes: struck('read', (path: string) => disk.totalBytes(path)),
    makeDirectory(path) {
      hurt.now('write', path, disk.stat(path) === null ? NAME_BYTES : 0);
      disk.makeDirectory(path);
    },
    rename: struck('write', (from: string, to: string) => disk.rename(from, to)),
    remove: struck('write', (path: string) => disk.remove(path)),
    removeInBackground: (path) => hurt.inBackground('write', path, () => disk.removeInBackground(path)),
    lock: struck('write', (path: string) => disk.lock(path)),
  };
}

function faultyFile(file: DiskFile, hurt: Hurt): DiskFile {
  const { path } = file;
  return {
    path,
    // The system keeps it in memory.
    sizeBytes: () => file.sizeBytes(),
    read(into, offset, lengthBytes, positionBytes) {
      hurt.now('read', path);
      return file.read(into, offset, lengthBytes, positionBytes);
    },
    warm: (lengthBytes, positionBytes) => file.warm(lengthBytes, positionBytes),
    write(from, offset, lengthBytes, positionBytes) {
      hurt.now('write', path, lengthBytes);
      file.write(from, offset, lengthBytes, positionBytes);
    },
    truncate(sizeBytes) {
      hurt.now('write', path);
      file.truncate(sizeBytes);
    },
    sync() {
      hurt.now('sync', path);
      file.sync();
    },
    syncInBackground: () => hurt.inBackground('sync', path, () => file.syncInBackground()),
    close: () => file.close(),
  };
}
