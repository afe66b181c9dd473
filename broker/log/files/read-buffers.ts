/**
 * Buffers for reading logs, used again and again: a fetch answer's bytes live from the read until they
 * are on the socket, and allocating a megabyte each time costs more than the read. Sizes are powers of
 * two; what is larger than the largest is allocated and freed. The pool holds the
 * buffers of one large answer (a consumer asks for up to 50 MiB), but not longer than they are used.
 */
import { freeAtOnce } from '../../platform/free-at-once.ts';

const SMALLEST_BYTES = 4096;
const LARGEST_BYTES = 4 * 1024 * 1024;

export class ReadBuffers {
  /** Unused buffers by their size, always a power of two. */
  readonly #free = new Map<number, Buffer[]>();
  readonly #maxFreeBytes: number;
  /** Sum of the unused buffers; at most `#maxFreeBytes`. */
  #freeBytes = 0;
  /** The least that was free since the last {@link trim}: so much was not needed. */
  #unneededBytes = 0;

  /** Keeps at most `maxFreeBytes` of unused buffers. */
  constructor(maxFreeBytes = 64 * 1024 * 1024) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** A buffer of at least `sizeBytes`; its content is arbitrary. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes > LARGEST_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    const size = roundUp(sizeBytes);
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    this.#unneededBytes = Math.min(this.#unneededBytes, this.#freeBytes);
    return buffer;
  }

  /** Takes a whole buffer of {@link take} back; the caller must not touch it again. */
  giveBack(buffer: Buffer): void {
    const size = buffer.length;
    if (size > LARGEST_BYTES || this.#freeBytes + size > this.#maxFreeBytes) {
      freeAtOnce(buffer);
      return;
    }
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
    this.#freeBytes += size;
  }

  /** Lets go of what was not needed since the last call; to be called now and then. */
  trim(): void {
    for (const [size, free] of this.#free) {
      while (free.length > 0 && this.#unneededBytes >= size) {
        freeAtOnce(free.pop() as Buffer);
        this.#freeBytes -= size;
        this.#unneededBytes -= size;
      }
    }
    this.#unneededBytes = this.#freeBytes;
  }
}

function roundUp(sizeBytes: number): number {
  let size = SMALLEST_BYTES;
  while (size < sizeBytes) size *= 2;
  return size;
}
