/**
 * A disk in memory that can be pulled the plug on. What was written but not synced, and what was
 * created, renamed or removed in a directory that was not synced, is lost then: all of it, or what
 * came after a random point. It is harsher than ext4, so that code that survives here survives there.
 */
import { basename, dirname, resolve } from 'node:path';
import type { Clock } from '../../broker/platform/clock.ts';
import type { DirectoryLock, Disk, DiskFile, FileStat } from '../../broker/platform/disk.ts';
import type { Random } from '../../broker/platform/random.ts';
import { DirectoryNode, diskError, FileNode, type TreeNode } from './simulated-disk-nodes.ts';

type DiskOperation = 'open' | 'read' | 'write' | 'truncate' | 'sync' | 'rename' | 'remove' | 'list';

interface SimulatedDiskOptions {
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Beyond it writes fail with ENOSPC. */
  readonly capacityBytes?: number;
}

/** One change of names that is not yet durable. */
interface NamesChange {
  readonly directories: readonly DirectoryNode[];
  readonly apply: () => void;
}

export class SimulatedDisk implements Disk {
  /** Asked before every operation; a code such as 'EIO' makes it fail. */
  fault: ((operation: DiskOperation, path: string) => string | null) | null = null;
  /** Asked before every write: to how many bytes it is cut, after which it fails with EIO; null for a whole one. */
  tear: ((path: string, sizeBytes: number) => number | null) | null = null;
  /** Asked before reads that may take their time: what they wait for; null for nothing. */
  warming: ((path: string, lengthBytes: number, positionBytes: number) => Promise<void> | null) | null = null;
  capacityBytes: number;
  readonly #clock: Pick<Clock, 'wallMs'>;
  #root = new DirectoryNode(0);
  /** In the order in which they were made. */
  #changes: NamesChange[] = [];
  readonly #locks = new Map<string, object>();
  /** Handles of before a crash are dead. */
  #generation = 0;

  constructor({ clock, capacityBytes = Number.POSITIVE_INFINITY }: SimulatedDiskOptions) {
    this.#clock = clock;
    this.capacityBytes = capacityBytes;
  }

