/**
 * Maps and sets for as many keys as a request may name. V8 grows a table all at once: of 262,144 keys that holds
 * the event loop for 30 ms. So there are several tables, none of which grows beyond what takes some milliseconds;
 * a key is looked for in each of them, and most maps have one.
 */

/** Of one table. */
const PAGE_KEYS = 2 ** 16;

interface Page {
  readonly size: number;
}

/** Where a new key goes: at the end, or where more than half was deleted, so that tables do not become many and empty. */
function roomIn<P extends Page>(pages: P[], made: () => P): P {
  const last = pages.at(-1);
  if (last !== undefined && last.size < PAGE_KEYS) return last;
  const sparse = pages.find(({ size }) => size < PAGE_KEYS / 2);
  if (sparse !== undefined) return sparse;
  const page = made();
  pages.push(page);
  return page;
}

/** In the order in which keys came, as long as it is small or nothing was deleted. */
export class LargeMap<Key, Value> extends Map<Key, Value> {
  /** Tables beyond the first, which is its own; null while there are none. */
  #more: Map<Key, Value>[] | null = null;

  constructor(entries: Iterable<readonly [Key, Value]> = []) {
    super();
    for (const [key, value] of entries) this.set(key, value);
  }

  override get size(): number {
    let size = super.size;
    for (const page of this.#more ?? []) size += page.size;
    return size;
  }

  override get(key: Key): Value | undefined {
    const more = this.#more;
    if (more === null || super.has(key)) return super.get(key);
    return more.find((page) => page.has(key))?.get(key);
  }

  override has(key: Key): boolean {
    return super.has(key) || (this.#more?.some((page) => page.has(key)) ?? false);
  }

  override set(key: Key, value: Value): this {
    if ((this.#more === null && super.size < PAGE_KEYS) || super.has(key)) return super.set(key, value);
    this.#more ??= [];
    const page = this.#more.find((each) => each.has(key)) ?? roomIn(this.#more, () => new Map<Key, Value>());
    page.set(key, value);
    return this;
  }

  override delete(key: Key): boolean {
    return super.delete(key) || (this.#more?.some((page) => page.delete(key)) ?? false);
  }

  override clear(): void {
    // Who walks through a page ends there.
    for (const page of this.#more ?? []) page.clear();
    this.#more = null;
    super.clear();
  }

  override *keys(): Generator<Key, undefined> {
    yield* super.keys();
    for (const page of this.#more ?? []) yield* page.keys();
  }

  override *values(): Generator<Value, undefined> {
    yield* super.values();
    for (const page of this.#more ?? []) yield* page.values();
  }

  override *entries(): Generator<[Key, Value], undefined> {
    yield* super.entries();
    for (const page of this.#more ?? []) yield* page.entries();
  }

  override [Symbol.iterator](): Generator<[Key, Value], undefined> {
    return this.entries();
  }

  override forEach(visit: (value: Value, key: Key, map: Map<Key, Value>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}

/** In the order in which keys came, as long as it is small or nothing was deleted. */
export class LargeSet<Key> extends Set<Key> {
  /** Tables beyond the first, which is its own; null while there are none. */
  #more: Set<Key>[] | null = null;

  constructor(keys: Iterable<Key> = []) {
    super();
    for (const key of keys) this.add(key);
  }

  override get size(): number {
    let size = super.size;
    for (const page of this.#more ?? []) size += page.size;
    return size;
  }

  override has(key: Key): boolean {
    return super.has(key) || (this.#more?.some((page) => page.has(key)) ?? false);
  }

  override add(key: Key): this {
    if (this.#more === null && super.size < PAGE_KEYS) return super.add(key);
    if (this.has(key)) return this;
    this.#more ??= [];
    roomIn(this.#more, () => new Set<Key>()).add(key);
    return this;
  }

  override delete(key: Key): boolean {
    return super.delete(key) || (this.#more?.some((page) => page.delete(key)) ?? false);
  }

  override clear(): void {
    // Who walks through a page ends there.
    for (const page of this.#more ?? []) page.clear();
    this.#more = null;
    super.clear();
  }

  override *keys(): Generator<Key, undefined> {
    yield* super.keys();
    for (const page of this.#more ?? []) yield* page.keys();
  }

  override values(): Generator<Key, undefined> {
    return this.keys();
  }

  override *entries(): Generator<[Key, Key], undefined> {
    for (const key of this.keys()) yield [key, key];
  }

  override [Symbol.iterator](): Generator<Key, undefined> {
    return this.keys();
  }

  override forEach(visit: (key: Key, same: Key, set: Set<Key>) => void): void {
    for (const key of this.keys()) visit(key, key, this);
  }
}
