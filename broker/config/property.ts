/**
 * What a config is: a name, a type, a default as text, who may change it while the broker runs. Values
 * are kept as text, as clients see them, and parsed once where they are used.
 * Source: Kafka's ConfigDef; the messages of ConfigError are its words, which tools print.
 */

import { type Int64, toInt64, toSafeInteger } from '../int64.ts';

/**
 * A value that is not allowed; the message names the config. `requirement`: not one value is wrong, but
 * how configs go together, or a name; what tools are told is put differently then.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly rule: 'value' | 'requirement';

  constructor(message: string, rule: 'value' | 'requirement' = 'value') {
    super(message);
    this.rule = rule;
  }
}

/** Kafka's type codes, as DescribeConfigs gives them. */
export const TYPE_CODE = {
  UNKNOWN: 0,
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const;

type ConfigType = Exclude<keyof typeof TYPE_CODE, 'UNKNOWN'>;

/** Whether a broker config may change at run time: never, per broker, or also for all brokers. */
type Update = 'read-only' | 'per-broker' | 'cluster-wide';

/** Judges a parsed value; null when it is fine. */
export type Validator = (value: unknown, name: string) => Complaint | null;

/** What is wrong; or also of what part of the value that is said. */
type Complaint = string | { readonly part: string; readonly complaint: string };

export interface Property<T = unknown, U extends Update = Update> {
  readonly type: ConfigType;
  /** Null: no value unless one is given. */
  readonly default: string | null;
  readonly update: U;
  readonly documentation: string;
  readonly validator: Validator | null;
  /** Not among the configs of a broker unless it is set; Kafka calls it internal. */
  readonly hidden?: boolean;
  /** There only once it is set: Kafka's definition of a broker doesn't hold it, and tools may not show a default. */
  readonly undefinedUntilSet?: boolean;
  /** A LONG that is an {@link Int64}, not the nearest safe integer. */
  readonly exact?: boolean;
  /** For inference only. */
  readonly value?: () => T;
}

export type PropertyTable = Readonly<Record<string, Property>>;

type OrNull<T, D> = D extends null ? T | null : T;

function propertyOf<T>(type: ConfigType, more: { readonly exact?: boolean } = {}) {
  return <D extends string | null, U extends Update>(
    defaultText: D,
    update: U,
    documentation: string,
    validator: Validator | null = null,
  ): Property<OrNull<T, D>, U> => ({
    type,
    default: defaultText,
    update,
    documentation,
    validator,
    ...more,
  });
}

export const boolean = propertyOf<boolean>('BOOLEAN');
export const text = propertyOf<string>('STRING');
export const int = propertyOf<number>('INT');
export const short = propertyOf<number>('SHORT');
/** As the nearest safe integer: 2^63-1, Kafka's "never", becomes the largest of them. */
export const long = propertyOf<number>('LONG');
/** For what is compared with times that clients choose, which may lie beyond the safe integers as well. */
export const exactLong = propertyOf<Int64>('LONG', { exact: true });
export const double = propertyOf<number>('DOUBLE');
export const list = propertyOf<readonly string[]>('LIST');
export const className = propertyOf<string>('CLASS');
export const password = propertyOf<string>('PASSWORD');

/** Not shown unless it is set. */
export function hidden<P extends Property>(property: P): P {
  return { ...property, hidden: true };
}

/** As if it did not exist until it is set, without a default to show. */
export function undefinedUntilSet<P extends Property>(property: P): P {
  return { ...hidden(property), undefinedUntilSet: true };
}

/** `log.retention.ms` as a member: `logRetentionMs`. */
export type CamelCase<S> = S extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** The parsed values of a table, by camel-cased name. */
export type ValuesOf<T extends PropertyTable> = {
  readonly [K in keyof T as CamelCase<K & string>]: T[K] extends Property<infer V> ? V : never;
};

/** `log.retention.ms` becomes `logRetentionMs`. */
export function camelCase(name: string): string {
  return name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Parses and judges one value. */
export function parseValue<T>(name: string, property: Property<T>, text: string): T {
  const value = parsed(name, property, text);
  const complaint = property.validator?.(value, name) ?? null;
  if (complaint === null) return value as T;
  if (typeof complaint !== 'string') throw invalidValue(name, complaint.part, complaint.complaint);
  throw invalidValue(name, inJava(property.type, value, text.trim()), complaint);
}

/** A parsed value as Java prints it. */
function inJava(type: ConfigType, value: unknown, text: string): string {
  if (type === 'LIST') return `[${(value as readonly string[]).join(', ')}]`;
  if (type === 'DOUBLE') return Number.isInteger(value) ? `${value}.0` : String(value);
  // The text, as a number may be larger than ours are.
  return type === 'SHORT' || type === 'INT' || type === 'LONG' ? String(BigInt(text.replace('+', ''))) : text;
}

/** The value of every config of `table`: the given text, else the default. */
export function valuesOf<T extends PropertyTable>(table: T, given: ReadonlyMap<string, string>): ValuesOf<T> {
  const values: Record<string, unknown> = {};
  for (const { name, property, member, fallback } of membersOf(table)) {
    const text = given.get(name);
    values[member] = text === undefined ? fallback : parseValue(name, property, text);
  }
  return values as ValuesOf<T>;
}

interface Member {
  readonly name: string;
  readonly property: Property;
  /** Camel-cased. */
  readonly member: string;
  /** The parsed default. */
  readonly fallback: unknown;
}

/** By table. Brokers of a test cluster read the same three hundred defaults. */
const members = new WeakMap<PropertyTable, readonly Member[]>();

function membersOf(table: PropertyTable): readonly Member[] {
  let own = members.get(table);
  if (own === undefined) {
    own = Object.entries(table).map(([name, property]) => ({
      name,
      property,
      member: camelCase(name),
      fallback: property.default === null ? null : parseValue(name, property, property.default),
    }));
    members.set(table, own);
  }
  return own;
}

/** In the words of Kafka's ConfigException. */
export function invalidValue(name: string, value: string, complaint: string): ConfigError {
  return new ConfigError(`Invalid value ${value} for configuration ${name}: ${complaint}`);
}

/** The elements of a list: separated by commas, blanks around them don't count. */
export function splitList(text: string): readonly string[] {
  const trimmed = text.trim();
  // Not by a pattern for the spaces: on a long text of spaces that takes the square of its length.
  return trimmed === '' ? [] : trimmed.split(',').map((element) => element.trim());
}

/** The entries of a list in which empty ones don't count: a comma too many is no error (CoreUtils.parseCsvList). */
export function splitEntries(text: string): readonly string[] {
  return splitList(text).filter((entry) => entry !== '');
}

function parsed(name: string, { type, exact }: Property, text: string): unknown {
  const trimmed = text.trim();
  switch (type) {
    case 'BOOLEAN':
      if (/^true$/i.test(trimmed)) return true;
      if (/^false$/i.test(trimmed)) return false;
      throw invalidValue(name, text, 'Expected value to be either true or false');
    case 'SHORT':
      return Number(parsedInteger(name, type, trimmed, 15n));
    case 'INT':
      return Number(parsedInteger(name, type, trimmed, 31n));
    case 'LONG':
      return exact === true
        ? toInt64(parsedInteger(name, type, trimmed, 63n))
        : toSafeInteger(parsedInteger(name, type, trimmed, 63n));
    case 'DOUBLE':
      if (/^[+-]?Infinity$/.test(trimmed)) return Number(trimmed);
      // Java lets a number say that it is a float or a double.
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[fd]?$/i.test(trimmed)) throw notANumber(name, type, text);
      return Number.parseFloat(trimmed);
    case 'LIST':
      return splitList(trimmed);
    case 'PASSWORD':
      return text;
    default:
      return trimmed;
  }
}

function parsedInteger(name: string, type: ConfigType, text: string, bits: bigint): bigint {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw notANumber(name, type, text);
  const value = BigInt(text.replace(/^\+/, ''));
  if (value >= 1n << bits || value < -(1n << bits)) throw notANumber(name, type, text);
  return value;
}

function notANumber(name: string, type: ConfigType, text: string): ConfigError {
  return invalidValue(name, text, `Not a number of type ${type}`);
}