  /**
   * Ends whatever used the disk: handles and locks are void. `all`: the process was killed, the disk
   * keeps what it was told. `synced`: the power failed, and nothing but what was synced is left. A
   * Random: the power failed, and of each file's and of the names' changes a random first part is left.
   */
  crash(keep: 'all' | 'synced' | Random): void {
    this.#generation++;
    this.#locks.clear();
    if (keep === 'all') return;
    const kept = keep === 'synced' ? 0 : keep.int(this.#changes.length + 1);
    for (const change of this.#changes.slice(0, kept)) change.apply();
    this.#changes = [];
    this.#root.revert(keep === 'synced' ? null : keep);
  }

  open(path: string, mode: 'read' | 'write'): DiskFile {
    this.#check('open', path);
    let node = this.#find(path);
    if (node === null && mode === 'write') {
      const file = new FileNode(this.#clock.wallMs());
      this.#setName(path, file);
      node = file;
    }
    if (node === null) throw diskError('ENOENT', path);
    if (node instanceof DirectoryNode) throw diskError('EISDIR', path);
    return this.#handle(node, path, mode);
  }

  /** One bit (0-7) of a byte of a file turns over, and stays so. */
  rot(path: string, positionBytes: number, bit: number): void {
    const node = this.#find(path);
    if (!(node instanceof FileNode)) throw diskError('ENOENT', path);
    node.rot(positionBytes, bit);
  }

  stat(path: string): FileStat | null {
    const node = this.#find(path);
    if (node === null) return null;
    const isDirectory = node instanceof DirectoryNode;
    return { sizeBytes: isDirectory ? 0 : node.sizeBytes, modifiedMs: node.modifiedMs, isDirectory };
  }

  list(directory: string): string[] {
    this.#check('list', directory);
    return [...this.#directory(directory).names.keys()].sort();
  }

  makeDirectory(path: string): void {
    const node = this.#find(path);
    if (node instanceof DirectoryNode) return;
    if (node !== null) throw diskError('EEXIST', path);
    this.makeDirectory(dirname(resolve(path)));
    this.#setName(path, new DirectoryNode(this.#clock.wallMs()));
  }

  rename(from: string, to: string): void {
    this.#check('rename', from);
    const node = this.#find(from);
    if (node === null) throw diskError('ENOENT', from);
    const replaced = this.#find(to);
    if (replaced === node) return;
    if (replaced instanceof DirectoryNode && replaced.names.size > 0) throw diskError('ENOTEMPTY', to);
    if (replaced instanceof FileNode && node instanceof DirectoryNode) throw diskError('ENOTDIR', to);
    if (replaced instanceof DirectoryNode && node instanceof FileNode) throw diskError('EISDIR', to);
    const [source, target] = [this.#directory(dirname(resolve(from))), this.#directory(dirname(resolve(to)))];
    const [oldName, newName] = [basename(resolve(from)), basename(resolve(to))];
    source.names.delete(oldName);
    target.names.set(newName, node);
    this.#changes.push({
      directories: [source, target],
      apply() {
        source.durableNames.delete(oldName);
        target.durableNames.set(newName, node);
      },
    });
  }

  remove(path: string): void {
    this.#check('remove', path);
    const node = this.#find(path);
    if (node instanceof DirectoryNode) throw diskError('EISDIR', path);
    if (node !== null) this.#setName(path, null);
  }

  async removeInBackground(path: string): Promise<void> {
    this.removeTree(path);
  }

  removeTree(path: string): void {
    this.#check('remove', path);
    if (this.#find(path) !== null) this.#setName(path, null);
  }

  readFile(path: string): Buffer {
    const file = this.open(path, 'read');
    const data = Buffer.alloc(file.sizeBytes());
    file.read(data, 0, data.length, 0);
    file.close();
    return data;
  }

  writeFileAtomically(path: string, data: Buffer | string): void {
    const bytes = Buffer.from(data);
    const file = this.open(`${path}.tmp`, 'write');
    file.truncate(0);
    file.write(bytes, 0, bytes.length, 0);
    file.sync();
    file.close();
    this.rename(`${path}.tmp`, path);
    this.syncDirectory(dirname(resolve(path)));
  }

  async writeFileInBackground(path: string, data: string): Promise<void> {
    const bytes = Buffer.from(data);
    const file = this.open(path, 'write');
    file.truncate(0);
    file.write(bytes, 0, bytes.length, 0);
    file.sync();
    file.close();
  }

  async syncDirectoryInBackground(path: string): Promise<void> {
    this.syncDirectory(path);
  }

  syncDirectory(path: string): void {
    this.#check('sync', path);
    const directory = this.#directory(path);
    const later: NamesChange[] = [];
    for (const change of this.#changes) {
      if (change.directories.includes(directory)) change.apply();
      else later.push(change);
    }
    this.#changes = later;
  }

  freeBytes(_path: string): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return this.capacityBytes;
    return Math.max(0, this.capacityBytes - this.#root.totalBytes());
  }

  totalBytes(_path: string): number {
    return this.capacityBytes;
  }

  lock(path: string): DirectoryLock {
    const key = resolve(path);
    this.#directory(dirname(key));
    if (this.#locks.has(key)) throw diskError('ELOCKED', path);
    const owner = {};
    this.#locks.set(key, owner);
    return {
      release: () => {
        if (this.#locks.get(key) === owner) this.#locks.delete(key);
      },
    };
  }

  #handle(node: FileNode, path: string, mode: 'read' | 'write'): DiskFile {
    const generation = this.#generation;
    let open = true;
    const use = (operation: DiskOperation): FileNode => {
      if (!open || generation !== this.#generation) throw diskError('EBADF', path);
      this.#check(operation, path);
      if (mode === 'read' && (operation === 'write' || operation === 'truncate'))
        throw diskError('EBADF', path);
      return node;
    };
    const sync = (): void => use('sync').sync();
    return {
      path,
      sizeBytes: () => use('read').sizeBytes,
      read: (into, offset, lengthBytes, positionBytes) =>
        use('read').read(into, offset, lengthBytes, positionBytes),
      warm: (lengthBytes, positionBytes) => {
        if (!open || generation !== this.#generation) throw diskError('EBADF', path);
        return this.warming?.(path, lengthBytes, positionBytes) ?? null;
      },
      write: (from, offset, lengthBytes, positionBytes) => {
        const file = use('write');
        const growthBytes = positionBytes + lengthBytes - file.sizeBytes;
        if (growthBytes > 0 && growthBytes > this.freeBytes(path)) throw diskError('ENOSPC', path);
        const torn = this.tear?.(path, lengthBytes) ?? null;
        const left = torn ?? lengthBytes;
        file.write(from.subarray(offset, offset + left), positionBytes, this.#clock.wallMs());
        if (torn !== null) throw diskError('EIO', path);
      },
      truncate: (sizeBytes) => use('truncate').truncate(sizeBytes, this.#clock.wallMs()),
      sync,
      syncInBackground: () => Promise.resolve().then(sync),
      close: () => {
        open = false;
      },
    };
  }

  #check(operation: DiskOperation, path: string): void {
    const code = this.fault?.(operation, path) ?? null;
    if (code !== null) throw diskError(code, path);
  }

  #find(path: string): TreeNode | null {
    let node: TreeNode = this.#root;
    for (const name of resolve(path).split('/').slice(1)) {
      if (name === '') continue;
      if (!(node instanceof DirectoryNode)) return null;
      const next: TreeNode | undefined = node.names.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#find(path);
    if (node === null) throw diskError('ENOENT', path);
    if (!(node instanceof DirectoryNode)) throw diskError('ENOTDIR', path);
    return node;
  }

  /** Creates or, with null, removes a name. */
  #setName(path: string, node: TreeNode | null): void {
    const directory = this.#directory(dirname(resolve(path)));
    const name = basename(resolve(path));
    const set = (names: Map<string, TreeNode>): void => {
      if (node === null) names.delete(name);
      else names.set(name, node);
    };
    set(directory.names);
    this.#changes.push({ directories: [directory], apply: () => set(directory.durableNames) });
  }
}
