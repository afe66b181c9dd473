/**
 * Lines of text as records, with the properties of Kafka's console producer: headers, then the key, then
 * the value, each where it is asked for. Source: org.apache.kafka.tools.LineMessageReader.
 */
import { UsageError } from './arguments.ts';

interface LineRecord {
  /** null: none. */
  readonly key: string | null;
  /** null: a tombstone. */
  readonly value: string | null;
  /** Several of one key are in their order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

const DEFAULTS = {
  'parse.key': 'false',
  'key.separator': '\t',
  'parse.headers': 'false',
  'headers.delimiter': '\t',
  'headers.separator': ',',
  'headers.key.separator': ':',
  'ignore.error': 'false',
  /** Without it nothing is null. */
  'null.marker': undefined,
} as const;

type Property = keyof typeof DEFAULTS;
/** Pairs that must be told apart. */
const DIFFERENT: readonly (readonly [Property, Property])[] = [
  ['headers.delimiter', 'headers.separator'],
  ['headers.delimiter', 'headers.key.separator'],
  ['headers.separator', 'headers.key.separator'],
  ['null.marker', 'key.separator'],
  ['null.marker', 'headers.separator'],
  ['null.marker', 'headers.delimiter'],
  ['null.marker', 'headers.key.separator'],
];

export const LINE_PROPERTIES = Object.keys(DEFAULTS).join(', ');

export class LineReader {
  readonly #properties: ReadonlyMap<string, string | undefined>;
  readonly #headersSeparator: RegExp;
  #lineNumber = 0;

  /** `words` are KEY=VALUE; throws UsageError. */
  constructor(words: readonly string[]) {
    const given = new Map<string, string | undefined>(Object.entries(DEFAULTS));
    for (const word of words) {
      const at = word.indexOf('=');
      const name = word.slice(0, Math.max(0, at));
      if (!given.has(name))
        throw new UsageError(`--property takes KEY=VALUE with one of ${LINE_PROPERTIES}, not '${word}'`);
      given.set(name, word.slice(at + 1));
    }
    this.#properties = given;
    for (const [one, other] of DIFFERENT)
      if (given.get(one) === given.get(other)) throw new UsageError(`${one} and ${other} may not be equal`);
    try {
      // A regular expression, as Kafka has it.
      this.#headersSeparator = new RegExp(this.#property('headers.separator'));
    } catch {
      throw new UsageError('headers.separator must be a regular expression');
    }
  }

  /** Throws, with the number of the line, when what should divide it isn't there. */
  record(line: string): LineRecord {
    this.#lineNumber++;
    const headers = this.#part('parse.headers', 'headers.delimiter', line, 0);
    const keyAt = headers === null ? 0 : headers.length + this.#property('headers.delimiter').length;
    const key = this.#part('parse.key', 'key.separator', line, keyAt);
    const valueAt = keyAt + (key === null ? 0 : key.length + this.#property('key.separator').length);
    const value = line.slice(valueAt);
    return {
      key: key === null || this.#isNull(key) ? null : key,
      value: this.#isNull(value) ? null : value,
      headers: headers === null || this.#isNull(headers) ? new Map() : this.#headers(headers),
    };
  }

  #part(parse: Property, demarcation: Property, line: string, from: number): string | null {
    if (!this.#isTrue(parse)) return null;
    const at = line.indexOf(this.#property(demarcation), from);
    if (at >= 0) return line.slice(from, at);
    if (this.#isTrue('ignore.error')) return null;
    const called = demarcation.replace('.', ' ');
    throw new Error(`No ${called} found on line number ${this.#lineNumber}: '${line}'`);
  }

  #headers(text: string): Map<string, string[]> {
    const headers = new Map<string, string[]>();
    for (const pair of text.split(this.#headersSeparator)) {
      if (pair === '') continue;
      const at = pair.indexOf(this.#property('headers.key.separator'));
      if (at < 0)
        throw new Error(`No header key separator found in pair '${pair}' on line number ${this.#lineNumber}`);
      const key = pair.slice(0, at);
      const value = pair.slice(at + this.#property('headers.key.separator').length);
      if (this.#isNull(key) || this.#isNull(value))
        throw new Error(`line number ${this.#lineNumber}: headers that are null can't be sent from here`);
      headers.set(key, [...(headers.get(key) ?? []), value]);
    }
    return headers;
  }

  #isNull(text: string): boolean {
    return text === this.#properties.get('null.marker');
  }

  #property(name: Property): string {
    return this.#properties.get(name) ?? '';
  }

  #isTrue(name: Property): boolean {
    return this.#property(name).trim().toLowerCase() === 'true';
  }
}
