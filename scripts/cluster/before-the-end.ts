/** What ends before a cluster does: each piece of it once, and at once where the cluster is ending already. */
export class BeforeTheEnd {
  readonly #works: (() => Promise<void>)[] = [];
  readonly #running: Promise<void>[] = [];
  #isEnding = false;

  /** `work` is run at the end, or now if that has come. That it rejects keeps nothing else from ending. */
  add(work: () => Promise<void>): void {
    if (this.#isEnding) this.#run(work);
    else this.#works.push(work);
  }

  /** Resolves when all is done that has been added by now; after `limitMs` it is not waited for any more. */
  async end(limitMs: number): Promise<void> {
    this.#isEnding = true;
    for (const work of this.#works.splice(0)) this.#run(work);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    await Promise.race([Promise.all(this.#running), promise]);
    clearTimeout(timer);
  }

  #run(work: () => Promise<void>): void {
    this.#running.push(work().catch(() => {}));
  }
}
