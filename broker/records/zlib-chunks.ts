/** The pieces in which Node's zlib gives out what it decompresses. Of several it makes a copy in one piece. */

/** Where it is not known how much will come. */
export const CHUNK_BYTES = 64 * 1024;
/** A piece is held until the next collection of garbage, so what is large comes in small ones. */
const LARGEST_IN_PLACE_BYTES = 4 * 1024 * 1024;

/** For what says that it holds `saidBytes`: one piece, and a byte more by which zlib sees that it is the end. */
export function chunkFor(saidBytes: number, limitBytes: number): number {
  const isTold = saidBytes >= CHUNK_BYTES && saidBytes <= Math.min(limitBytes, LARGEST_IN_PLACE_BYTES);
  return isTold ? saidBytes + 1 : CHUNK_BYTES;
}
