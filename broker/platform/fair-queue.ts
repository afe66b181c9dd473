/** First come, first served among the things of one owner; the owners take turns. */

/** No owner has an empty list. */
export class FairQueue<Item> {
  /** By owner, in the order of their turns. */
  readonly #waiting = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(owner: string, item: Item): void {
    this.#size += 1;
    const own = this.#waiting.get(owner);
    if (own === undefined) this.#waiting.set(owner, [item]);
    else own.push(item);
  }

  /** The oldest of the owner whose turn it is; undefined when nothing waits. */
  take(): Item | undefined {
    for (const [owner, own] of this.#waiting) {
      const item = own.shift();
      this.#size -= 1;
      // To the end of the line, behind those who came meanwhile.
      this.#waiting.delete(owner);
      if (own.length > 0) this.#waiting.set(owner, own);
      return item;
    }
    return undefined;
  }

  clear(): Item[] {
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#size = 0;
    return all;
  }
}
