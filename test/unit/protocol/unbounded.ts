/** Requests as a client in a language with 64-bit integers may send them: any int64 in any field. */
import type { AnyApi, Field, Schema } from '../../../broker/protocol/schema.ts';

/** The API with a request that can carry any int64, where ours only ever sends what is safe. */
export function unbounded<A extends AnyApi>(api: A): A {
  return { ...api, request: exactly(api.request) };
}

function exactly(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).map(([name, field]) => [name, exactField(field)]));
}

function exactField(field: Field<unknown>): Field<unknown> {
  return {
    ...field,
    kind: field.kind === 'safeInt64' ? 'int64' : field.kind,
    ...(field.fields !== undefined && { fields: exactly(field.fields) }),
    ...(field.element !== undefined && { element: exactField(field.element) }),
  };
}
