/**
 * A drill's file as YAML, for whoever reads a part of it and may have to say what is wrong with it: every failure
 * names the file and the line.
 */
import { isMap, isScalar, isSeq, type LineCounter, type Node, type Pair, type YAMLMap } from 'yaml';
import { FAULT_KINDS } from '../../broker/faults/fault-table.ts';
import { nearest } from '../../broker/faults/nearest.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000 };

/** A line of a file that is no drill; the message begins with `FILE:LINE`. */
export class MalformedDrill extends Error {
  override readonly name = 'MalformedDrill';
}

/** A map of one key, as steps are written. */
export interface SingleKey {
  readonly key: { readonly text: string; readonly node: Node | null };
  readonly value: Node | null;
}

/** The file, for whoever reads a part of it and may have to say what is wrong with it. */
export class DrillSource {
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  /** `at` is a node, a position, or null where nothing but the file can be named. */
  fail(at: Node | number | null, message: string): never {
    const position = typeof at === 'number' ? at : at?.range?.[0];
    const line = position === undefined ? '' : `:${this.#lines.linePos(position).line}`;
    throw new MalformedDrill(`${this.#file}${line}: ${message}`);
  }

  checkKeys(map: YAMLMap, allowed: readonly string[], what: string): void {
    for (const { key } of map.items) this.known(keyOf(key), allowed, what);
  }

  /** The word itself, which is one of these. */
  known<Word extends string>(
    { text, node }: SingleKey['key'],
    allowed: readonly Word[],
    what = 'this',
  ): Word {
    const found = allowed.find((each) => each === text);
    if (found !== undefined) return found;
    const meant = nearest(text, allowed);
    const hint = meant === null ? `allowed in ${what} are ${allowed.join(', ')}` : `is '${meant}' meant?`;
    return this.fail(node, `'${text}' is not known here: ${hint}`);
  }

  single(node: Node | null, what: string): SingleKey {
    if (!isMap(node) || node.items.length !== 1) return this.fail(node, `${what} is one key with its value`);
    const [pair] = node.items as Pair<unknown, Node | null>[];
    return { key: keyOf(pair?.key), value: pair?.value ?? null };
  }

  items(map: YAMLMap, key: string): (Node | null)[] {
    const node = map.get(key, true) as Node | undefined;
    if (!isSeq(node) || node.items.length === 0) return this.fail(node ?? map, `'${key}' is a list`);
    return node.items as (Node | null)[];
  }

  scalar(node: Node | null, what: string): string {
    if (!isScalar(node) || node.value === null) return this.fail(node, `'${what}' is a text`);
    return String(node.value).trim();
  }

  text(map: YAMLMap, key: string): string {
    return this.scalar((map.get(key, true) as Node | undefined) ?? null, key);
  }

  oneOf<Word extends string>(map: YAMLMap, key: string, allowed: readonly Word[]): Word {
    const node = (map.get(key, true) as Node | undefined) ?? null;
    return this.known({ text: this.scalar(node, key), node }, allowed, `'${key}'`);
  }

  /** Keys with texts; none where the key is not there. */
  texts(map: YAMLMap, key: string): Record<string, string> {
    const node = map.get(key, true) as Node | undefined;
    if (node === undefined) return {};
    if (!isMap(node)) return this.fail(node, `'${key}' is a list of keys with their values`);
    return Object.fromEntries(
      (node.items as Pair<unknown, Node | null>[]).map((pair) => {
        const { text } = keyOf(pair.key);
        return [text, this.scalar(pair.value, text)];
      }),
    );
  }

  time(map: YAMLMap, key: string): number {
    return this.timeOf((map.get(key, true) as Node | undefined) ?? null, key);
  }

  /** `1500ms`, `3s`, `1min`. */
  timeOf(node: Node | null, what: string): number {
    const [, number = '', unit = ''] = /^(\d{1,6}(?:\.\d)?) ?(ms|s|min)$/.exec(this.scalar(node, what)) ?? [];
    if (number === '') this.fail(node, `'${what}' is a time such as 500ms, 3s or 1min`);
    return Number(number) * (UNITS[unit] ?? 1);
  }

  /** `any`: however many. */
  most(node: Node | null, what: string): number {
    return this.scalar(node, what) === 'any' ? Number.POSITIVE_INFINITY : this.count(node, what);
  }

  count(node: Node | null, what: string): number {
    const value = Number(this.scalar(node, what));
    if (!Number.isSafeInteger(value) || value < 0) this.fail(node, `'${what}' is a number from 0`);
    return value;
  }

  map(node: Node | null, what: string): YAMLMap {
    return isMap(node) ? node : this.fail(node, `'${what}' takes keys with their values`);
  }

  /** A kind of fault, with what it takes. */
  faultKind(node: Node | null): string {
    const names = FAULT_KINDS.map(({ name }) => name);
    return this.known({ text: this.scalar(node, 'is'), node }, names, 'faults');
  }
}

function keyOf(key: unknown): SingleKey['key'] {
  return isScalar(key) ? { text: String(key.value), node: key } : { text: '', node: key as Node | null };
}
