/**
 * queued.produce.max.bytes: how much memory Produce requests may take on all connections together that are
 * kept until their records have been checked; and as much again other requests of very many elements or above
 * a megabyte, until they are read. As with requests that arrive one is let in while anything at
 * all is left, so that the largest one comes through.
 */
export class KeptMemory {
  readonly limitBytes: number;
  /** May exceed the limit by one request. */
  #usedBytes = 0;
  /** Called together once there is room again; who finds none then comes back here. */
  #waiting: (() => void)[] = [];

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get isFull(): boolean {
    return this.#usedBytes >= this.limitBytes;
  }

  reserve(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }

  release(sizeBytes: number): void {
    this.#usedBytes -= sizeBytes;
    if (this.#waiting.length === 0 || this.isFull) return;
    for (const tryAgain of this.#waiting.splice(0)) tryAgain();
  }

  /** Calls `tryAgain` once, when something was released. */
  whenReleased(tryAgain: () => void): void {
    this.#waiting.push(tryAgain);
  }
}
