/** Files and directories of the simulated disk: what they look like, and what a power cut leaves of them. */
import type { Random } from '../../broker/platform/random.ts';

export type TreeNode = FileNode | DirectoryNode;

/** A write, or with null data a truncation to `positionBytes`. */
interface Change {
  readonly positionBytes: number;
  readonly data: Buffer | null;
}

export class FileNode {
  modifiedMs: number;
  readonly #content = new GrowingBytes();
  /** As of the last sync; the changes since then would have to be applied to it. */
  readonly #durable = new GrowingBytes();
  #changes: Change[] = [];

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  get sizeBytes(): number {
    return this.#content.sizeBytes;
  }

  read(into: Buffer, offset: number, lengthBytes: number, positionBytes: number): number {
    return this.#content.read(into, offset, lengthBytes, positionBytes);
  }

  write(data: Buffer, positionBytes: number, nowMs: number): void {
    this.#change({ positionBytes, data: Buffer.from(data) }, nowMs);
  }

  truncate(sizeBytes: number, nowMs: number): void {
    this.#change({ positionBytes: sizeBytes, data: null }, nowMs);
  }

  sync(): void {
    for (const change of this.#changes) this.#durable.apply(change);
    this.#changes = [];
  }

  /** A bit of what lies there turns over by itself: no write, and no power failure takes it back. */
  rot(positionBytes: number, bit: number): void {
    for (const bytes of [this.#content, this.#durable]) bytes.flip(positionBytes, bit);
    for (const { data, positionBytes: from } of this.#changes) {
      const at = positionBytes - from;
      if (data !== null && at >= 0 && at < data.length) data[at] = (data[at] ?? 0) ^ (1 << bit);
    }
  }

  /** Keeps what was synced and, given chance, some of what followed; the last write may be torn. */
  revert(random: Random | null): void {
    const kept = random === null ? 0 : random.int(this.#changes.length + 1);
    for (const change of this.#changes.slice(0, kept)) this.#durable.apply(change);
    const torn = this.#changes[kept];
    if (random !== null && torn !== undefined && torn.data !== null) {
      this.#durable.apply({ ...torn, data: torn.data.subarray(0, random.int(torn.data.length + 1)) });
    }
    this.#changes = [];
    this.#content.copyOf(this.#durable);
  }

  #change(change: Change, nowMs: number): void {
    this.modifiedMs = nowMs;
    this.#content.apply(change);
    this.#changes.push(change);
  }
}

export class DirectoryNode {
  readonly modifiedMs: number;
  readonly names = new Map<string, TreeNode>();
  /** As of the last sync. */
  readonly durableNames = new Map<string, TreeNode>();

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  revert(random: Random | null): void {
    this.names.clear();
    // In the order of the names, so that a seed means the same whatever happened before.
    for (const [name, node] of [...this.durableNames].sort(([one], [other]) => (one < other ? -1 : 1))) {
      this.names.set(name, node);
      node.revert(random);
    }
  }

  totalBytes(): number {
    let total = 0;
    for (const node of this.names.values()) {
      total += node instanceof DirectoryNode ? node.totalBytes() : node.sizeBytes;
    }
    return total;
  }
}

class GrowingBytes {
  sizeBytes = 0;
  #bytes = Buffer.alloc(0);

  apply({ positionBytes, data }: Change): void {
    if (data === null) {
      this.#resize(positionBytes);
      return;
    }
    if (data.length === 0) return;
    this.#resize(Math.max(this.sizeBytes, positionBytes + data.length));
    data.copy(this.#bytes, positionBytes);
  }

  read(into: Buffer, offset: number, lengthBytes: number, positionBytes: number): number {
    const end = Math.min(this.sizeBytes, positionBytes + lengthBytes);
    return end <= positionBytes ? 0 : this.#bytes.copy(into, offset, positionBytes, end);
  }

  flip(positionBytes: number, bit: number): void {
    if (positionBytes < this.sizeBytes)
      this.#bytes[positionBytes] = (this.#bytes[positionBytes] ?? 0) ^ (1 << bit);
  }

  copyOf(other: GrowingBytes): void {
    this.#bytes = Buffer.from(other.#bytes);
    this.sizeBytes = other.sizeBytes;
  }

  #resize(sizeBytes: number): void {
    if (sizeBytes > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(sizeBytes, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.sizeBytes);
      this.#bytes = grown;
    }
    // What a file regains after a truncation reads as zeroes.
    if (sizeBytes < this.sizeBytes) this.#bytes.fill(0, sizeBytes, this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }
}

export function diskError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${path}`), { code });
}
