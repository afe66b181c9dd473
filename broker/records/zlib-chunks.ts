/** The pieces in which Node's zlib gives out what it decompresses. Of several it makes a copy in one piece. */

/** Where it is not known how much will come. */
export const CHUNK_BYTES = 64 * 1024;
/** What may be more than this is opened in threads of the pool only. */
const MOST_ON_THE_LOOP_BYTES = 4 * 1024 * 1024;
/**
 * Memory that malloc has from the system for itself alone, and gives back as soon as it is freed. Of smaller pieces
 * each thread keeps what its largest batch opened to. As long as nothing is written to it, it costs nothing.
 */
const MAPPED_ALONE_BYTES = 33 * 1024 * 1024;

/** For what says that it holds `saidBytes`, 0 for nothing: that, and a byte by which zlib sees that it is the end. */
export function chunkFor(saidBytes: number, limitBytes: number): number {
  const isTold = saidBytes >= CHUNK_BYTES && saidBytes <= Math.min(limitBytes, MOST_ON_THE_LOOP_BYTES);
  if (isTold) return saidBytes + 1;
  if (limitBytes <= MOST_ON_THE_LOOP_BYTES) return CHUNK_BYTES;
  return Math.max(MAPPED_ALONE_BYTES, Math.min(saidBytes, limitBytes) + 1);
}
