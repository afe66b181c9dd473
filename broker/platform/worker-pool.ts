/**
 * Threads for jobs. The first begins with the first job, the next when all are busy; after a while without
 * work they end, and nothing of them is left. Who asks often waits for himself: jobs are handed out in
 * turns (fair-queue.ts). A thread that dies costs the job it had. Where the first can't even begin, as in an
 * environment without threads, jobs are done in place, and one line says so.
 */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from './clock.ts';
import type { Diagnostics } from './diagnostics.ts';
import { FairQueue } from './fair-queue.ts';
import type { TurnBudget } from './loop-turns.ts';
import { tellOfNativeModule } from './native-module.ts';
import type { Order, Report } from './worker-messages.ts';
import { type Job, JobFailed, turnBudget, type Workers, workersInPlace } from './workers.ts';

interface WorkerPoolOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** At most so many threads. */
  readonly threads: number;
  /** A thread that has had nothing to do for so long ends. */
  readonly idleMs: number;
  /** What a thread runs; the file of this product unless given. */
  readonly program?: URL;
}

/** Of one thread, beside the buffers that its job needs: a job of a million records takes half of it. */
const MAX_HEAP_MB = 512;
/** What is new to it; by default up to 192. Four times as much made no check and no conversion faster, and each thread larger by 4 MiB. */
const MAX_YOUNG_MB = 4;

/** The sources run as they are; the package has a file of its own for it, beside the one that this is in. */
const PROGRAM = import.meta.url.endsWith('.ts') ? '../worker.ts' : './worker.js';

interface Task {
  readonly job: Job<unknown, unknown>;
  readonly input: () => unknown;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** `task` is what it works on; an idle one has the timer that will end it. */
interface Thread {
  readonly worker: Worker;
  /** Its program has been loaded. */
  isReady: boolean;
  task: Task | null;
  idle: Timer | null;
}

/** A task is either in `#queue` or with one of `#threads`, and settled when it leaves. */
export class WorkerPool implements Workers {
  readonly turn: TurnBudget;
  readonly #options: WorkerPoolOptions;
  readonly #program: URL;
  readonly #queue = new FairQueue<Task>();
  readonly #threads = new Set<Thread>();
  /** Once no thread could be begun: for good. */
  #inPlace: Workers | null = null;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#program = options.program ?? new URL(PROGRAM, import.meta.url);
    this.turn = turnBudget(options.clock);
  }

  /** Jobs that wait for a thread. */
  get waiting(): number {
    return this.#queue.size;
  }

  get threads(): number {
    return this.#threads.size;
  }

  laterTurn(amount: number, from: string): Promise<void> | null {
    return this.turn.later(amount, from);
  }

  run<Input, Output>(job: Job<Input, Output>, input: () => Input, from: string): Promise<Output> {
    if (this.#inPlace !== null) return this.#inPlace.run(job, input, from);
    if (this.#closed) return Promise.reject(new JobFailed('the pool is closed'));
    return new Promise((resolve, reject) => {
      this.#queue.add(from, {
        job: job as Job<unknown, unknown>,
        input,
        resolve: resolve as Task['resolve'],
        reject,
      });
      this.#handOut();
    });
  }

  /** Ends all threads; what they had to do is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#queue.clear()) reject(new JobFailed('the pool is closed'));
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #handOut(): void {
    while (this.#queue.size > 0 && !this.#closed) {
      const thread = this.#freeThread();
      if (thread === null) return;
      const task = this.#queue.take();
      if (task !== undefined) this.#order(thread, task);
    }
  }

  #freeThread(): Thread | null {
    for (const thread of this.#threads) if (thread.task === null) return thread;
    return this.#threads.size < this.#options.threads ? this.#begin() : null;
  }

  #order(thread: Thread, task: Task): void {
    const { job } = task;
    try {
      const input = task.input();
      const order: Order = { job: job.name, input };
      thread.worker.postMessage(order, job.handedOver?.(input) ?? []);
    } catch (error) {
      task.reject(error);
      return;
    }
    thread.idle?.cancel();
    thread.idle = null;
    thread.task = task;
  }

  #begin(): Thread {
    const worker = new Worker(this.#program, {
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: MAX_YOUNG_MB },
      env: environment(),
    });
    // Whoever waits for a job keeps the process alive by other means; an idle thread must not.
    worker.unref();
    const thread: Thread = { worker, isReady: false, task: null, idle: null };
    let reason = 'it ended';
    worker.on('message', (report: Report) => this.#reported(thread, report));
    worker.on('error', (error) => {
      reason = String(error);
    });
    worker.on('exit', () => this.#ended(thread, reason));
    this.#threads.add(thread);
    return thread;
  }

  #reported(thread: Thread, report: Report): void {
    if ('ready' in report) {
      thread.isReady = true;
      return;
    }
    if ('line' in report) {
      tellOfNativeModule(report.line);
      return;
    }
    const { task } = thread;
    thread.task = null;
    if ('output' in report) task?.resolve(report.output);
    else task?.reject(new JobFailed(`${task.job.name}: ${report.failure}`));
    this.#handOut();
    if (thread.task === null) this.#endWhenIdle(thread);
  }

  #endWhenIdle(thread: Thread): void {
    const { clock, idleMs } = this.#options;
    thread.idle = clock.after(idleMs, () => {
      this.#threads.delete(thread);
      void thread.worker.terminate();
    });
  }

  #ended(thread: Thread, reason: string): void {
    this.#threads.delete(thread);
    thread.idle?.cancel();
    const { task } = thread;
    thread.task = null;
    if (task !== null && !this.#closed) {
      const { diagnostics } = this.#options;
      if (thread.isReady) diagnostics.warn(`A thread that ran ${task.job.name} has died: ${reason}`);
      else this.#doInPlace(reason);
    }
    task?.reject(new JobFailed(`The thread that ran it has died: ${reason}`));
    this.#handOut();
  }

  /** What waits is tried again in this thread, where it may hold everybody up, but is done. */
  #doInPlace(reason: string): void {
    const { clock, diagnostics } = this.#options;
    diagnostics.warn(`No thread can be begun, so that large batches hold up everybody: ${reason}`);
    const inPlace = workersInPlace(clock);
    this.#inPlace = inPlace;
    for (const { job, input, resolve, reject } of this.#queue.clear()) {
      inPlace.run(job, input, '').then(resolve, reject);
    }
  }
}

/**
 * Of a thread: what this one makes of the sources is kept in a directory, and a thread knows of it by its environment
 * only. Without it each compiles them anew, with a compiler of its own in memory: 10 MiB more, and 11 for the first.
 */
function environment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir();
  return directory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(directory) };
}
