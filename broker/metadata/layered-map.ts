/**
 * A map that never changes and whose next version is cheap: a large base shared between versions and
 * a small layer of changes over it, folded into a new base when it has grown. A change of a few
 * entries among n costs about √n, a look-up at most two.
 */

/** Marks an entry of the base as removed. */
const REMOVED = Symbol('removed');

/** Layers up to this size are kept even over a small base. */
const SMALL_LAYER = 32;

/**
 * `undefined` is no value: it means that there is no entry. The order of iteration is not that of
 * insertion.
 */
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  /** Entries that can be got: those of both layers, without the removed. */
  readonly size: number;
  readonly #base: ReadonlyMap<K, V>;
  readonly #layer: ReadonlyMap<K, V | typeof REMOVED>;

  private constructor(base: ReadonlyMap<K, V>, layer: ReadonlyMap<K, V | typeof REMOVED>, size: number) {
    this.#base = base;
    this.#layer = layer;
    this.size = size;
  }

  /** A first version, all in the base. */
  static of<K, V>(entries: Iterable<readonly [K, V]> = []): LayeredMap<K, V> {
    const base = new Map(entries);
    return new LayeredMap<K, V>(base, new Map(), base.size);
  }

  /** The next version; a change to `undefined` removes the entry. */
  with(changes: ReadonlyMap<K, V | undefined>): LayeredMap<K, V> {
    if (changes.size === 0) return this;
    const folded = this.#layer.size + changes.size > Math.max(SMALL_LAYER, Math.sqrt(this.#base.size));
    if (folded) {
      const base = new Map(this);
      for (const [key, value] of changes) {
        if (value === undefined) base.delete(key);
        else base.set(key, value);
      }
      return new LayeredMap(base, new Map(), base.size);
    }
    const layer = new Map(this.#layer);
    let { size } = this;
    for (const [key, value] of changes) {
      const had = this.has(key);
      if (value !== undefined) layer.set(key, value);
      else if (this.#base.has(key)) layer.set(key, REMOVED);
      else layer.delete(key);
      size += (value === undefined ? 0 : 1) - (had ? 1 : 0);
    }
    return new LayeredMap(this.#base, layer, size);
  }

  get(key: K): V | undefined {
    const over = this.#layer.get(key);
    if (over === undefined) return this.#base.get(key);
    return over === REMOVED ? undefined : over;
  }

  has(key: K): boolean {
    const over = this.#layer.get(key);
    return over === undefined ? this.#base.has(key) : over !== REMOVED;
  }

  *entries(): MapIterator<[K, V]> {
    for (const entry of this.#base) {
      if (!this.#layer.has(entry[0])) yield entry;
    }
    for (const [key, value] of this.#layer) {
      if (value !== REMOVED) yield [key, value];
    }
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  forEach(run: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) run(value, key, this);
  }
}
