/**
 * Reading and writing the JSON inside znodes. Writing keeps the order of keys it is given, also of keys
 * that look like numbers, which a JavaScript object would sort first. Reading is strict about types and
 * tolerant about fields it does not know; garbage becomes a ZnodeFormatError that names the path.
 */

export class ZnodeFormatError extends Error {
  override readonly name = 'ZnodeFormatError';
  constructor(path: string, problem: string) {
    super(`Failed to parse the data of ${path}: ${problem}`);
  }
}

/** Takes note of data that cannot be read, where one bad node must not hide the others. */
export type Unreadable = (error: ZnodeFormatError) => void;

/** `decode`'s result; null for data that cannot be read, which `unreadable` is told. Without it, throws. */
export function readable<Value>(decode: () => Value, unreadable: Unreadable | undefined): Value | null {
  try {
    return decode();
  } catch (error) {
    if (unreadable === undefined || !(error instanceof ZnodeFormatError)) throw error;
    unreadable(error);
    return null;
  }
}

/** An object to write: entries in order. */
class OrderedObject {
  readonly entries: readonly (readonly [string, unknown])[];
  constructor(entries: readonly (readonly [string, unknown])[]) {
    this.entries = entries;
  }
}

/** The entries of `values` in the given order of keys; entries whose value is undefined are left out. */
export function ordered(
  values: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>,
  order: (keys: readonly string[]) => string[],
): OrderedObject {
  const entries = values instanceof Map ? values : new Map(Object.entries(values));
  const keys = [...entries.keys()].filter((key) => entries.get(key) !== undefined);
  return new OrderedObject(order(keys).map((key) => [key, entries.get(key)]));
}

/** Order of keys as given. */
export function asGiven(keys: readonly string[]): string[] {
  return [...keys];
}

/** As UTF-8, without blanks. Only an OrderedObject keeps its order where keys look like numbers. */
export function encodeJson(value: unknown): Buffer {
  return Buffer.from(text(value), 'utf8');
}

/**
 * As Jackson writes it: control characters with capital digits, and characters beyond the basic plane as two
 * escapes. Source: UTF8JsonGenerator, which is what Kafka writes its znodes with.
 */
function quoted(value: string): string {
  return JSON.stringify(value).replace(/\\\\|\\u[0-9a-f]{4}|[\ud800-\udfff]/g, (found) => {
    if (found === '\\\\') return found;
    const digits = found.length === 1 ? found.charCodeAt(0).toString(16) : found.slice(2);
    return `\\u${digits.toUpperCase()}`;
  });
}

function text(value: unknown): string {
  if (value instanceof OrderedObject) {
    return `{${value.entries.map(([key, inner]) => `${quoted(key)}:${text(inner)}`).join(',')}}`;
  }
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'object' && value !== null) return text(new OrderedObject(Object.entries(value)));
  return JSON.stringify(value) ?? 'null';
}

/** A JSON object under examination; every accessor throws ZnodeFormatError on the wrong type. */
export class JsonFields {
  readonly #path: string;
  /** As a map: what every object inherits is no field. */
  readonly #fields: ReadonlyMap<string, unknown>;

  private constructor(path: string, fields: ReadonlyMap<string, unknown>) {
    this.#path = path;
    this.#fields = fields;
  }

  static parse(path: string, data: Buffer): JsonFields {
    let value: unknown;
    try {
      value = JSON.parse(data.toString('utf8'));
    } catch (error) {
      throw new ZnodeFormatError(path, error instanceof Error ? error.message : String(error));
    }
    return JsonFields.#of(path, value, 'the top level');
  }

  static #of(path: string, value: unknown, what: string): JsonFields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ZnodeFormatError(path, `${what} is not an object`);
    }
    return new JsonFields(path, new Map(Object.entries(value)));
  }

  get keys(): string[] {
    return [...this.#fields.keys()];
  }

  fail(problem: string): never {
    throw new ZnodeFormatError(this.#path, problem);
  }

  has(key: string): boolean {
    return (this.#fields.get(key) ?? null) !== null;
  }

  int(key: string): number {
    return this.#int(this.#fields.get(key), key);
  }

  intOr(key: string, otherwise: number): number {
    return this.has(key) ? this.int(key) : otherwise;
  }

  /** A number that Kafka writes as a string; old versions wrote some of them bare. */
  longText(key: string): number {
    const value = this.#fields.get(key);
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    return this.#int(number, key);
  }

  string(key: string): string {
    const value = this.#fields.get(key);
    if (typeof value !== 'string') this.fail(`${key} is not a string`);
    return value;
  }

  stringOrNull(key: string): string | null {
    return this.has(key) ? this.string(key) : null;
  }

  ints(key: string): number[] {
    return this.#array(key).map((value) => this.#int(value, key));
  }

  strings(key: string): string[] {
    return this.#array(key).map((value) => {
      if (typeof value !== 'string') this.fail(`${key} holds something that is not a string`);
      return value;
    });
  }

  objects(key: string): JsonFields[] {
    return this.#array(key).map((value) => JsonFields.#of(this.#path, value, `an element of ${key}`));
  }

  object(key: string): JsonFields {
    return JsonFields.#of(this.#path, this.#fields.get(key), key);
  }

  objectOrEmpty(key: string): JsonFields {
    return this.has(key) ? this.object(key) : new JsonFields(this.#path, new Map());
  }

  #array(key: string): unknown[] {
    const value = this.#fields.get(key);
    if (!Array.isArray(value)) this.fail(`${key} is not an array`);
    return value;
  }

  #int(value: unknown, key: string): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) this.fail(`${key} is not an integer`);
    return value;
  }
}

/** A znode whose data is a decimal number as text. */
export function decodeDecimal(path: string, data: Buffer): number {
  const digits = data.toString('utf8');
  if (!/^-?\d+$/.test(digits) || !Number.isSafeInteger(Number(digits))) {
    throw new ZnodeFormatError(path, 'not a decimal number');
  }
  return Number(digits);
}

/** A decimal number as Java reads a long: with any sign; a bigint where a number would not be exact. */
export function decodeLong(path: string, data: Buffer): number | bigint {
  const digits = data.toString('utf8');
  if (!/^[+-]?\d{1,30}$/.test(digits)) throw new ZnodeFormatError(path, 'not a decimal number');
  const value = BigInt(digits.replace(/^\+/, ''));
  if (BigInt.asIntN(64, value) !== value) throw new ZnodeFormatError(path, 'no number of 64 bits');
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
