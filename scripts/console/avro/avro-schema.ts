/**
 * An Avro schema as types that bytes can be read by. Schemas come from strangers: how large and how deep they
 * may be is limited, and nothing of them is run.
 * Source: Apache Avro specification 1.12, "Schema Declaration", "Logical Types".
 */

/** The schema or the value is wrong, or beyond what is read; the message says how. */
export class BadAvro extends Error {
  override readonly name = 'BadAvro';
}

interface Logical {
  readonly logical: string | null;
  /** Of a decimal. */
  readonly scale: number;
}

interface AvroField {
  readonly name: string;
  readonly type: AvroType;
}

export type AvroType =
  | ({
      readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';
    } & Logical)
  | ({ readonly kind: 'fixed'; readonly sizeBytes: number } & Logical)
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly items: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | { readonly kind: 'record'; readonly fields: AvroField[] };

/** By their full names; schemas that others refer to leave theirs here. */
export type NamedTypes = Map<string, AvroType>;

const MOST_BYTES = 1024 * 1024;
const MOST_TYPES = 10_000;
const MOST_LEVELS = 64;
const MOST_FIXED_BYTES = 1024 * 1024;
const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;

export type Json = Readonly<Record<string, unknown>>;

/** Throws BadAvro. `names` are known already, and get those of this schema. */
export function avroSchema(text: string, names: NamedTypes = new Map()): AvroType {
  if (text.length > MOST_BYTES) throw new BadAvro(`the schema is larger than ${MOST_BYTES} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new BadAvro('the schema is no JSON');
  }
  return new SchemaReader(names).type(parsed, '', 0);
}

class SchemaReader {
  readonly #names: NamedTypes;
  #types = 0;

  constructor(names: NamedTypes) {
    this.#names = names;
  }

  type(schema: unknown, namespace: string, level: number): AvroType {
    if (level > MOST_LEVELS) throw new BadAvro(`the schema is deeper than ${MOST_LEVELS} levels`);
    if (++this.#types > MOST_TYPES) throw new BadAvro(`the schema has more than ${MOST_TYPES} types`);
    if (typeof schema === 'string') return this.#named(schema, namespace);
    if (Array.isArray(schema))
      return { kind: 'union', branches: schema.map((branch) => this.type(branch, namespace, level + 1)) };
    if (typeof schema !== 'object' || schema === null)
      throw new BadAvro('the schema has something without a type');
    return this.#object(schema as Json, namespace, level);
  }

  #named(name: string, namespace: string): AvroType {
    const primitive = primitiveOf(name, {});
    if (primitive !== null) return primitive;
    const found = this.#names.get(fullName(name, namespace)) ?? this.#names.get(name);
    if (found === undefined) throw new BadAvro(`the schema has no type ${name.slice(0, 200)}`);
    return found;
  }

  #object(schema: Json, namespace: string, level: number): AvroType {
    const { type } = schema;
    if (typeof type !== 'string') return this.type(type, namespace, level + 1);
    switch (type) {
      case 'array':
        return { kind: type, items: this.type(schema['items'], namespace, level + 1) };
      case 'map':
        return { kind: type, items: this.type(schema['values'], namespace, level + 1) };
      case 'enum':
        return this.#remember(schema, namespace, { kind: type, symbols: textsOf(schema['symbols']) });
      case 'fixed': {
        const sizeBytes = Number(schema['size']);
        if (!Number.isInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > MOST_FIXED_BYTES)
          throw new BadAvro('a fixed has no size that is read');
        return this.#remember(schema, namespace, { kind: type, sizeBytes, ...logicalOf(schema) });
      }
      case 'record':
      case 'error':
        return this.#record(schema, namespace, level);
      default:
        return primitiveOf(type, schema) ?? this.#named(type, namespace);
    }
  }

  /** It is known by its name before its fields are: they may be of its own type. */
  #record(schema: Json, namespace: string, level: number): AvroType {
    const fields: AvroField[] = [];
    const record = this.#remember(schema, namespace, { kind: 'record', fields });
    const own = namespaceOf(fullNameOf(schema, namespace));
    if (!Array.isArray(schema['fields'])) throw new BadAvro('a record has no fields');
    for (const field of schema['fields'] as unknown[]) {
      const { name, type } = (field ?? {}) as Json;
      if (typeof name !== 'string') throw new BadAvro('a field has no name');
      fields.push({ name, type: this.type(type, own, level + 1) });
    }
    return record;
  }

  #remember(schema: Json, namespace: string, type: AvroType): AvroType {
    this.#names.set(fullNameOf(schema, namespace), type);
    return type;
  }
}

/** Null: it is another type's name. */
export function primitiveOf(name: string, schema: Json): AvroType | null {
  const kind = PRIMITIVES.find((each) => each === name);
  return kind === undefined ? null : { kind, ...logicalOf(schema) };
}

function logicalOf({ logicalType, scale }: Json): Logical {
  const isScale = typeof scale === 'number' && Number.isInteger(scale) && scale >= 0 && scale <= 1000;
  return { logical: typeof logicalType === 'string' ? logicalType : null, scale: isScale ? scale : 0 };
}

/** `around` is the namespace of what it stands in. */
export function fullNameOf({ name, namespace }: Json, around: string): string {
  if (typeof name !== 'string') throw new BadAvro('a type has no name');
  return fullName(name, typeof namespace === 'string' ? namespace : around);
}

export function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

export function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

function textsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'string'))
    throw new BadAvro('an enum has no symbols');
  return value as string[];
}
