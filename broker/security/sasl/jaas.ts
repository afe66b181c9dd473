/**
 * JAAS configs as they stand in `sasl.jaas.config`: a login module, a flag, options, a semicolon; and files of
 * them in sections, as `java.security.auth.login.config` names one. They are
 * read and never acted upon: no class is loaded, and a module is a name that a mechanism knows. The words
 * are those that Java's StreamTokenizer makes, so that a text that Kafka takes is taken and no other. The file is
 * read by Java itself, and by other rules: a value may name system properties there (system-properties.ts), and
 * in a config it is what it is.
 * Source: org.apache.kafka.common.security.JaasConfig, sun.security.provider.ConfigFile, java.io.StreamTokenizer.
 */
import { type SystemProperties, withProperties } from './system-properties.ts';

/** What is wrong with a JAAS config; the message holds names of options, and never a value. */
export class JaasError extends Error {
  override readonly name = 'JaasError';
}

export interface JaasEntry {
  /** A Java class, e.g. `org.apache.kafka.common.security.plain.PlainLoginModule`. */
  readonly loginModule: string;
  readonly options: ReadonlyMap<string, string>;
}

/** A word has a text; a number and a single character have none that a config may hold. */
type Token = { readonly text: string } | { readonly sign: string } | 'number' | 'end';

const FLAGS = new Set(['REQUIRED', 'REQUISITE', 'SUFFICIENT', 'OPTIONAL']);

/** The one entry of a config. Throws {@link JaasError}. */
export function parseJaas(text: string): JaasEntry {
  const tokens = new Tokens(text);
  const entries: JaasEntry[] = [];
  for (let token = tokens.next(); token !== 'end'; token = tokens.next()) {
    entries.push(parseEntry(textOf(token), tokens));
  }
  const [entry] = entries;
  if (entry === undefined) throw new JaasError('Login module not specified in JAAS config');
  if (entries.length === 1) return entry;
  throw new JaasError(`JAAS config property contains ${entries.length} login modules, should be 1 module`);
}

/**
 * The entries of a file by the names of its sections: `Client { …; };`. Throws {@link JaasError}, also where a value
 * names a property that there is not, whichever section it is in.
 */
export function parseJaasFile(
  text: string,
  properties: SystemProperties = new Map(),
): ReadonlyMap<string, readonly JaasEntry[]> {
  const tokens = new Tokens(text, FILE_WORDS);
  const sections = new Map<string, readonly JaasEntry[]>();
  for (let token = tokens.next(); token !== 'end'; token = tokens.next()) {
    const name = textOf(token);
    if (name === null) throw new JaasError('Section without a name in JAAS file');
    if (!isSign(tokens.next(), '{'))
      throw new JaasError(`Section ${name} of JAAS file does not begin with {`);
    const entries: JaasEntry[] = [];
    for (let next = tokens.next(); !isSign(next, '}'); next = tokens.next()) {
      if (next === 'end') throw new JaasError(`Section ${name} of JAAS file is not terminated by }`);
      entries.push(expanded(parseEntry(textOf(next), tokens), properties));
    }
    if (!isSign(tokens.next(), ';'))
      throw new JaasError(`Section ${name} of JAAS file is not terminated by };`);
    if (sections.has(name)) throw new JaasError(`Section ${name} stands in JAAS file more than once`);
    sections.set(name, entries);
  }
  return sections;
}

function expanded({ loginModule, options }: JaasEntry, properties: SystemProperties): JaasEntry {
  const values = [...options].map(([key, value]) => {
    const text = withProperties(value, properties);
    if (text === null)
      throw new JaasError(
        `Value of '${key}' in JAAS file names a system property that is not set (-Dname=value)`,
      );
    if (text === '' && value !== '')
      throw new JaasError(`Value of '${key}' in JAAS file is empty: it names a system property that is`);
    return [key, text] as const;
  });
  return { loginModule, options: new Map(values) };
}

