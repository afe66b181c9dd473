/**
 * Answers read field by field from their declaration: every byte must belong to a field, and an int64 is
 * whatever it is. Read apart from the broker's own decoder, so that the two can't share a mistake.
 */
import type { AnyApi, Field, Schema } from '../../../broker/protocol/schema.ts';
import { versionIn } from '../../../broker/protocol/versions.ts';
import { defaultValue } from '../../unit/protocol/random-message.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** What follows the correlation id of an answer. Throws on anything that is not exactly one message. */
export function readAnswer(api: AnyApi, version: number, bytes: Buffer): Json {
  const flexible = version >= api.responseFlexibleFrom;
  const reader = new AnswerReader(bytes, version, flexible);
  if (flexible && api.name !== 'ApiVersions') reader.tags({});
  const message = reader.struct(api.response);
  if (!reader.ended) throw new Error('bytes follow the answer');
  return message;
}

class AnswerReader {
  readonly #bytes: Buffer;
  readonly #version: number;
  readonly #flexible: boolean;
  #at = 0;

  constructor(bytes: Buffer, version: number, flexible: boolean) {
    this.#bytes = bytes;
    this.#version = version;
    this.#flexible = flexible;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  struct(fields: Schema): { readonly [name: string]: Json } {
    const message: Record<string, Json> = {};
    const tagged: Record<number, [string, Field<unknown>]> = {};
    for (const [name, field] of Object.entries(fields)) {
      if (!versionIn(field.versions, this.#version)) continue;
      const { tag } = field.options;
      if (tag === undefined) message[name] = this.#value(field);
      else {
        tagged[tag] = [name, field];
        message[name] = defaultValue(field) as Json;
      }
    }
    if (this.#flexible) Object.assign(message, this.tags(tagged));
    return message;
  }

  tags(known: Readonly<Record<number, [string, Field<unknown>]>>): Record<string, Json> {
    const found: Record<string, Json> = {};
    for (let left = this.#uvarint(); left > 0; left--) {
      const tag = this.#uvarint();
      const end = this.#uvarint() + this.#at;
      const field = known[tag];
      if (field === undefined) throw new Error(`a tagged field ${tag} that is not declared`);
      found[field[0]] = this.#value(field[1]);
      if (this.#at !== end) throw new Error(`the tagged field ${field[0]} has another size`);
    }
    return found;
  }

  #value(field: Field<unknown>): Json {
    switch (field.kind) {
      case 'bool':
        return this.#take(1)[0] !== 0;
      case 'int8':
        return this.#take(1).readInt8();
      case 'int16':
        return this.#take(2).readInt16BE();
      case 'int32':
        return this.#take(4).readInt32BE();
      case 'int64':
      case 'safeInt64': {
        const value = this.#take(8).readBigInt64BE();
        return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
      }
      case 'float64':
        return this.#take(8).readDoubleBE();
      case 'uuid':
        return this.#take(16).toString('base64url');
      case 'string':
        return this.#sized(2)?.toString() ?? null;
      case 'bytes':
      case 'records':
        return this.#sized(4)?.toString('hex') ?? null;
      case 'array':
        return this.#array(field);
      case 'struct':
        return this.struct(field.fields ?? {});
    }
  }

  #array(field: Field<unknown>): Json {
    const count = this.#length(4);
    if (count < 0) return null;
    const { element } = field;
    if (element === undefined) throw new TypeError('an array needs an element');
    return Array.from({ length: count }, () => this.#value(element));
  }

  #sized(lengthBytes: 2 | 4): Buffer | null {
    const length = this.#length(lengthBytes);
    return length < 0 ? null : this.#take(length);
  }

  #length(lengthBytes: 2 | 4): number {
    if (this.#flexible) return this.#uvarint() - 1;
    return lengthBytes === 2 ? this.#take(2).readInt16BE() : this.#take(4).readInt32BE();
  }

  #uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#take(1)[0] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  #take(sizeBytes: number): Buffer {
    const from = this.#at;
    this.#at += sizeBytes;
    if (this.#at > this.#bytes.length) throw new Error('the answer ends too early');
    return this.#bytes.subarray(from, this.#at);
  }
}
