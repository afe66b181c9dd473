/**
 * A value that changes while the broker runs, and is seen to: who takes a Live follows it, who takes the
 * value itself has it as it was then, for good. What is read from `now` counts for this moment; whoever
 * has made something of it that must change too asks to be told.
 */
export interface Live<T> {
  /** Replaced by another one when something changes, never changed itself. */
  readonly now: T;
  /** Calls after every change, until what it answers is called. */
  onChange(changed: (now: T) => void): () => void;
}

/** The owner's side of a Live. */
export class LiveValue<T> implements Live<T> {
  #now: T;
  readonly #listeners = new Set<(now: T) => void>();

  constructor(now: T) {
    this.#now = now;
  }

  get now(): T {
    return this.#now;
  }

  onChange(changed: (now: T) => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  set(now: T): void {
    this.#now = now;
    for (const changed of [...this.#listeners]) changed(now);
  }
}
