/**
 * Kafka's primitive fields for records that coordinators keep in their topics: int16-sized strings and
 * int32-sized byte strings, or compact ones in flexible versions. Reading beyond the end throws a
 * RangeError, which the loader reports for that record.
 */
import { type Int64, readInt64, writeInt64 } from '../../int64.ts';

export class FieldWriter {
  private readonly parts: Buffer[] = [];

  int16(value: number): this {
    const part = Buffer.allocUnsafe(2);
    part.writeInt16BE(value);
    this.parts.push(part);
    return this;
  }

  int32(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeInt32BE(value);
    this.parts.push(part);
    return this;
  }

  int64(value: Int64): this {
    const part = Buffer.allocUnsafe(8);
    writeInt64(part, 0, value);
    this.parts.push(part);
    return this;
  }

  string(value: string): this {
    const part = Buffer.from(value, 'utf8');
    this.int16(part.length);
    this.parts.push(part);
    return this;
  }

  nullableString(value: string | null): this {
    return value === null ? this.int16(-1) : this.string(value);
  }

  /** Bytes with their size as an int32 before them. */
  sized(value: Buffer): this {
    this.int32(value.length);
    this.parts.push(value);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

export class FieldReader {
  private at = 0;
  private readonly buffer: Buffer;
  private readonly flexible: boolean;

  constructor(buffer: Buffer, flexible: boolean) {
    this.buffer = buffer;
    this.flexible = flexible;
  }

  int16(): number {
    this.at += 2;
    return this.buffer.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.buffer.readInt32BE(this.at - 4);
  }

  int64(): Int64 {
    this.at += 8;
    return readInt64(this.buffer, this.at - 8);
  }

  string(): string {
    const value = this.nullableString();
    if (value === null) throw new RangeError('null where a string must be');
    return value;
  }

  nullableString(): string | null {
    const sizeBytes = this.flexible ? this.varint() - 1 : this.int16();
    return sizeBytes < 0 ? null : this.take(sizeBytes).toString('utf8');
  }

  /** A copy, as the buffer belongs to the log. */
  sized(): Buffer {
    const sizeBytes = this.flexible ? this.varint() - 1 : this.int32();
    return Buffer.from(this.take(Math.max(sizeBytes, 0)));
  }

  /** The length of an array; never more than there are bytes left. */
  count(): number {
    const count = this.flexible ? this.varint() - 1 : this.int32();
    if (count > this.buffer.length - this.at) throw new RangeError(`an array of ${count} does not fit`);
    return Math.max(count, 0);
  }

  /** Skips the tagged fields at the end of a flexible structure. */
  tags(): void {
    if (!this.flexible) return;
    for (let left = this.varint(); left > 0; left--) {
      this.varint();
      this.take(this.varint());
    }
  }

  private take(sizeBytes: number): Buffer {
    if (this.at + sizeBytes > this.buffer.length) throw new RangeError(`${sizeBytes} bytes do not fit`);
    this.at += sizeBytes;
    return this.buffer.subarray(this.at - sizeBytes, this.at);
  }

  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a varint of more than five bytes');
  }
}
