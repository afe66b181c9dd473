/**
 * queued.max.request.bytes: how much memory requests may take that are still arriving, on all connections
 * together. Counted is what has arrived, not what a frame announces: who announces much and sends little
 * holds little. When the limit is reached, nobody who is in the middle of a frame is read from any further
 * but one, until that one's frame is complete, so that the largest frame comes through and never all wait
 * for each other. Source: SimpleMemoryPool (KIP-72), which counts what is announced.
 */

/** With -1 (and 0), where Kafka has no limit: two of the largest frames that Kafka lets in by default. */
const DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024;

/** The limit in force, which is never less than the largest frame that may come. */
export function requestMemoryBytes(config: {
  readonly queuedMaxRequestBytes: number;
  readonly socketRequestMaxBytes: number;
}): number {
  const { queuedMaxRequestBytes, socketRequestMaxBytes } = config;
  if (queuedMaxRequestBytes > 0) return queuedMaxRequestBytes;
  return Math.max(DEFAULT_LIMIT_BYTES, socketRequestMaxBytes);
}

export class RequestMemory {
  readonly #limitBytes: number;
  /** May exceed the limit by one frame, and by the first piece of each. */
  #usedBytes = 0;
  /** Who goes on beyond the limit, until its frame is complete. */
  #exempt: object | null = null;
  /** Called together once something was released; who may still not go on comes back here. */
  #waiting: (() => void)[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** So much more is kept, or less. */
  add(bytes: number): void {
    this.#usedBytes += bytes;
    if (bytes < 0) this.#wake();
  }

  /** No frame is arriving for `holder` any more. */
  complete(holder: object): void {
    if (this.#exempt !== holder) return;
    this.#exempt = null;
    this.#wake();
  }

  /** Whether more of a frame may arrive for `holder`, which has begun to. */
  mayGoOn(holder: object): boolean {
    if (this.#usedBytes < this.#limitBytes) return true;
    this.#exempt ??= holder;
    return this.#exempt === holder;
  }

  /** Calls `tryAgain` once, when something was released. */
  whenReleased(tryAgain: () => void): void {
    this.#waiting.push(tryAgain);
  }

  #wake(): void {
    if (this.#waiting.length === 0 || (this.#usedBytes >= this.#limitBytes && this.#exempt !== null)) return;
    for (const tryAgain of this.#waiting.splice(0)) tryAgain();
  }
}
