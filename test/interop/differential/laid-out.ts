/**
 * Requests written field by field from their declaration, and the same with one thing about them changed.
 * Written apart from the broker's own encoder, so that the two can't share a mistake.
 */
import type { Field, Schema } from '../../../broker/protocol/schema.ts';
import { versionIn } from '../../../broker/protocol/versions.ts';
import { defaultValue } from '../../unit/protocol/random-message.ts';

/** Something that can be changed: the first of its kind in the message, named by its path without indexes. */
interface Site {
  readonly path: string;
  readonly kind: Field<unknown>['kind'] | 'tags' | 'tag';
}

/** One change of one site. */
export interface Change {
  readonly path: string;
  readonly mutation: string;
}

export interface Shape {
  readonly version: number;
  readonly flexible: boolean;
}

type Values = Readonly<Record<string, unknown>>;

const INTEGER_BYTES: Partial<Record<Field<unknown>['kind'], number>> = {
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  safeInt64: 8,
};
const NOT_UTF8 = Buffer.from([0xff, 0xfe]);
const UNKNOWN_TAG = 9_999;
const OVER_LONG = 0x7fff_fff0;

/** What can be done to a site of a kind. */
export function mutationsOf(kind: Site['kind'], value: unknown): readonly string[] {
  if (INTEGER_BYTES[kind as Field<unknown>['kind']] !== undefined) {
    return ['least', 'greatest', ...(value === -1 ? [] : ['-1']), ...(value === 0 ? [] : ['0'])];
  }
  switch (kind) {
    case 'bool':
      return ['flipped', 'a byte of 2'];
    case 'string':
      return ['null', 'length -2', 'empty', 'over-long', 'not UTF-8'];
    case 'bytes':
    case 'records':
      return ['null', 'length -2', 'empty', 'over-long'];
    case 'array':
      return ['null', 'length -2', 'empty', 'over-long', 'first twice'];
    case 'uuid':
      return ['zero', 'unknown'];
    case 'tags':
      return ['unknown tag'];
    case 'tag':
      return ['declared longer', 'declared shorter'];
    default:
      return [];
  }
}

/** The body of a request; `change` is done to the first site of its path. */
export class LaidOut {
  readonly sites = new Map<string, { site: Site; value: unknown }>();
  readonly #shape: Shape;
  readonly #change: Change | null;
  #parts: Buffer[] = [];

  constructor(fields: Schema, values: Values, shape: Shape, change: Change | null = null) {
    this.#shape = shape;
    this.#change = change;
    this.#struct(fields, values, '');
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Notes a site; the mutation to do there, if this is the one. */
  #at(path: string, kind: Site['kind'], value: unknown): string | null {
    if (this.sites.has(path)) return null;
    this.sites.set(path, { site: { path, kind }, value });
    return this.#change?.path === path ? this.#change.mutation : null;
  }

