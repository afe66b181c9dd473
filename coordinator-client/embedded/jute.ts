/**
 * Jute, the serialization of ZooKeeper's protocol: big-endian, strings and buffers behind a 32-bit
 * length, -1 for null. The reader checks every length against what is left before it believes it.
 * Source: org.apache.jute.BinaryInputArchive, BinaryOutputArchive.
 */

/** The bytes are not what they should be. */
export class JuteError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JuteError';
  }
}

export class JuteReader {
  readonly #bytes: Buffer;
  #position: number;

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes;
    this.#position = position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8));
  }

  boolean(): boolean {
    return this.#bytes[this.#advance(1)] !== 0;
  }

  /** A view of the frame; whoever keeps it copies it. */
  buffer(): Buffer | null {
    const length = this.int();
    if (length === -1) return null;
    if (length < 0) throw new JuteError(`a length of ${length}`);
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** A null string reads as an empty one: no path, scheme or id is either. */
  string(): string {
    return this.buffer()?.toString('utf8') ?? '';
  }

  /** Each element takes at least `smallestBytes`, so that a count cannot promise more than there is. */
  vector<Element>(smallestBytes: number, element: () => Element): Element[] {
    const count = this.int();
    if (count === -1) return [];
    if (count < 0 || count * smallestBytes > this.remaining) throw new JuteError(`a count of ${count}`);
    return Array.from({ length: count }, element);
  }

  strings(): string[] {
    return this.vector(4, () => this.string());
  }

  #advance(sizeBytes: number): number {
    if (sizeBytes > this.remaining) throw new JuteError(`${sizeBytes} bytes wanted, ${this.remaining} left`);
    const from = this.#position;
    this.#position += sizeBytes;
    return from;
  }
}

const FIRST_BYTES = 256;

export class JuteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #position = 0;

  get sizeBytes(): number {
    return this.#position;
  }

  int(value: number): this {
    const at = this.#advance(4);
    this.#bytes.writeInt32BE(value | 0, at);
    return this;
  }

  long(value: bigint): this {
    const at = this.#advance(8);
    this.#bytes.writeBigInt64BE(value, at);
    return this;
  }

  /** A non-negative integer below 2^53 as a long. */
  safeLong(value: number): this {
    const at = this.#advance(8);
    this.#bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
    this.#bytes.writeUInt32BE(value % 2 ** 32, at + 4);
    return this;
  }

  boolean(value: boolean): this {
    const at = this.#advance(1);
    this.#bytes[at] = value ? 1 : 0;
    return this;
  }

  buffer(value: Buffer | null): this {
    if (value === null) return this.int(-1);
    return this.int(value.length).raw(value);
  }

  string(value: string): this {
    const length = Buffer.byteLength(value);
    this.int(length);
    const at = this.#advance(length);
    this.#bytes.write(value, at, length);
    return this;
  }

  strings(values: Iterable<string>): this {
    const all = [...values];
    this.int(all.length);
    for (const value of all) this.string(value);
    return this;
  }

  raw(value: Buffer): this {
    const at = this.#advance(value.length);
    value.copy(this.#bytes, at);
    return this;
  }

  /** Writes over what was written before. */
  intAt(position: number, value: number): this {
    this.#bytes.writeInt32BE(value, position);
    return this;
  }

  longAt(position: number, value: bigint): this {
    this.#bytes.writeBigInt64BE(value, position);
    return this;
  }

  /** What has been written; a view, valid until the next write. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#position);
  }

  /** Moves on, with room made: to be called before `bytes` is looked at, which it may replace. */
  #advance(sizeBytes: number): number {
    const from = this.#position;
    const needed = from + sizeBytes;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, from);
      this.#bytes = larger;
    }
    this.#position = needed;
    return from;
  }
}
