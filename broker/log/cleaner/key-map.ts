/**
 * The last offset of each key in the dirty part of a log, in 24 bytes a key: the MD5 of the key and
 * the offset. Two keys with the same MD5 would be taken for one, which Kafka accepts as well.
 * The table grows with its content up to the configured size; what it held moves over bit by bit, with each
 * key that is put, since moving millions at once would hold the event loop. (Kafka's SkimpyOffsetMap.)
 */
import { hash } from 'node:crypto';

const HASH_BYTES = 16;
/** Of one key: its hash and its offset. */
export const ENTRY_BYTES = HASH_BYTES + 8;
const FIRST_SLOTS = 4096;
/** With each key that is put. The next growth is due after a tenth of the slots at the earliest (the load factor). */
const SLOTS_MOVED_AT_ONCE = 16;

/** By which a key is known. */
export function keyHash(key: Buffer): Buffer {
  return hash('md5', key, 'buffer');
}

/**
 * A key is in `#table`, or in `#old` if it has not moved yet; if it is in both, `#table` is right. There is
 * always an empty slot in each.
 */
export class KeyMap {
  readonly #maxKeys: number;
  readonly #maxSlots: number;
  readonly #loadFactor: number;
  #table: Table;
  /** What `#table` takes over; null when it has all. */
  #old: Table | null = null;
  /** Slots of `#old` below it have been taken over. */
  #moved = 0;
  /** Keys in the map; below `#maxKeys` unless isFull. */
  #size = 0;
  /** Never falls. */
  #latestOffset = -1;

  constructor(options: { maxBytes: number; loadFactor: number }) {
    this.#maxSlots = Math.max(2, Math.floor(options.maxBytes / ENTRY_BYTES));
    // A full table would be searched for ever.
    this.#loadFactor = Math.min(Math.max(options.loadFactor, 0.1), 0.95);
    this.#maxKeys = Math.max(1, Math.floor(this.#maxSlots * this.#loadFactor));
    this.#table = new Table(Math.min(FIRST_SLOTS, this.#maxSlots));
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
    this.putHash(keyHash(key), 0, offset);
  }

  /** The key whose hash is at `at` of `bytes`. */
  putHash(bytes: Buffer, at: number, offset: number): void {
    if (this.#old === null && this.#size + 1 > this.#table.slots * this.#loadFactor) this.#grow();
    this.#moveSome();
    const slot = this.#table.find(bytes, at);
    if (this.#table.isEmpty(slot)) {
      if (this.#inOld(bytes, at) < 0) this.#size += 1;
      this.#table.take(slot, bytes, at);
    }
    this.#table.write(slot, offset);
  }

  /** -1 when the key is not in the map. */
  get(key: Buffer): number {
    return this.getHash(keyHash(key), 0);
  }

  getHash(bytes: Buffer, at: number): number {
    const offset = this.#table.offset(this.#table.find(bytes, at));
    return offset < 0 ? this.#inOld(bytes, at) : offset;
  }

  /** There is a later record of this key. */
  isReplaced(key: Buffer, offset: number): boolean {
    return offset < this.get(key);
  }

  #inOld(bytes: Buffer, at: number): number {
    const old = this.#old;
    return old === null ? -1 : old.offset(old.find(bytes, at));
  }

  #grow(): void {
    if (this.#table.slots >= this.#maxSlots) return;
    this.#old = this.#table;
    this.#moved = 0;
    this.#table = new Table(Math.min(this.#table.slots * 2, this.#maxSlots));
  }

  #moveSome(): void {
    const old = this.#old;
    if (old === null) return;
    const end = Math.min(this.#moved + SLOTS_MOVED_AT_ONCE, old.slots);
    for (let slot = this.#moved; slot < end; slot++) if (!old.isEmpty(slot)) this.#take(old, slot);
    this.#moved = end;
    if (end === old.slots) this.#old = null;
  }

  #take(old: Table, slot: number): void {
    const at = slot * ENTRY_BYTES;
    const to = this.#table.find(old.bytes, at);
    // A later record of the key has been put already.
    if (!this.#table.isEmpty(to)) return;
    this.#table.take(to, old.bytes, at);
    this.#table.write(to, old.offset(slot));
  }
}

/** Open addressing: a key is in the first slot from its own that is empty or its own. */
class Table {
  readonly slots: number;
  readonly bytes: Buffer;

  constructor(slots: number) {
    this.slots = slots;
    this.bytes = Buffer.alloc(slots * ENTRY_BYTES);
  }

  /** The slot of a hash, or the empty one where it belongs. */
  find(hashes: Buffer, from: number): number {
    for (let slot = hashes.readUInt32BE(from) % this.slots; ; slot = slot + 1 === this.slots ? 0 : slot + 1) {
      if (this.isEmpty(slot)) return slot;
      const at = slot * ENTRY_BYTES;
      if (hashes.compare(this.bytes, at, at + HASH_BYTES, from, from + HASH_BYTES) === 0) return slot;
    }
  }

  /** -1 in an empty slot: offsets are stored plus one, so that zero means empty. */
  offset(slot: number): number {
    return readOffset(this.bytes, slot * ENTRY_BYTES);
  }

  isEmpty(slot: number): boolean {
    return this.offset(slot) < 0;
  }

  take(slot: number, hashes: Buffer, from: number): void {
    hashes.copy(this.bytes, slot * ENTRY_BYTES, from, from + HASH_BYTES);
  }

  write(slot: number, offset: number): void {
    writeOffset(this.bytes, slot * ENTRY_BYTES, offset);
  }
}

/** Of the entry at `at`, behind its hash. */
export function writeOffset(entries: Buffer, at: number, offset: number): void {
  entries.writeDoubleBE(offset + 1, at + HASH_BYTES);
}

export function readOffset(entries: Buffer, at: number): number {
  return entries.readDoubleBE(at + HASH_BYTES) - 1;
}