function parseEntry(loginModule: string | null, tokens: Tokens): JaasEntry {
  if (loginModule === null) throw new JaasError('Login module not specified in JAAS config');
  const flagToken = tokens.next();
  if (flagToken === 'end') throw new JaasError('Login module control flag not specified in JAAS config');
  const flag = textOf(flagToken);
  if (flag === null) throw new JaasError('Login module control flag is not available in the JAAS config');
  if (!FLAGS.has(flag.toUpperCase())) {
    throw new JaasError(`Invalid login module control flag '${flag}' in JAAS config`);
  }
  const options = new Map<string, string>();
  for (let token = tokens.next(); !isSign(token, ';'); token = tokens.next()) {
    if (token === 'end') throw new JaasError('JAAS config entry not terminated by semi-colon');
    const key = textOf(token);
    const value = isSign(tokens.next(), '=') ? textOf(tokens.next()) : null;
    if (value === null) throw new JaasError(`Value not specified for key '${key}' in JAAS config`);
    if (key !== null) options.set(key, value);
    else if (tokens.needsKeys) throw new JaasError('Option without a name in JAAS file');
  }
  return { loginModule, options };
}

function textOf(token: Token): string | null {
  return typeof token === 'object' && 'text' in token ? token.text : null;
}

function isSign(token: Token, sign: string): boolean {
  return typeof token === 'object' && 'sign' in token && token.sign === sign;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const SPACE = 0x20;

/** Where a config and a file differ: what words are made of, whether they may stand in single quotes, and where. */
interface Words {
  readonly pattern: RegExp;
  readonly inSingleQuotes: boolean;
  /** An option whose name is no word is an error, and not none. */
  readonly needsKeys: boolean;
}

const CONFIG_WORDS: Words = {
  pattern: /[a-zA-Z_$\u00a0-\uffff][a-zA-Z0-9_$.\u00a0-\uffff-]*/y,
  inSingleQuotes: true,
  needsKeys: false,
};
const FILE_WORDS: Words = {
  pattern: /[a-zA-Z_$*\u00a0-\uffff][a-zA-Z0-9_$*.\u00a0-\uffff-]*/y,
  inSingleQuotes: false,
  needsKeys: true,
};

/** The tokens of a text, from its beginning to its end. */
class Tokens {
  readonly #text: string;
  readonly #words: Words;
  #at = 0;

  constructor(text: string, words = CONFIG_WORDS) {
    this.#text = text;
    this.#words = words;
  }

  get needsKeys(): boolean {
    return this.#words.needsKeys;
  }

  next(): Token {
    this.#skipBlanks();
    const char = this.#text[this.#at];
    if (char === undefined) return 'end';
    if (char === '"' || char === "'") {
      const text = this.#quoted(char);
      return char === '"' || this.#words.inSingleQuotes ? { text } : { sign: char };
    }
    const number = this.#matched(/-?(?:\d+\.?\d*|\.\d+)/y);
    if (number !== null) return 'number';
    const word = this.#matched(this.#words.pattern);
    if (word !== null) return { text: word };
    this.#at += 1;
    return { sign: char };
  }

  #matched(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  /** Blanks and the comments of Java; a lone slash begins a comment too. */
  #skipBlanks(): void {
    for (;;) {
      while (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) <= SPACE) this.#at += 1;
      if (this.#text[this.#at] !== '/') return;
      if (this.#text[this.#at + 1] === '*') {
        const end = this.#text.indexOf('*/', this.#at + 2);
        this.#at = end === -1 ? this.#text.length : end + 2;
      } else {
        this.#matched(/[^\r\n]*/y);
      }
    }
  }

  /** Ends at its quote, at the end of the line, or with the text. */
  #quoted(quote: string): string {
    this.#at += 1;
    let value = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n' || char === '\r') return value;
      this.#at += 1;
      if (char === quote) return value;
      value += char === '\\' ? this.#escaped() : char;
    }
  }

  #escaped(): string {
    const octal = this.#matched(/[0-3][0-7]{0,2}|[4-7][0-7]?/y);
    if (octal !== null) return String.fromCharCode(Number.parseInt(octal, 8));
    const char = this.#text[this.#at];
    if (char === undefined) return '';
    this.#at += 1;
    return ESCAPES[char] ?? char;
  }
}
