/** What the contract suites of sockets and channels share: waiting for things to happen, and both ends of connections. */

/** Lets somebody wait until a condition holds that others make true; they ring. */
export class Bell {
  #wake: () => void = () => {};

  ring(): void {
    this.#wake();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** The ends of all connections of a test: what is dialled finds what was accepted for it. */
export class Ends<End> {
  readonly #accepted: End[] = [];
  readonly #dialled: End[] = [];
  readonly #bell = new Bell();

  readonly accept = (end: End): void => {
    this.#accepted.push(end);
    this.#bell.ring();
  };

  /** One connection at a time. `settle` lets time pass until the promise settles. */
  async pair(
    dial: () => Promise<End>,
    settle: <T>(promise: Promise<T>) => Promise<T>,
  ): Promise<{ near: End; far: End }> {
    const seen = this.#accepted.length;
    const near = await settle(dial());
    this.#dialled.push(near);
    await settle(this.#bell.until(() => this.#accepted.length > seen));
    const far = this.#accepted.at(-1);
    if (far === undefined) throw new Error('nothing was accepted');
    return { near, far };
  }

  /** Hands out every end once, to be closed. */
  *all(): Generator<End> {
    yield* this.#dialled.splice(0);
    yield* this.#accepted.splice(0);
  }
}
