/**
 * Where decompressed bytes are put. Who keeps views of them takes fresh memory; who only looks through
 * them, as the checks of produced batches do, uses the same memory again and again.
 * Source: Kafka's BufferSupplier.
 */
import { freeAtOnce } from '../platform/free-at-once.ts';

/** Gives room for so many bytes, whose content is arbitrary. */
export type BufferSupplier = (sizeBytes: number) => Buffer;

export const freshBuffers: BufferSupplier = (sizeBytes) => Buffer.allocUnsafeSlow(sizeBytes);

/** What a batch of the usual max.message.bytes decompresses to at four times its size; more is not kept. */
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

let kept: Buffer = Buffer.alloc(0);

/** Valid until the next one is asked for, and so within one synchronous stretch only. */
export const reusedBuffer: BufferSupplier = (sizeBytes) => {
  if (sizeBytes > LARGEST_KEPT_BYTES) return freshBuffers(sizeBytes);
  if (kept.length < sizeBytes) kept = freshBuffers(Math.min(LARGEST_KEPT_BYTES, sizeBytes * 2));
  return kept;
};

/** What came of {@link reusedBuffer}, or of who takes memory of his own: if the next one is not put there it is freed. */
export function freeUnlessKept(decompressed: Buffer): void {
  if (decompressed.buffer !== kept.buffer) freeAtOnce(decompressed);
}

/** The first bytes of `out`; in memory of their own when most of a fresh buffer would lie idle. */
export function filledPart(out: Buffer, sizeBytes: number, buffers: BufferSupplier): Buffer {
  const filled = out.subarray(0, sizeBytes);
  return buffers === freshBuffers && sizeBytes * 2 < out.length ? Buffer.from(filled) : filled;
}
