/**
 * Private read buffers for frames that arrive in pieces, in powers of two, shared by all connections
 * of a server. Given-back buffers are kept for the next partial frame up to a total, so that bulk
 * producers do not allocate (and touch) fresh memory for every frame, and idle memory stays bounded.
 */

/** Smaller buffers are not worth a size class of their own. */
const SMALLEST_BYTES = 4096;
/** A buffer above this is left to the garbage collector: one huge request must not pin its memory. */
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

export class BufferPool {
  /** Kept buffers by their size, always a power of two. */
  readonly #bySize = new Map<number, Buffer[]>();
  readonly #maxKeptBytes: number;
  /** Sum of the kept buffers; at most `#maxKeptBytes`. */
  #keptBytes = 0;

  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A buffer of the next power of two that holds `sizeBytes`; its content is arbitrary. */
  take(sizeBytes: number): Buffer {
    const size = powerOfTwo(sizeBytes);
    const kept = this.#bySize.get(size)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    return kept;
  }

  /** Whether it is used again once it is given back. */
  keeps({ length }: Buffer): boolean {
    return length <= LARGEST_KEPT_BYTES;
  }

  /** Takes back a buffer of `take` that nobody reads any more. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (!this.keeps(buffer) || this.#keptBytes + size > this.#maxKeptBytes) return;
    let kept = this.#bySize.get(size);
    if (kept === undefined) {
      kept = [];
      this.#bySize.set(size, kept);
    }
    kept.push(buffer);
    this.#keptBytes += size;
  }
}

function powerOfTwo(sizeBytes: number): number {
  let size = SMALLEST_BYTES;
  while (size < sizeBytes) size *= 2;
  return size;
}
