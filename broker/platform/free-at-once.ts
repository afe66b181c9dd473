/**
 * Gives the memory of a buffer back to the system at once. V8 does so only when it next collects all of its heap, and
 * that buffers are large hardly makes it collect sooner: a broker that had read one request of 90 MB held 170 MB of
 * them until something else had filled the heap. What is freed here is no work for the collector either.
 */

/**
 * All of the memory that it lies in. Nobody reads there any more: who does all the same finds it empty. Nothing is
 * done where it may be what Node cuts small buffers from.
 */
export function freeAtOnce({ buffer: memory, byteLength }: Uint8Array): void {
  const isAlone = memory.byteLength === byteLength || memory.byteLength > Buffer.poolSize;
  if (isAlone && memory instanceof ArrayBuffer && !memory.detached) memory.transfer(0);
}
