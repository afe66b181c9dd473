/**
 * Gives back the memory that starting up has left: parsed sources, compiled start-up code, half-empty
 * pages. V8 would do so only after a while of allocating, and an idle broker allocates next to nothing. The same
 * for what large batches leave in the threads that opened them.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type CollectGarbage = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** What a thread may hold outside its heap after a job before it collects: a batch opens to more only on purpose. */
const MOST_LEFT_BYTES = 32 * 1024 * 1024;

/** One full collection that also compacts; some thirty milliseconds for a broker that has just started. */
export function giveBackSpareMemory(): void {
  const collect = collector();
  // Compiled code stays: to compile it again was measured as 13 % of the first requests' rate.
  setFlagsFromString('--no-flush-bytecode');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  setFlagsFromString('--flush-bytecode');
}

/**
 * What a thread of the pool calls after each job: if much of what that took is left, it is collected at once. V8
 * would wait for more of it to come, and each thread would keep what its last large batch opened to.
 */
export function giveBackLargeBuffers(): void {
  if (process.memoryUsage().arrayBuffers > MOST_LEFT_BYTES) giveBackSpareMemory();
}

let known: CollectGarbage | null = null;

function collector(): CollectGarbage {
  if (known !== null) return known;
  setFlagsFromString('--expose-gc');
  known = runInNewContext('gc') as CollectGarbage;
  setFlagsFromString('--no-expose-gc');
  return known;
}
