/**
 * Names that clients choose, as keys of maps. Kafka lets in names of 32,767 bytes, while no topic's is longer than
 * 249: what is longer goes by its digest. V8 hashes no text of more than 16,383 characters, so that a map of
 * longer ones that are equally long would be searched one by one; and a key that is made of such a name and of
 * a number would be a copy of it for each number.
 */
import { hash } from 'node:crypto';
import { LargeMap, LargeSet } from './large-map.ts';

/** Of a topic's name. Others that are longer are seldom, and may go by their digests. */
export const LONGEST_TOPIC_NAME = 249;

/** Half of a character, which is in no text that was read from bytes: no name looks like a digest. */
const MARK = '\ud800';

/** No client's name is longer; other texts may be, and would be held by being remembered. */
const LONGEST_REMEMBERED = 32_767;

/** The last long name: a topic's is asked for again for each of its partitions. */
let last = { name: '', bounded: '' };

/** The name itself, or in place of a long one something short that no other name has. */
export function boundedName(name: string): string {
  if (name.length <= LONGEST_TOPIC_NAME) return name;
  if (name === last.name) return last.bounded;
  const bounded = MARK + hash('sha256', name, 'base64');
  if (name.length <= LONGEST_REMEMBERED) last = { name, bounded };
  return bounded;
}

/** A map by names, which are bounded within and told as they are. */
export class NameMap<Value> extends LargeMap<string, Value> {
  /** Those that are not told as they are kept, by what they are kept as; null while there are none. */
  #long: Map<string, string> | null = null;

  constructor(entries: Iterable<readonly [string, Value]> = []) {
    super();
    for (const [name, value] of entries) this.set(name, value);
  }

  override get(name: string): Value | undefined {
    return super.get(boundedName(name));
  }

  override has(name: string): boolean {
    return super.has(boundedName(name));
  }

  override set(name: string, value: Value): this {
    const key = boundedName(name);
    if (key !== name) {
      this.#long ??= new Map();
      this.#long.set(key, name);
    }
    return super.set(key, value);
  }

  override delete(name: string): boolean {
    const key = boundedName(name);
    this.#long?.delete(key);
    return super.delete(key);
  }

  override clear(): void {
    this.#long = null;
    super.clear();
  }

  override *keys(): Generator<string, undefined> {
    for (const key of super.keys()) yield this.#long?.get(key) ?? key;
  }

  override *entries(): Generator<[string, Value], undefined> {
    for (const [key, value] of super.entries()) yield [this.#long?.get(key) ?? key, value];
  }
}

/** Names that are only asked for: they are told as they are kept, and may be asked for, or deleted, as they are told. */
export class NameSet extends LargeSet<string> {
  override has(name: string): boolean {
    return super.has(boundedName(name));
  }

  override add(name: string): this {
    return super.add(boundedName(name));
  }

  override delete(name: string): boolean {
    return super.delete(boundedName(name));
  }
}
