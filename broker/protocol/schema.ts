/**
 * The language in which Kafka's messages are declared: one object per message, each field with the
 * versions it exists in. TypeScript types are inferred from the declaration, the codec is compiled
 * from it (compile-decoder.ts, compile-encoder.ts), so a message is written down exactly once.
 * Source: the JSON message definitions of Kafka 3.9 (KIP-482 for tagged fields and compact encodings).
 */
import type { Int64 } from '../int64.ts';
import type { Uuid } from '../types.ts';
import type { MessagePart } from './late-bytes.ts';
import { parseVersions, type VersionRange } from './versions.ts';

export type FieldKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'safeInt64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct';

interface FieldOptions<T = unknown> {
  /** Versions in which null is a legal value. */
  readonly nullable?: VersionRange;
  /** The value of an absent field. Without it: 0, false, '', an empty array, the zero uuid, null for records. */
  readonly default?: T | null;
  /** A value for a version that lacks the field is dropped; otherwise any but the default is an error. */
  readonly ignorable?: true;
  /** Written in the tagged section under this number. */
  readonly tag?: number;
}

/** A field that decodes to `T` and is encoded from `I`. The type members exist for inference only. */
export interface Field<T, I = T> {
  readonly kind: FieldKind;
  readonly versions: VersionRange;
  readonly options: FieldOptions;
  /** Of an array: what it holds. Its versions and options are those of the array. */
  readonly element?: Field<unknown>;
  /** Of a struct. */
  readonly fields?: Schema;
  readonly decoded?: () => T;
  readonly input?: () => I;
}

export interface Schema {
  readonly [name: string]: Field<unknown>;
}

/** Every field of `S` as it comes out of a decoder. */
type Decoded<S> = {
  readonly [K in keyof S]: S[K] extends { readonly decoded?: () => infer T } ? T : never;
};

/** What an encoder takes: fields left out have their default. */
type Input<S> = {
  readonly [K in keyof S]?: S[K] extends { readonly input?: () => infer I } ? I : never;
};

type NullIf<O> = O extends { readonly nullable: string } ? null : never;

interface Scalar<T> {
  <const O extends FieldOptions<T>>(versions: VersionRange, options: O): Field<T | NullIf<O>>;
  (versions: VersionRange): Field<T>;
}

function scalar<T>(kind: FieldKind): Scalar<T> {
  return (versions: VersionRange, options: FieldOptions = {}) => ({ kind, versions, options });
}

export const bool = scalar<boolean>('bool');
export const int8 = scalar<number>('int8');
export const int16 = scalar<number>('int16');
export const int32 = scalar<number>('int32');
/** Exact: for what a client chooses and the cluster keeps, gives back or searches for. */
export const int64 = scalar<Int64>('int64');
/**
 * As the nearest safe integer: for what the cluster counts itself (offsets of its logs, epochs, sizes), and
 * for what a client chooses where it is only compared with such, which comes out the same.
 */
export const safeInt64 = scalar<number>('safeInt64');
export const float64 = scalar<number>('float64');
export const uuid = scalar<Uuid>('uuid');
export const string = scalar<string>('string');
/** Decodes to a view of the frame. */
export const bytes = scalar<Buffer>('bytes');

/** Record batches: bytes that are passed by reference, never copied. */
export function records(versions: VersionRange, options: FieldOptions = {}): Field<Buffer | null> {
  return { kind: 'records', versions, options };
}

/** Record batches of a response, which may be read when they are sent. */
export function lateRecords(
  versions: VersionRange,
  options: FieldOptions = {},
): Field<Buffer | null, MessagePart | null> {
  return { kind: 'records', versions, options };
}

/** An array of a scalar (`array('0+', int32)`) or of a struct (`array('0+', { … })`). */
export function array<const O extends FieldOptions<readonly never[]>, T>(
  versions: VersionRange,
  element: Scalar<T>,
  options: O,
): Field<readonly T[] | NullIf<O>>;
export function array<T>(versions: VersionRange, element: Scalar<T>): Field<readonly T[]>;
export function array<const O extends FieldOptions<readonly never[]>, S extends Schema>(
  versions: VersionRange,
  element: S,
  options: O,
): Field<readonly Decoded<S>[] | NullIf<O>, readonly Input<S>[] | NullIf<O>>;
export function array<S extends Schema>(
  versions: VersionRange,
  element: S,
): Field<readonly Decoded<S>[], readonly Input<S>[]>;
export function array(
  versions: VersionRange,
  element: Schema | Scalar<unknown>,
  options: FieldOptions = {},
): Field<unknown> {
  const held: Field<unknown> =
    typeof element === 'function'
      ? element('0+')
      : { kind: 'struct', versions: '0+', options: {}, fields: element };
  return { kind: 'array', versions, options, element: held };
}

/** A struct within a message. */
export function struct<const O extends FieldOptions<never>, S extends Schema>(
  versions: VersionRange,
  fields: S,
  options: O,
): Field<Decoded<S> | NullIf<O>, Input<S> | NullIf<O>>;
export function struct<S extends Schema>(versions: VersionRange, fields: S): Field<Decoded<S>, Input<S>>;
export function struct(versions: VersionRange, fields: Schema, options: FieldOptions = {}): Field<unknown> {
  return { kind: 'struct', versions, options, fields };
}

/** One of Kafka's APIs: the request and its response. */
export interface Api<Req extends Schema, Res extends Schema> {
  readonly key: number;
  readonly name: string;
  /** What a ZooKeeper-mode 3.9 broker advertises. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact encodings and tagged fields; Infinity for none. */
  readonly requestFlexibleFrom: number;
  readonly responseFlexibleFrom: number;
  readonly request: Req;
  readonly response: Res;
  /** Reserved to brokers: needs the ClusterAction permission. */
  readonly clusterAction: boolean;
}

export type AnyApi = Api<Schema, Schema>;

export type RequestOf<A extends AnyApi> = Decoded<A['request']>;
export type ResponseOf<A extends AnyApi> = Decoded<A['response']>;
export type RequestInput<A extends AnyApi> = Input<A['request']>;
export type ResponseInput<A extends AnyApi> = Input<A['response']>;

/** Declares an API. */
export function api<Req extends Schema, Res extends Schema>(declaration: {
  readonly key: number;
  readonly name: string;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly clusterAction?: true;
  readonly request: Req;
  readonly response: Res;
}): Api<Req, Res> {
  const { from, to } = parseVersions(declaration.versions);
  const flexibleFrom = parseVersions(declaration.flexible).from;
  return {
    key: declaration.key,
    name: declaration.name,
    minVersion: from,
    maxVersion: to,
    requestFlexibleFrom: flexibleFrom,
    responseFlexibleFrom: flexibleFrom,
    request: declaration.request,
    response: declaration.response,
    clusterAction: declaration.clusterAction === true,
  };
}

/** A versioned struct that is stored rather than sent: keys and values of the internal topics, group metadata. */
export interface Data<S extends Schema> {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleFrom: number;
  readonly fields: S;
}

export type DataOf<D extends Data<Schema>> = Decoded<D['fields']>;
export type DataInput<D extends Data<Schema>> = Input<D['fields']>;

/** Declares stored data. The version itself (an int16 in front) is the caller's. */
export function data<S extends Schema>(declaration: {
  readonly name: string;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly fields: S;
}): Data<S> {
  const { from, to } = parseVersions(declaration.versions);
  return {
    name: declaration.name,
    minVersion: from,
    maxVersion: to,
    flexibleFrom: parseVersions(declaration.flexible).from,
    fields: declaration.fields,
  };
}
