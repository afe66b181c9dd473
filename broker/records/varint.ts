/**
 * The variable-length integers inside of record batches: zigzag, seven bits a byte, low bits first.
 * Source: Kafka's ByteUtils (as in Protocol Buffers).
 */
import { type Int64, toInt64 } from '../int64.ts';
import { InvalidRecord } from './batch.ts';

/** Reads varints and byte ranges one after the other; never beyond `end`. */
export class RecordCursor {
  readonly buffer: Buffer;
  at: number;
  end: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  /** A signed int32. */
  varint(): number {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    throw new InvalidRecord('A varint is longer than five bytes');
  }

  varlong(): Int64 {
    const start = this.at;
    let raw = 0;
    let scale = 1;
    // Seven bytes hold 49 bits, which a number holds as well; only what is longer needs the other way.
    for (let count = 0; count < 7; count++) {
      const byte = this.byte();
      raw += (byte & 0x7f) * scale;
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
      scale *= 128;
    }
    this.at = start;
    return this.#longVarlong();
  }

  #longVarlong(): Int64 {
    let raw = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      raw |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      const bits = BigInt.asUintN(64, raw);
      return toInt64((bits >> 1n) ^ -(bits & 1n));
    }
    throw new InvalidRecord('A varlong is longer than ten bytes');
  }

  byte(): number {
    if (this.at >= this.end) throw new InvalidRecord('A record ends too early');
    return this.buffer[this.at++] as number;
  }

  /** The next bytes as a view. */
  bytes(sizeBytes: number): Buffer {
    const start = this.at;
    this.skip(sizeBytes);
    return this.buffer.subarray(start, this.at);
  }

  skip(sizeBytes: number): void {
    if (sizeBytes < 0 || sizeBytes > this.end - this.at) throw new InvalidRecord('A record ends too early');
    this.at += sizeBytes;
  }
}

/** How many bytes the varint takes; also for varlongs. */
export function varintSizeBytes(value: Int64): number {
  let sizeBytes = 1;
  if (typeof value === 'bigint') {
    for (let rest = zigzag64(value); rest >= 0x80n; rest >>= 7n) sizeBytes++;
    return sizeBytes;
  }
  // Zigzag doubles the magnitude, so six bits fit in the first byte and seven in each that follows.
  for (let rest = value < 0 ? -(value + 1) : value, limit = 64; rest >= limit; limit *= 128) sizeBytes++;
  return sizeBytes;
}

/** Writes a varint or varlong; returns the position after it. */
export function writeVarint(out: Buffer, start: number, value: Int64): number {
  let at = start;
  if (typeof value === 'number' && value >= -0x4000_0000 && value < 0x4000_0000) {
    let zigzag = (value << 1) ^ (value >> 31);
    for (; zigzag >= 0x80; zigzag >>>= 7) out[at++] = (zigzag & 0x7f) | 0x80;
    out[at++] = zigzag;
    return at;
  }
  let zigzag = zigzag64(BigInt(value));
  for (; zigzag >= 0x80n; zigzag >>= 7n) out[at++] = Number(zigzag & 0x7fn) | 0x80;
  out[at++] = Number(zigzag);
  return at;
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}
