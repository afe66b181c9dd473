/**
 * Writes Kafka's primitive encodings into a list of parts. Small values go into chunks of this
 * writer; record batches and other large bytes become parts of their own, by reference. A chunk that
 * is full is never copied: the next one simply follows it.
 * Source: Kafka protocol guide, KIP-482.
 */
import { type Int64, writeInt64 } from '../int64.ts';
import { LateBytes, type MessagePart } from './late-bytes.ts';
import { NO_LIMITS, ProtocolError, TEXT_BYTES_PER_ELEMENT, TooManyElements, TooMuchText } from './reader.ts';

const MAX_STRING_BYTES = 0x7fff;
const FIRST_CHUNK_BYTES = 256;
const LARGEST_CHUNK_BYTES = 64 * 1024;
/** Bytes below this size are cheaper to copy than to carry as a part of their own. */
const REFERENCE_FROM_BYTES = 512;

/** What was written is `#parts`, then the chunk from `#start` to `#position`. */
export class Writer {
  readonly #parts: MessagePart[] = [];
  /** Sum of the parts. */
  #partsBytes = 0;
  #chunk: Buffer;
  /** Some of the parts are read late. */
  #hasLate = false;
  /** Where in the chunk the bytes begin that are not in `parts` yet. */
  #start = 0;
  #position = 0;
  /** Array elements since the last pause of whoever writes in steps, and what counts as such. */
  steps = 0;
  /** How many more array elements may be written. */
  #elementsLeft: number;
  #textBytesLeft: number;

  constructor({ maxElements, maxTextBytes } = NO_LIMITS) {
    this.#chunk = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
    this.#elementsLeft = maxElements;
    this.#textBytesLeft = maxTextBytes;
  }

  get sizeBytes(): number {
    return this.#partsBytes + this.#position - this.#start;
  }

  /** What was written, in order, where nothing of it is read late. The writer is done with. */
  finish(): Buffer[] {
    if (this.#hasLate) throw new ProtocolError('bytes that are read late can’t be written here');
    this.#cut();
    return this.#parts as Buffer[];
  }

  /** What was written, in order. The writer is done with. */
  finishWithLate(): MessagePart[] {
    this.#cut();
    return this.#parts;
  }

  bool(value: boolean): void {
    const at = this.#reserve(1);
    this.#chunk[at] = value ? 1 : 0;
  }

  int8(value: number): void {
    const at = this.#reserve(1);
    this.#chunk.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.#reserve(2);
    this.#chunk.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#reserve(4);
    this.#chunk.writeInt32BE(value, at);
  }

  int64(value: Int64): void {
    const at = this.#reserve(8);
    writeInt64(this.#chunk, at, value);
  }

  safeInt64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`${value} can’t be written as an int64`);
    const at = this.#reserve(8);
    writeInt64(this.#chunk, at, value);
  }

  float64(value: number): void {
    const at = this.#reserve(8);
    this.#chunk.writeDoubleBE(value, at);
  }

  uuid(value: string): void {
    const at = this.#reserve(16);
    if (value.length !== 22 || this.#chunk.write(value, at, 16, 'base64url') !== 16) {
      throw new ProtocolError(`${value} is no uuid`);
    }
  }

  uvarint(value: number): void {
    let at = this.#reserve(5);
    let left = value >>> 0;
    while (left > 0x7f) {
      this.#chunk[at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.#chunk[at++] = left;
    this.#position = at;
  }

  string(value: string): void {
    const length = textBytes(value);
    this.int16(length);
    this.#text(value, length);
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    const length = textBytes(value);
    this.uvarint(length + 1);
    this.#text(value, length);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0);
    else this.compactString(value);
  }

  bytes(value: MessagePart): void {
    this.int32(value.length);
    this.raw(value);
  }

  nullableBytes(value: MessagePart | null): void {
    if (value === null) this.int32(-1);
    else this.bytes(value);
  }

  compactBytes(value: MessagePart): void {
    this.uvarint(value.length + 1);
    this.raw(value);
  }

  compactNullableBytes(value: MessagePart | null): void {
    if (value === null) this.uvarint(0);
    else this.compactBytes(value);
  }

  /** -1 for null. */
  count(count: number): void {
    this.#spend(count);
    this.int32(count);
  }

  compactCount(count: number): void {
    this.#spend(count);
    this.uvarint(count + 1);
  }

  /** A tagged field: number, size, and what `inner` holds. */
  tagged(tag: number, inner: Writer): void {
    this.uvarint(tag);
    this.uvarint(inner.sizeBytes);
    for (const part of inner.finish()) this.raw(part);
  }

  /** The bytes themselves, without a length; large ones by reference. */
  raw(value: MessagePart): void {
    if (value instanceof LateBytes) {
      this.#hasLate = true;
    } else if (value.length < REFERENCE_FROM_BYTES) {
      const at = this.#reserve(value.length);
      value.copy(this.#chunk, at);
      return;
    }
    this.#cut();
    this.#parts.push(value);
    this.#partsBytes += value.length;
  }

  #spend(elements: number): void {
    this.#elementsLeft -= elements;
    if (this.#elementsLeft < 0) throw new TooManyElements();
  }

  #text(value: string, length: number): void {
    if (length >= TEXT_BYTES_PER_ELEMENT) this.#countText(length);
    const at = this.#reserve(length);
    this.#chunk.write(value, at, length, 'utf8');
  }

  #countText(length: number): void {
    this.steps += Math.floor(length / TEXT_BYTES_PER_ELEMENT);
    this.#textBytesLeft -= length;
    if (this.#textBytesLeft < 0) throw new TooMuchText();
  }

  /** Makes room for `size` bytes and returns where they go. */
  #reserve(size: number): number {
    const at = this.#position;
    if (at + size <= this.#chunk.length) {
      this.#position = at + size;
      return at;
    }
    this.#cut();
    const next = Math.min(this.#chunk.length * 2, LARGEST_CHUNK_BYTES);
    this.#chunk = Buffer.allocUnsafe(Math.max(next, size));
    this.#start = 0;
    this.#position = size;
    return 0;
  }

  #cut(): void {
    if (this.#position === this.#start) return;
    const part = this.#chunk.subarray(this.#start, this.#position);
    this.#parts.push(part);
    this.#partsBytes += part.length;
    this.#start = this.#position;
  }
}

function textBytes(value: string): number {
  const length = Buffer.byteLength(value);
  if (length > MAX_STRING_BYTES) throw new ProtocolError(`a string of ${length} bytes is too long`);
  return length;
}
