/**
 * A thread for one piece of work that is seldom, and too long for the event loop. It is ended when its time is over or
 * its memory full, whatever it does. A program of its own, since functions can't be sent to another thread.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';

type Outcome<Output> = { readonly output: Output } | { readonly failure: string };

/**
 * What is new to a thread's heap. By default it is much more, and a full heap may then end the whole process: all that
 * is new becomes old at once, and Node has 16 MB of leeway to end the thread in.
 */
const YOUNG_MB = 8;

interface OneOffLimits {
  readonly timeMs: number;
  /** Of the thread's own heap; the bytes of buffers lie outside of it. */
  readonly heapMb: number;
}

/** The work was ended before it was done: it has taken more than it may. */
export class BeyondLimits extends Error {
  override readonly name = 'BeyondLimits';
}

/**
 * What `program` makes of the input, both of what can be cloned. Rejects with the words of what it throws, and with
 * {@link BeyondLimits}.
 */
export function inThread<Output>(program: URL, input: unknown, limits: OneOffLimits): Promise<Output> {
  const { timeMs, heapMb } = limits;
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, {
      workerData: input,
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: YOUNG_MB },
    });
    const timer = setTimeout(() => {
      reject(new BeyondLimits(`it took more than ${timeMs / 1000} s`));
      void worker.terminate();
    }, timeMs);
    worker.once('message', (outcome: Outcome<Output>) => {
      if ('output' in outcome) resolve(outcome.output);
      else reject(new Error(outcome.failure));
    });
    worker.once('error', (error: NodeJS.ErrnoException) => {
      const isFull = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      reject(isFull ? new BeyondLimits(`it took more than ${heapMb} MB of memory`) : error);
    });
    worker.once('exit', () => {
      clearTimeout(timer);
      reject(new Error('its thread has ended'));
    });
  });
}

/** In the program of such a thread: does its work. */
export async function doOnce<Input, Output>(work: (input: Input) => Promise<Output>): Promise<void> {
  let outcome: Outcome<Output>;
  try {
    outcome = { output: await work(workerData as Input) };
  } catch (error) {
    outcome = { failure: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(outcome);
}
