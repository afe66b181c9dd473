/**
 * The aborted transactions of a segment: entries of 34 bytes (int16 version, int64 producer id,
 * int64 first offset, int64 offset of the marker, int64 last stable offset after the abort), in the
 * order of the markers. The file exists only when there is something in it. Aborts are rare, so each
 * is written at once. (Kafka's TransactionIndex.)
 */

import { dirname } from 'node:path';
import { type Int64, readInt64, readSafeInt64, writeInt64 } from '../../int64.ts';
import type { Disk } from '../../platform/disk.ts';
import { CorruptFile } from './storage-error.ts';

const ENTRY_BYTES = 34;
const VERSION = 0;

export interface AbortedTransaction {
  readonly producerId: Int64;
  readonly firstOffset: number;
  /** The offset of the ABORT marker. */
  readonly lastOffset: number;
  /** The last stable offset once this transaction was aborted. */
  readonly lastStableOffset: number;
}

/** In memory as in the file: ascending by the offset of the marker. */
export class AbortedIndex {
  #path: string;
  readonly #disk: Disk;
  /** null: not read yet. */
  #entries: AbortedTransaction[] | null = null;
  /** The file was made after the segment, whose name may be durable already. */
  #nameIsNew = false;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  /** All entries, read from the file at first use. Throws CorruptFile. */
  entries(): readonly AbortedTransaction[] {
    this.#entries ??= this.#readAll();
    return this.#entries;
  }

  append(aborted: AbortedTransaction): void {
    const entries = this.#entries ?? this.#readAll();
    this.#entries = entries;
    this.#nameIsNew ||= entries.length === 0;
    const bytes = Buffer.allocUnsafe(ENTRY_BYTES);
    encode(aborted, bytes, 0);
    const file = this.#disk.open(this.#path, 'write');
    try {
      file.write(bytes, 0, ENTRY_BYTES, entries.length * ENTRY_BYTES);
    } finally {
      file.close();
    }
    entries.push(aborted);
  }

  /** Drops the transactions whose marker is at `offset` or above. */
  truncateTo(offset: number): void {
    const entries = this.entries();
    const kept = entries.filter((entry) => entry.lastOffset < offset);
    if (kept.length === entries.length) return;
    this.#entries = kept;
    if (kept.length === 0) this.#disk.remove(this.#path);
    else this.#cutFile(kept.length * ENTRY_BYTES);
  }

  reset(): void {
    this.#entries = [];
    this.#disk.remove(this.#path);
  }

  /** Syncs the file when there is one, with its name: lost, it would turn aborted records into committed ones. */
  sync(): void {
    if (this.#disk.stat(this.#path) === null) return;
    const file = this.#disk.open(this.#path, 'write');
    try {
      file.sync();
    } finally {
      file.close();
    }
    if (!this.#nameIsNew) return;
    this.#disk.syncDirectory(dirname(this.#path));
    this.#nameIsNew = false;
  }

  rename(path: string): void {
    if (this.#disk.stat(this.#path) !== null) this.#disk.rename(this.#path, path);
    this.#path = path;
  }

  /** The folder was renamed; the file went with it. */
  movedTo(path: string): void {
    this.#path = path;
  }

  #cutFile(sizeBytes: number): void {
    const file = this.#disk.open(this.#path, 'write');
    try {
      file.truncate(sizeBytes);
    } finally {
      file.close();
    }
  }

  #readAll(): AbortedTransaction[] {
    if (this.#disk.stat(this.#path) === null) return [];
    const bytes = this.#disk.readFile(this.#path);
    if (bytes.length % ENTRY_BYTES !== 0) throw new CorruptFile(this.#path, `odd size ${bytes.length}`);
    const entries: AbortedTransaction[] = [];
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
      const version = bytes.readInt16BE(at);
      if (version !== VERSION) throw new CorruptFile(this.#path, `unknown version ${version}`);
      const entry = decode(bytes, at);
      const previous = entries.at(-1);
      if (entry.lastOffset < entry.firstOffset || (previous && previous.lastOffset >= entry.lastOffset)) {
        throw new CorruptFile(this.#path, `entry at ${at} is out of order`);
      }
      entries.push(entry);
    }
    return entries;
  }
}

function encode(aborted: AbortedTransaction, bytes: Buffer, at: number): void {
  bytes.writeInt16BE(VERSION, at);
  writeInt64(bytes, at + 2, aborted.producerId);
  writeInt64(bytes, at + 10, aborted.firstOffset);
  writeInt64(bytes, at + 18, aborted.lastOffset);
  writeInt64(bytes, at + 26, aborted.lastStableOffset);
}

function decode(bytes: Buffer, at: number): AbortedTransaction {
  return {
    producerId: readInt64(bytes, at + 2),
    firstOffset: readSafeInt64(bytes, at + 10),
    lastOffset: readSafeInt64(bytes, at + 18),
    lastStableOffset: readSafeInt64(bytes, at + 26),
  };
}
