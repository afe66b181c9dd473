/** The segments of a log in the order of their offsets. There is always at least one once a log is loaded. */
import type { Segment } from './segment.ts';

export class Segments {
  /** Ascending by base offset. */
  #list: Segment[] = [];

  get count(): number {
    return this.#list.length;
  }

  get all(): readonly Segment[] {
    return this.#list;
  }

  /** The one that is appended to. */
  get active(): Segment {
    const active = this.#list.at(-1);
    if (active === undefined) throw new Error('a log without segments');
    return active;
  }

  get first(): Segment {
    const first = this.#list[0];
    if (first === undefined) throw new Error('a log without segments');
    return first;
  }

  get sizeBytes(): number {
    let total = 0;
    for (const segment of this.#list) total += segment.sizeBytes;
    return total;
  }

  add(segment: Segment): void {
    const at = this.#indexOfFloor(segment.baseOffset) + 1;
    this.#list.splice(at, 0, segment);
  }

  remove(segment: Segment): void {
    this.#list = this.#list.filter((other) => other !== segment);
  }

  /** The last segment whose base offset is at most `offset`. */
  floor(offset: number): Segment | undefined {
    return this.#list[this.#indexOfFloor(offset)];
  }

  /** The segment after the one that begins at `baseOffset`. */
  after(baseOffset: number): Segment | undefined {
    return this.#list[this.#indexOfFloor(baseOffset) + 1];
  }

  /** Segments that may hold offsets of [from, to). */
  between(from: number, to: number): Segment[] {
    const start = Math.max(0, this.#indexOfFloor(from));
    return this.#list.slice(start).filter((segment) => segment.baseOffset < to);
  }

  #indexOfFloor(offset: number): number {
    const list = this.#list;
    const lastIndex = list.length - 1;
    if (lastIndex >= 0 && (list[lastIndex]?.baseOffset ?? 0) <= offset) return lastIndex;
    let low = -1;
    let high = lastIndex;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((list[middle]?.baseOffset ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }
}
