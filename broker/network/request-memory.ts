/**
 * queued.max.request.bytes: how much memory requests that are still arriving may take on all
 * connections together. A frame is counted with its whole size from its first bytes on; when the
 * budget is used up, connections with new frames are not read from until others are complete. As in
 * Kafka a frame is let in while anything at all is left, so that the largest one can arrive, too.
 * Source: SimpleMemoryPool (KIP-72).
 */

export class RequestMemory {
  readonly #limitBytes: number;
  /** May exceed the limit by one frame, as a frame is let in while anything is left. */
  #usedBytes = 0;
  /** Called together once there is room again; who finds none then comes back here. */
  #waiting: (() => void)[] = [];

  /** Negative: no limit. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes < 0 ? Number.POSITIVE_INFINITY : limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  tryReserve(sizeBytes: number): boolean {
    if (this.#usedBytes >= this.#limitBytes) return false;
    this.#usedBytes += sizeBytes;
    return true;
  }

  release(sizeBytes: number): void {
    this.#usedBytes -= sizeBytes;
    if (this.#waiting.length === 0 || this.#usedBytes >= this.#limitBytes) return;
    for (const tryAgain of this.#waiting.splice(0)) tryAgain();
  }

  /** Calls `tryAgain` once, when something was released. */
  whenReleased(tryAgain: () => void): void {
    this.#waiting.push(tryAgain);
  }
}
