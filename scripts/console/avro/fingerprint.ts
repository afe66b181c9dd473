/**
 * What a schema is called by in Avro's single-object encoding: the CRC-64-AVRO of its canonical form, in which
 * everything that bytes are not read by is left out and names are whole.
 * Source: Apache Avro specification 1.12, "Parsing Canonical Form for Schemas", "Schema Fingerprints".
 */
import { avroSchema, fullName, fullNameOf, type Json, namespaceOf, primitiveOf } from './avro-schema.ts';

const EMPTY = 0xc15d213aa4d7a795n;
const TABLE = Array.from({ length: 256 }, (_, index) => {
  let bits = BigInt(index);
  for (let bit = 0; bit < 8; bit++) bits = (bits >> 1n) ^ (bits & 1n ? EMPTY : 0n);
  return bits;
});

/** Throws BadAvro. */
export function fingerprintOf(schema: string): bigint {
  avroSchema(schema);
  let bits = EMPTY;
  for (const byte of Buffer.from(canonicalOf(JSON.parse(schema), '')))
    bits = (bits >> 8n) ^ (TABLE[Number((bits ^ BigInt(byte)) & 0xffn)] ?? 0n);
  return bits;
}

/** Of a schema that can be read. */
function canonicalOf(schema: unknown, namespace: string): string {
  if (typeof schema === 'string')
    return JSON.stringify(primitiveOf(schema, {}) === null ? fullName(schema, namespace) : schema);
  if (Array.isArray(schema)) return `[${schema.map((branch) => canonicalOf(branch, namespace)).join()}]`;
  const one = schema as Json;
  const { type } = one;
  switch (type) {
    case 'array':
      return `{"type":"array","items":${canonicalOf(one['items'], namespace)}}`;
    case 'map':
      return `{"type":"map","values":${canonicalOf(one['values'], namespace)}}`;
    case 'enum':
      return `{${named(one, namespace, type)},"symbols":${JSON.stringify(one['symbols'])}}`;
    case 'fixed':
      return `{${named(one, namespace, type)},"size":${Number(one['size'])}}`;
    case 'record':
    case 'error': {
      const own = namespaceOf(fullNameOf(one, namespace));
      const fields = (one['fields'] as readonly Json[]).map(
        (field) => `{"name":${JSON.stringify(field['name'])},"type":${canonicalOf(field['type'], own)}}`,
      );
      return `{${named(one, namespace, 'record')},"fields":[${fields.join()}]}`;
    }
    default:
      return canonicalOf(type, namespace);
  }
}

function named(schema: Json, namespace: string, type: string): string {
  return `"name":${JSON.stringify(fullNameOf(schema, namespace))},"type":"${type}"`;
}
