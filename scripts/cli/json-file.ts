/**
 * JSON files that people write for commands: read, and checked field by field. What is wrong is a
 * UsageError that names the file, the field and what is allowed there. Numbers too long for one are taken
 * from their text, so offsets up to 2^63 are exact.
 */
import { readFileSync } from 'node:fs';
import type { Int64 } from '../../broker/int64.ts';
import { toInt64 } from '../../broker/int64.ts';
import { UsageError } from './arguments.ts';
import type { TopicPartition } from './partitions.ts';

const MAX_INT32 = 0x7fff_ffff;

/** A value in a file, with its name for messages. */
export class JsonField {
  readonly value: unknown;
  readonly name: string;

  constructor(value: unknown, name: string) {
    this.value = value;
    this.name = name;
  }

  /** A field of this object; `undefined` in it when it isn't there. */
  at(key: string): JsonField {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      throw this.#wrong('an object');
    const fields: Readonly<Record<string, unknown>> = { ...this.value };
    return new JsonField(fields[key], `${this.name} ${key}`);
  }

  items(): JsonField[] {
    if (!Array.isArray(this.value)) throw this.#wrong('an array');
    return this.value.map((item, index) => new JsonField(item, `${this.name}[${index}]`));
  }

  text(): string {
    if (typeof this.value !== 'string' || this.value === '') throw this.#wrong('a text');
    return this.value;
  }

  /** A partition's number or a broker's id. */
  int32(): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_INT32)
      throw this.#wrong(`an integer from 0 to ${MAX_INT32}`);
    return value;
  }

  /** An offset, perhaps with a special meaning below 0. */
  int64(least: number): Int64 {
    const value = typeof this.value === 'bigint' ? toInt64(this.value) : this.value;
    const isInteger = typeof value === 'bigint' || Number.isInteger(value);
    if ((typeof value !== 'number' && typeof value !== 'bigint') || !isInteger || value < least)
      throw this.#wrong(`an integer from ${least}`);
    return value;
  }

  /** `version` must be 1, or missing. */
  checkVersion(): void {
    const version = this.at('version');
    if (version.value !== undefined && version.value !== 1) throw version.#wrong('1');
  }

  #wrong(allowed: string): UsageError {
    const found = this.value === undefined ? 'it is missing' : `not ${shown(this.value)}`;
    return new UsageError(`${this.name} must be ${allowed}; ${found}`);
  }
}

/** The content of a file that an option names. */
export function jsonFile(option: string, path: string): JsonField {
  const name = `--${option} ${path}:`;
  try {
    return new JsonField(JSON.parse(readFileSync(path, 'utf8'), exactIntegers), name);
  } catch (error) {
    throw new UsageError(`${name} ${error instanceof Error ? error.message : error}`);
  }
}

/** `{"partitions": [{"topic": …, "partition": …}]}`, each named once. */
export function partitionsOfFile(file: JsonField): (TopicPartition & { readonly field: JsonField })[] {
  file.checkVersion();
  const seen = new Set<string>();
  return file
    .at('partitions')
    .items()
    .map((field) => {
      const found = { topic: field.at('topic').text(), partition: field.at('partition').int32(), field };
      const name = `${found.topic}-${found.partition}`;
      if (seen.has(name)) throw new UsageError(`${field.name}: partition ${name} is there twice`);
      seen.add(name);
      return found;
    });
}

function exactIntegers(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isRounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isRounded && /^-?\d{1,19}$/.test(context?.source ?? '') ? BigInt(context?.source ?? 0) : value;
}

function shown(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value).slice(0, 60);
}
