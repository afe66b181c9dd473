/**
 * Reads Kafka's primitive encodings from a frame. Every length is compared with what is left before
 * anything is allocated, so a hostile frame costs no more than its own size. Beyond that it is as
 * lenient as the readers that Kafka generates, since clients exist that lean on each of these: any
 * negative length is null where null is allowed, and the size of a tagged field is not compared with
 * what its value takes.
 * Source: Kafka protocol guide, KIP-482; MessageDataGenerator, ByteUtils.readUnsignedVarint.
 */
import { type Int64, readInt64, readSafeInt64 } from '../int64.ts';

/** The bytes are not a message of this API and version; whoever sent them is cut off. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** More array elements than the reader was to read; it has read none of the array with which there are too many. */
export class TooManyElements extends ProtocolError {
  constructor() {
    super('too many array elements for one message');
  }
}

/** More of long texts than is read or written at once; in steps there is no end to it but that of the message. */
export class TooMuchText extends ProtocolError {
  constructor() {
    super('too much text to be read or written at once');
  }
}

/** So much of a text takes as long as an element of an array. Shorter ones are not counted. */
export const TEXT_BYTES_PER_ELEMENT = 128;

/** How much is read or written at once. */
export interface MessageLimits {
  readonly maxElements: number;
  /** Of texts that are counted. */
  readonly maxTextBytes: number;
}

export const NO_LIMITS: MessageLimits = {
  maxElements: Number.POSITIVE_INFINITY,
  maxTextBytes: Number.POSITIVE_INFINITY,
};

const MAX_STRING_BYTES = 0x7fff;

export class Reader {
  readonly buffer: Buffer;
  /** Never beyond `end`; what is before it has been read. */
  position: number;
  /** Reading stops here. */
  readonly end: number;
  /** Array elements since the last pause of whoever reads in steps, and what counts as such. */
  steps = 0;
  /** Some of what was read are views of the buffer. */
  hasViews = false;
  /** How many more array elements may be read: an element of a few bytes becomes an object of a hundred. */
  #elementsLeft: number;
  #textBytesLeft: number;

  constructor(buffer: Buffer, { maxElements, maxTextBytes } = NO_LIMITS) {
    this.buffer = buffer;
    this.position = 0;
    this.end = buffer.length;
    this.#elementsLeft = maxElements;
    this.#textBytesLeft = maxTextBytes;
  }

  /** Moves past `size` bytes and returns where they began. */
  take(size: number): number {
    const at = this.position;
    if (size < 0) throw new ProtocolError('a negative size');
    if (size > this.end - at) throw new ProtocolError(`needs ${size} bytes, ${this.end - at} left`);
    this.position = at + size;
    return at;
  }

  bool(): boolean {
    return this.buffer[this.take(1)] !== 0;
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4));
  }

  int64(): Int64 {
    return readInt64(this.buffer, this.take(8));
  }

  safeInt64(): number {
    return readSafeInt64(this.buffer, this.take(8));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  uuid(): string {
    const at = this.take(16);
    return this.buffer.toString('base64url', at, at + 16);
  }

  /** An int32 in groups of seven bits: negative when its highest bit is set, as in Kafka. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ProtocolError('varint is too long');
  }

  string(): string {
    return this.#text(this.int16());
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#text(length);
  }

  compactString(): string {
    return this.#text(this.#compactLength());
  }

  compactNullableString(): string | null {
    const length = this.#compactLength();
    return length < 0 ? null : this.#text(length);
  }

  bytes(): Buffer {
    return this.#view(this.int32());
  }

  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.#view(length);
  }

  compactBytes(): Buffer {
    return this.#view(this.#compactLength());
  }

  compactNullableBytes(): Buffer | null {
    const length = this.#compactLength();
    return length < 0 ? null : this.#view(length);
  }

  /** The count of an array whose elements take at least `elementBytes` each. */
  count(elementBytes: number): number {
    return this.#checkedCount(this.int32(), elementBytes);
  }

  /** -1 for null. */
  nullableCount(elementBytes: number): number {
    const count = this.int32();
    return count < 0 ? -1 : this.#checkedCount(count, elementBytes);
  }

  compactCount(elementBytes: number): number {
    return this.#checkedCount(this.#compactLength(), elementBytes);
  }

  compactNullableCount(elementBytes: number): number {
    const count = this.#compactLength();
    return count < 0 ? -1 : this.#checkedCount(count, elementBytes);
  }

  /** A nullable struct begins with a negative byte for null, any other before its fields. */
  present(): boolean {
    return this.int8() >= 0;
  }

  /** The same before a nullable struct in a tagged field. */
  presentInTag(): boolean {
    return this.uvarint() > 0;
  }

  /** Passes over the value of an unknown tag. */
  skipTag(): void {
    this.take(this.uvarint());
  }

  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.skipTag();
    }
  }

  /** Lengths are written one higher, so that 0 is null; the subtraction wraps around as an int32's does. */
  #compactLength(): number {
    return (this.uvarint() - 1) | 0;
  }

  #text(length: number): string {
    if (length < 0) throw new ProtocolError('a string that can’t be null is null or has a negative length');
    if (length > MAX_STRING_BYTES) throw new ProtocolError(`a string of ${length} bytes is too long`);
    const at = this.take(length);
    if (length >= TEXT_BYTES_PER_ELEMENT) this.#countText(length);
    return this.buffer.toString('utf8', at, at + length);
  }

  #countText(length: number): void {
    this.steps += Math.floor(length / TEXT_BYTES_PER_ELEMENT);
    this.#textBytesLeft -= length;
    if (this.#textBytesLeft < 0) throw new TooMuchText();
  }

  #view(length: number): Buffer {
    if (length < 0) throw new ProtocolError('bytes that can’t be null are null or have a negative length');
    const at = this.take(length);
    this.hasViews = true;
    return this.buffer.subarray(at, at + length);
  }

  #checkedCount(count: number, elementBytes: number): number {
    if (count < 0) throw new ProtocolError('an array that can’t be null is null or has a negative count');
    if (count * elementBytes > this.end - this.position) {
      throw new ProtocolError(
        `an array of ${count} elements does not fit in ${this.end - this.position} bytes`,
      );
    }
    this.#elementsLeft -= count;
    if (this.#elementsLeft < 0) throw new TooManyElements();
    return count;
  }
}
