/**
 * Keys, values and headers of records, for people to read: text and JSON as they are; Avro by the schema that a
 * registry has for the id in front (a zero and four bytes), that has the fingerprint in front (Avro's single-object
 * encoding), or that it brings along; else hexadecimal, with what the first bytes say.
 */
import { readable } from '../readable.ts';
import type { Readable } from '../views.ts';
import { type AvroType, avroSchema, BadAvro } from './avro-schema.ts';
import { avroValue } from './avro-value.ts';
import { containerObjects, isContainer } from './container.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { SchemaRegistry } from './schema-registry.ts';

const ID_BYTES = 5;
const SINGLE_OBJECT = 0xc301;
const SINGLE_OBJECT_BYTES = 10;
/** What is shown; a value may be larger by far. */
const MOST_CHARACTERS = 64 * 1024;

export class ValueReader {
  readonly #registry: SchemaRegistry | null;

  readonly #schemas: ReadonlyMap<bigint, AvroType>;

  /** `schemas`: for the single-object encoding. Throws BadAvro. */
  constructor(registry: SchemaRegistry | null, schemas: readonly string[] = []) {
    this.#registry = registry;
    this.#schemas = new Map(schemas.map((schema) => [fingerprintOf(schema), avroSchema(schema)]));
  }

  async read(bytes: Buffer | null): Promise<Readable | null> {
    if (bytes === null) return null;
    if (isContainer(bytes)) return decoded(bytes, 'an Avro file', () => containerObjects(bytes));
    const plain = readable(bytes);
    if (plain.format !== 'hex') return plain;
    if (bytes.length >= SINGLE_OBJECT_BYTES && bytes.readUInt16BE() === SINGLE_OBJECT)
      return this.#singleObject(bytes, plain);
    const id = bytes.length >= ID_BYTES && bytes[0] === 0 ? bytes.readInt32BE(1) : 0;
    return id > 0 ? this.#registered(bytes, id, plain) : plain;
  }

  /** The fingerprint is written with the least byte first, and read as Avro's tools print it. */
  #singleObject(bytes: Buffer, plain: Readable): Readable {
    const fingerprint = bytes.readBigUInt64LE(2);
    const note = `Avro, schema with the fingerprint ${fingerprint.toString(16).padStart(16, '0')}`;
    const type = this.#schemas.get(fingerprint);
    if (type === undefined) return { ...plain, note };
    return decoded(bytes, note, () => avroValue(type, bytes.subarray(SINGLE_OBJECT_BYTES)));
  }

  async #registered(bytes: Buffer, id: number, plain: Readable): Promise<Readable> {
    const name = `schema id ${id}`;
    if (this.#registry === null) return { ...plain, note: `Avro, ${name}` };
    const schema = await this.#registry.schema(id);
    const rest = bytes.subarray(ID_BYTES);
    if (schema.kind === 'avro') return decoded(bytes, `Avro, ${name}`, () => avroValue(schema.type, rest));
    if (schema.kind === 'unknown') return { ...plain, note: `Avro, ${name}: ${schema.reason}` };
    const inner = readable(rest);
    return { ...(inner.format === 'hex' ? plain : inner), note: `${schema.name}, ${name}` };
  }
}

function decoded(bytes: Buffer, note: string, decode: () => unknown): Readable {
  try {
    const text = JSON.stringify(decode(), null, 2);
    return { format: 'json', data: text.slice(0, MOST_CHARACTERS), note };
  } catch (error) {
    if (!(error instanceof BadAvro)) throw error;
    return { ...readable(bytes), note: `${note}: ${error.message}` };
  }
}
