/**
 * The variable-length integers inside of record batches: zigzag, seven bits a byte, low bits first.
 * Source: Kafka's ByteUtils (as in Protocol Buffers).
 */
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

  /** A signed int64 as a number, rounded beyond 2^53. */
  varlong(): number {
    let raw = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.byte();
      raw += (byte & 0x7f) * scale;
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
      scale *= 128;
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
export function varintSizeBytes(value: number): number {
  let sizeBytes = 1;
  // Zigzag doubles the magnitude, so six bits fit in the first byte and seven in each that follows.
  for (let rest = value < 0 ? -(value + 1) : value, limit = 64; rest >= limit; limit *= 128) sizeBytes++;
  return sizeBytes;
}

/** Writes a varint or varlong; returns the position after it. */
export function writeVarint(out: Buffer, start: number, value: number): number {
  let at = start;
  if (value >= -0x4000_0000 && value < 0x4000_0000) {
    let zigzag = (value << 1) ^ (value >> 31);
    for (; zigzag >= 0x80; zigzag >>>= 7) out[at++] = (zigzag & 0x7f) | 0x80;
    out[at++] = zigzag;
    return at;
  }
  const exact = BigInt(value);
  let zigzag = BigInt.asUintN(64, exact < 0n ? -exact * 2n - 1n : exact * 2n);
  for (; zigzag >= 0x80n; zigzag >>= 7n) out[at++] = Number(zigzag & 0x7fn) | 0x80;
  out[at++] = Number(zigzag);
  return at;
}
