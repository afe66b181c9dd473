/**
 * Avro's binary encoding by a schema, as plain data that JSON can hold: integers that a number can't hold,
 * decimals and times as text, bytes in hexadecimal. How deep and how long a value may be is limited: a few bytes
 * can say "a billion nulls".
 * Source: Apache Avro specification 1.12, "Binary Encoding".
 */
import { type AvroType, BadAvro } from './avro-schema.ts';

const MOST_LEVELS = 64;
const MOST_ITEMS = 100_000;
const MOST_VARINT_BYTES = 10;
const MOST_DATE_MS = 8.64e15;
const DAY_MS = 86_400_000;

/** All of `bytes`; throws BadAvro when they don't fit to the last. */
export function avroValue(type: AvroType, bytes: Buffer): unknown {
  const reader = new ValueCursor(bytes);
  const value = reader.value(type, 0);
  if (reader.left > 0) throw new BadAvro(`${reader.left} bytes are left after the value`);
  return value;
}

/** Reads one after the other. */
export class ValueCursor {
  readonly #bytes: Buffer;
  #at = 0;
  #items = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(sizeBytes: number): Buffer {
    if (sizeBytes < 0 || sizeBytes > this.left) throw new BadAvro('the value ends too early');
    this.#at += sizeBytes;
    return this.#bytes.subarray(this.#at - sizeBytes, this.#at);
  }

  /** Zigzag, seven bits a byte. */
  long(): bigint {
    let bits = 0n;
    for (let index = 0; index < MOST_VARINT_BYTES; index++) {
      const byte = this.take(1)[0] ?? 0;
      bits |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
    }
    throw new BadAvro('a number is too long');
  }

  /** With its length in front. */
  sized(): Buffer {
    return this.take(Number(this.long()));
  }

  value(type: AvroType, level: number): unknown {
    if (level > MOST_LEVELS) throw new BadAvro(`the value is deeper than ${MOST_LEVELS} levels`);
    if (++this.#items > MOST_ITEMS) throw new BadAvro(`the value has more than ${MOST_ITEMS} items`);
    switch (type.kind) {
      case 'null':
        return null;
      case 'boolean':
        return this.take(1)[0] !== 0;
      case 'int':
      case 'long':
        return integer(this.long(), type.logical);
      case 'float':
        return finite(this.take(4).readFloatLE());
      case 'double':
        return finite(this.take(8).readDoubleLE());
      case 'string':
        return this.sized().toString('utf8');
      case 'bytes':
        return bytesOf(this.sized(), type);
      case 'fixed':
        return bytesOf(this.take(type.sizeBytes), type);
      case 'enum':
        return one(type.symbols, this.long());
      case 'union':
        return this.value(one(type.branches, this.long()), level + 1);
      case 'array':
        return this.#blocks(() => this.value(type.items, level + 1));
      case 'map':
        return Object.fromEntries(
          this.#blocks(() => [this.sized().toString('utf8'), this.value(type.items, level + 1)] as const),
        );
      case 'record':
        return Object.fromEntries(
          type.fields.map((field) => [field.name, this.value(field.type, level + 1)]),
        );
    }
  }

  /** A negative count is followed by how many bytes the block has; the last block has nothing. */
  #blocks<Item>(read: () => Item): Item[] {
    const items: Item[] = [];
    for (;;) {
      let count = this.long();
      if (count === 0n) return items;
      if (count < 0n) {
        count = -count;
        this.long();
      }
      if (count > BigInt(MOST_ITEMS)) throw new BadAvro(`the value has more than ${MOST_ITEMS} items`);
      for (let index = 0n; index < count; index++) items.push(read());
    }
  }
}

function one<Item>(items: readonly Item[], index: bigint): Item {
  const found = index < 0n ? undefined : items[Number(index)];
  if (found === undefined) throw new BadAvro(`there is no choice ${index}`);
  return found;
}

function integer(value: bigint, logical: string | null): unknown {
  const number = Number(value);
  const atMs = atMsOf(number, logical);
  if (atMs !== null && Math.abs(atMs) <= MOST_DATE_MS) {
    const text = new Date(atMs).toISOString();
    return logical === 'date' ? text.slice(0, -'T00:00:00.000Z'.length) : text;
  }
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Null: it is no time. Microseconds that a date can't show are kept as the number that they are. */
function atMsOf(value: number, logical: string | null): number | null {
  if (logical === 'date') return value * DAY_MS;
  if (logical === 'timestamp-millis') return value;
  if (logical === 'timestamp-micros' && value % 1000 === 0) return value / 1000;
  return null;
}

function finite(value: number): unknown {
  return Number.isFinite(value) ? value : String(value);
}

function bytesOf(
  bytes: Buffer,
  { logical, scale }: { readonly logical: string | null; readonly scale: number },
): string {
  if (logical !== 'decimal' || bytes.length === 0 || bytes.length > 64) return `0x${bytes.toString('hex')}`;
  const unscaled = BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-scale)}`;
}