  #struct(fields: Schema, values: Values, path: string): void {
    const present = Object.entries(fields).filter(([, { versions }]) =>
      versionIn(versions, this.#shape.version),
    );
    const given = (name: string, field: Field<unknown>): unknown =>
      values[name] ?? (values[name] === null ? null : defaultValue(field));
    for (const [name, field] of present) {
      if (field.options.tag === undefined) this.#value(field, given(name, field), join(path, name));
    }
    if (!this.#shape.flexible) return;
    const tagged = present.filter(([name, { options }]) => options.tag !== undefined && name in values);
    const mutation = this.#at(join(path, 'tags'), 'tags', null);
    this.#push(uvarint(tagged.length + (mutation === null ? 0 : 1)));
    for (const [name, field] of tagged) this.#tagged(field, given(name, field), join(path, name));
    if (mutation !== null) this.#push(uvarint(UNKNOWN_TAG), uvarint(3), Buffer.from('abc'));
  }

  #tagged(field: Field<unknown>, value: unknown, path: string): void {
    const mutation = this.#at(`${path}(tag)`, 'tag', null);
    const outer = this.#parts;
    this.#parts = [];
    this.#value(field, value, path);
    const inner = this.bytes();
    this.#parts = outer;
    const more = mutation === 'declared longer' ? 2 : mutation === 'declared shorter' ? -1 : 0;
    this.#push(
      uvarint(field.options.tag ?? 0),
      uvarint(inner.length + more),
      inner,
      Buffer.alloc(Math.max(0, more)),
    );
  }

  #value(field: Field<unknown>, value: unknown, path: string): void {
    const { kind } = field;
    const integerBytes = INTEGER_BYTES[kind];
    if (kind === 'struct') this.#struct(field.fields ?? {}, value as Values, path);
    else if (kind === 'array') this.#array(field, value as readonly unknown[] | null, path);
    else if (integerBytes !== undefined)
      this.#integer(integerBytes, Number(value), this.#at(path, kind, value));
    else if (kind === 'bool') this.#bool(value === true, this.#at(path, kind, value));
    else if (kind === 'uuid') this.#uuid(String(value), this.#at(path, kind, value));
    else this.#sized(kind, value as string | Buffer | null, this.#at(path, kind, value));
  }

  #integer(sizeBytes: number, value: number, mutation: string | null): void {
    const bits = BigInt(sizeBytes * 8 - 1);
    let integer = BigInt(value);
    if (mutation === 'least') integer = -(2n ** bits);
    else if (mutation === 'greatest') integer = 2n ** bits - 1n;
    else if (mutation !== null) integer = BigInt(mutation);
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(integer);
    this.#push(bytes.subarray(8 - sizeBytes));
  }

  #bool(value: boolean, mutation: string | null): void {
    if (mutation === 'a byte of 2') this.#push(Buffer.from([2]));
    else this.#push(Buffer.from([value !== (mutation === 'flipped') ? 1 : 0]));
  }

  #uuid(value: string, mutation: string | null): void {
    if (mutation === 'zero') this.#push(Buffer.alloc(16));
    else if (mutation === 'unknown') this.#push(Buffer.alloc(16, 7));
    else this.#push(Buffer.from(value, 'base64url'));
  }

  #sized(kind: 'string' | 'bytes' | string, value: string | Buffer | null, mutation: string | null): void {
    let bytes = typeof value === 'string' ? Buffer.from(value) : value;
    if (mutation === 'empty') bytes = Buffer.alloc(0);
    else if (mutation === 'not UTF-8') bytes = Buffer.concat([bytes ?? NOT_UTF8, NOT_UTF8]);
    else if (mutation === 'null') bytes = null;
    if (mutation === 'length -2') this.#length(kind === 'string' ? 2 : 4, -2);
    else if (mutation === 'over-long')
      this.#length(kind === 'string' ? 2 : 4, kind === 'string' ? 0x7fff : OVER_LONG);
    else this.#length(kind === 'string' ? 2 : 4, bytes?.length ?? -1);
    if (bytes !== null && mutation !== 'length -2') this.#push(bytes);
  }

  #array(field: Field<unknown>, value: readonly unknown[] | null, path: string): void {
    const { element } = field;
    if (element === undefined) throw new TypeError('an array needs an element');
    const mutation = this.#at(path, 'array', value);
    const times = Number(/^first (\d+) times$/.exec(mutation ?? '')?.[1] ?? 0);
    if (times > 0) {
      this.#repeated(element, value?.[0], path, times);
      return;
    }
    let elements = mutation === 'null' || mutation === 'length -2' ? null : value;
    if (mutation === 'empty') elements = [];
    if (mutation === 'first twice' && elements !== null) elements = [...elements.slice(0, 1), ...elements];
    const count =
      mutation === 'length -2' ? -2 : mutation === 'over-long' ? OVER_LONG : (elements?.length ?? -1);
    this.#length(4, count);
    for (const each of elements ?? [])
      this.#value(element, each, element.kind === 'struct' ? path : `${path}[]`);
  }

  #repeated(element: Field<unknown>, first: unknown, path: string, times: number): void {
    this.#length(4, times);
    const outer = this.#parts;
    this.#parts = [];
    this.#value(element, first, element.kind === 'struct' ? path : `${path}[]`);
    const one = this.bytes();
    this.#parts = outer;
    this.#push(Buffer.alloc(one.length * times, one));
  }

  #length(sizeBytes: number, length: number): void {
    if (this.#shape.flexible) this.#push(uvarint(length + 1));
    else this.#integer(sizeBytes, length, null);
  }

  #push(...bytes: readonly Buffer[]): void {
    this.#parts.push(...bytes);
  }
}

export function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value >>> 0;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
