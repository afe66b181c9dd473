/** Flags of Kafka's commands in the words of ours. What is not in a table goes through, for our command to judge. */
import { UsageError } from '../../cli/arguments.ts';

/** A flag whose value is `KEY=VALUE`, of which ours knows one key by an option of its own. */
interface KeyedFlag {
  readonly key: string;
  /** Gets the value. */
  readonly option?: string;
  /** Stands for the value `true`. */
  readonly flag?: string;
  /** Whole words that are as it is anyway. */
  readonly ignored?: readonly string[];
  /** Whole words that ours has a flag for. */
  readonly also?: Readonly<Record<string, string>>;
}

/** By Kafka's flag: our name of it, or what becomes of the keys that it takes. */
export type Flags = Readonly<Record<string, string | KeyedFlag>>;

/** Throws UsageError for a key that ours does not know. */
export function translated(argv: readonly string[], flags: Flags): string[] {
  const words: string[] = [];
  const rest = argv.values();
  for (const word of rest) {
    const [name = '', ...values] = word.split('=');
    const known = flags[name];
    if (known === undefined) words.push(word);
    else if (typeof known === 'string') words.push([known, ...values].join('='));
    else words.push(...keyed(name, known, values.length > 0 ? values.join('=') : (rest.next().value ?? '')));
  }
  return words;
}

function keyed(name: string, flag: KeyedFlag, word: string): string[] {
  const { key, option, flag: ours, ignored = [], also = {} } = flag;
  const [given, ...values] = word.split('=');
  const value = values.join('=');
  if (ignored.includes(word)) return [];
  const other = also[word];
  if (other !== undefined) return [other];
  if (given === key && option !== undefined) return [`${option}=${value}`];
  if (given === key && ours !== undefined && value === 'false') return [];
  if (given === key && ours !== undefined && value === 'true') return [ours];
  throw new UsageError(`${name} ${word} is not supported`);
}
