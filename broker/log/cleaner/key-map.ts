/**
 * The last offset of each key in the dirty part of a log, in 24 bytes a key: the MD5 of the key and
 * the offset. Two keys with the same MD5 would be taken for one, which Kafka accepts as well.
 * The table grows with its content up to the configured size. (Kafka's SkimpyOffsetMap.)
 */
import { hash } from 'node:crypto';

const SLOT_BYTES = 24;
const HASH_BYTES = 16;
const FIRST_SLOTS = 4096;

/**
 * Open addressing: a key is in the first slot from its own that is empty or its own. There is always an
 * empty one.
 */
export class KeyMap {
  readonly #maxKeys: number;
  readonly #maxSlots: number;
  readonly #loadFactor: number;
  /** `#slots` of SLOT_BYTES each. */
  #table: Buffer;
  #slots: number;
  /** Keys in the table; below `#maxKeys` unless isFull. */
  #size = 0;
  /** Never falls. */
  #latestOffset = -1;

  constructor(options: { maxBytes: number; loadFactor: number }) {
    this.#maxSlots = Math.max(2, Math.floor(options.maxBytes / SLOT_BYTES));
    // A full table would be searched for ever.
    this.#loadFactor = Math.min(Math.max(options.loadFactor, 0.1), 0.95);
    this.#maxKeys = Math.max(1, Math.floor(this.#maxSlots * this.#loadFactor));
    this.#slots = Math.min(FIRST_SLOTS, this.#maxSlots);
    this.#table = Buffer.alloc(this.#slots * SLOT_BYTES);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#maxKeys;
  }

  /** The last offset that was taken into account, -1 at first. */
  get latestOffset(): number {
    return this.#latestOffset;
  }

  updateLatestOffset(offset: number): void {
    this.#latestOffset = Math.max(this.#latestOffset, offset);
  }

  /** Offsets come in ascending order, so the last one stays. */
  put(key: Buffer, offset: number): void {
    if (this.#size + 1 > this.#slots * this.#loadFactor && this.#slots < this.#maxSlots) this.#grow();
    const digest = hash('md5', key, 'buffer');
    const at = this.#find(digest);
    if (isEmpty(this.#table, at)) {
      digest.copy(this.#table, at);
      this.#size += 1;
    }
    writeOffset(this.#table, at, offset);
  }

  /** -1 when the key is not in the map. */
  get(key: Buffer): number {
    const at = this.#find(hash('md5', key, 'buffer'));
    return isEmpty(this.#table, at) ? -1 : readOffset(this.#table, at);
  }

  /** The slot of a digest, or the empty one where it belongs. */
  #find(digest: Buffer): number {
    const table = this.#table;
    for (let slot = digest.readUInt32BE(0) % this.#slots; ; slot = slot + 1 === this.#slots ? 0 : slot + 1) {
      const at = slot * SLOT_BYTES;
      if (isEmpty(table, at) || digest.compare(table, at, at + HASH_BYTES) === 0) return at;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#slots = Math.min(this.#slots * 2, this.#maxSlots);
    this.#table = Buffer.alloc(this.#slots * SLOT_BYTES);
    for (let from = 0; from < old.length; from += SLOT_BYTES) {
      if (isEmpty(old, from)) continue;
      old.copy(this.#table, this.#find(old.subarray(from, from + HASH_BYTES)), from, from + SLOT_BYTES);
    }
  }
}

/** Offsets are stored plus one, so that zero means empty. */
function writeOffset(table: Buffer, at: number, offset: number): void {
  table.writeDoubleBE(offset + 1, at + HASH_BYTES);
}

function readOffset(table: Buffer, at: number): number {
  return table.readDoubleBE(at + HASH_BYTES) - 1;
}

function isEmpty(table: Buffer, at: number): boolean {
  return readOffset(table, at) < 0;
}
