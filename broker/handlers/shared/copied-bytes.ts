/**
 * Copies of bytes that lie in the buffer of a connection, which is used again. To copy a hundred megabytes takes
 * far longer than a turn of the event loop may, most of it for memory that has not been used yet.
 */
import type { Steps } from '../../platform/turns.ts';

const BYTES_PER_STEP = 256 * 1024;
const NOTHING = Buffer.alloc(0);

/** Nothing of null. */
export function* copiedBytes(bytes: Buffer | null): Steps<Buffer> {
  if (bytes === null || bytes.length <= BYTES_PER_STEP) return Buffer.from(bytes ?? NOTHING);
  const own = Buffer.allocUnsafeSlow(bytes.length);
  for (let at = 0; at < bytes.length; at += BYTES_PER_STEP) {
    bytes.copy(own, at, at, at + BYTES_PER_STEP);
    yield;
  }
  return own;
}
