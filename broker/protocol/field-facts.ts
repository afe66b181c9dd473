/**
 * What the two compilers have to know of a field in one version: whether it is there, may be null, its
 * default as source text, how few bytes it can take.
 */
import { ZERO_UUID } from '../types.ts';
import { type MessageLimits, TEXT_BYTES_PER_ELEMENT } from './reader.ts';
import type { Field, FieldKind, Schema } from './schema.ts';
import { versionIn } from './versions.ts';

/** One message in one version. */
export interface Target {
  readonly version: number;
  /** Compact encodings and tagged sections. */
  readonly flexible: boolean;
}

/** Whether this version has the field. */
export function isPresent(field: Field<unknown>, target: Target): boolean {
  return versionIn(field.versions, target.version);
}

/** Written by number in the tagged section, if at all. */
export function isTagged(field: Field<unknown>): boolean {
  return field.options.tag !== undefined;
}

export function isNullable(field: Field<unknown>, target: Target): boolean {
  return versionIn(field.options.nullable, target.version);
}

/** Messages that are read or written in steps take so many elements of arrays in one: a millisecond or two. */
export const ELEMENTS_PER_STEP = 4000;

/** What is read or written at once: no more than in a step. */
export const AT_ONCE: MessageLimits = {
  maxElements: ELEMENTS_PER_STEP,
  maxTextBytes: ELEMENTS_PER_STEP * TEXT_BYTES_PER_ELEMENT,
};

/** Whether this version of a struct has an array, at whatever depth. */
export function hasArray(fields: Schema, target: Target): boolean {
  return Object.values(fields).some(
    (field) => isPresent(field, target) && (field.kind === 'array' || hasArray(field.fields ?? {}, target)),
  );
}

/** The fields of a struct that are written in order, not by tag. */
export function orderedFields(fields: Schema, target: Target): [string, Field<unknown>][] {
  return Object.entries(fields).filter(([, field]) => isPresent(field, target) && !isTagged(field));
}

/** The tagged fields of a struct, ascending by tag. */
export function taggedFields(fields: Schema, target: Target): [string, Field<unknown>, number][] {
  const tagged: [string, Field<unknown>, number][] = [];
  for (const [name, field] of Object.entries(fields)) {
    const tag = field.options.tag;
    if (tag !== undefined && isPresent(field, target)) tagged.push([name, field, tag]);
  }
  return tagged.sort((a, b) => a[2] - b[2]);
}

/** The default as an expression; `EMPTY` is the empty buffer. */
export function defaultExpression(field: Field<unknown>): string {
  const given = field.options.default;
  if (given !== undefined) return JSON.stringify(given);
  switch (field.kind) {
    case 'bool':
      return 'false';
    case 'string':
      return "''";
    case 'uuid':
      return JSON.stringify(ZERO_UUID);
    case 'bytes':
      return 'EMPTY';
    case 'records':
      return 'null';
    case 'array':
      return '[]';
    case 'struct':
      return structDefault(field.fields ?? {});
    default:
      return '0';
  }
}

function structDefault(fields: Schema): string {
  const members = Object.entries(fields).map(([name, field]) => `${name}: ${defaultExpression(field)}`);
  return `{ ${members.join(', ')} }`;
}

/** A test of whether `value` (never undefined) is the default, as an expression. */
export function isDefaultExpression(field: Field<unknown>, value: string): string {
  const given = field.options.default;
  if (given !== undefined) return `${value} === ${JSON.stringify(given)}`;
  switch (field.kind) {
    case 'array':
    case 'bytes':
      return `(${value} !== null && ${value}.length === 0)`;
    case 'struct': {
      const members = Object.entries(field.fields ?? {}).map(
        ([name, member]) =>
          `(${value}.${name} === undefined || ${isDefaultExpression(member, `${value}.${name}`)})`,
      );
      return `(${[`${value} !== null`, ...members].join(' && ')})`;
    }
    default:
      return `${value} === ${defaultExpression(field)}`;
  }
}

const FIXED_BYTES: Partial<Record<FieldKind, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  safeInt64: 8,
  float64: 8,
  uuid: 16,
};

/** The fewest bytes a value can take: what an array count is held against. */
export function leastBytes(field: Field<unknown>, target: Target): number {
  const fixed = FIXED_BYTES[field.kind];
  if (fixed !== undefined) return fixed;
  if (field.kind === 'struct') {
    if (isNullable(field, target)) return 1;
    const ordered = orderedFields(field.fields ?? {}, target);
    return ordered.reduce((sum, [, member]) => sum + leastBytes(member, target), target.flexible ? 1 : 0);
  }
  if (target.flexible) return 1;
  return field.kind === 'string' ? 2 : 4;
}

/** The method of Reader and Writer for a string, bytes or records: `compactNullableString` and so on. */
export function lengthPrefixed(field: Field<unknown>, target: Target): string {
  const noun = field.kind === 'string' ? 'String' : 'Bytes';
  const name = `${target.flexible ? 'Compact' : ''}${isNullable(field, target) ? 'Nullable' : ''}${noun}`;
  return name.charAt(0).toLowerCase() + name.slice(1);
}
