/**
 * Buffers that are used again: those that logs are read into, and those that frames arrive in piece by piece. To
 * allocate (and touch) a megabyte each time costs more than to read it. Sizes are powers of two; what is given
 * back is kept up to a total, but not longer than it is used.
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
  /** The least that was kept since the last {@link trim}: so much was not needed. */
  #unneededBytes = 0;

  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A buffer that holds `sizeBytes`, and is no larger than that where it is not kept; its content is arbitrary. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes > LARGEST_KEPT_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    const size = powerOfTwo(sizeBytes);
    const kept = this.#bySize.get(size)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    this.#unneededBytes = Math.min(this.#unneededBytes, this.#keptBytes);
    return kept;
  }

  /** Whether it is used again once it is given back. */
  keeps({ length }: Buffer): boolean {
    return length <= LARGEST_KEPT_BYTES;
  }

  /** Takes back a whole buffer of {@link take} that nobody reads or writes any more. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (!this.keeps(buffer) || this.#keptBytes + size > this.#maxKeptBytes) return;
    const kept = this.#bySize.get(size);
    if (kept === undefined) this.#bySize.set(size, [buffer]);
    else kept.push(buffer);
    this.#keptBytes += size;
  }

  /** Lets go of what was not needed since the last call; to be called now and then. */
  trim(): void {
    for (const [size, kept] of this.#bySize) {
      while (kept.length > 0 && this.#unneededBytes >= size) {
        kept.pop();
        this.#keptBytes -= size;
        this.#unneededBytes -= size;
      }
    }
    this.#unneededBytes = this.#keptBytes;
  }
}

/** Of buffers at least the smallest; who asks for such sizes only has a buffer that grows by doubling. */
export function powerOfTwo(sizeBytes: number): number {
  let size = SMALLEST_BYTES;
  while (size < sizeBytes) size *= 2;
  return size;
}
