/** A first-in-first-out queue whose `shift` stays cheap with a hundred thousand entries waiting. */

const COMPACT_AT = 1024;

export class Fifo<T extends object> {
  /** Undefined before `#head`, an item from there on. */
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head] = undefined; // what is out must not be kept alive
    this.#head += 1;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes everything out for which `which` is true; the others keep their order. */
  take(which: (item: T) => boolean): readonly T[] {
    const taken: T[] = [];
    const kept: T[] = [];
    for (const item of this.#items) {
      if (item !== undefined) (which(item) ? taken : kept).push(item);
    }
    this.#items = kept;
    this.#head = 0;
    return taken;
  }
}
