/** The inside of a thread of the pool: does what it is told, one job after the other. */
import { parentPort } from 'node:worker_threads';
import { hearOfNativeModules } from './native-module.ts';
import { giveBackLargeBuffers } from './spare-memory.ts';
import type { Order, Report } from './worker-messages.ts';
import type { Job } from './workers.ts';

/** A job of any kind; the order that names it brings the input that it takes. */
type AnyJob = Job<never, unknown>;

/** Serves these jobs until the thread is ended. */
export function serveJobs(jobs: readonly AnyJob[]): void {
  const port = parentPort;
  if (port === null) throw new Error('this is a thread of its own, not a program');
  hearOfNativeModules((line) => port.postMessage({ line } satisfies Report));
  const byName = new Map(jobs.map((job) => [job.name, job]));
  port.on('message', ({ job: name, input }: Order) => {
    const job = byName.get(name);
    let report: Report;
    let handedBack: readonly ArrayBuffer[] = [];
    try {
      if (job === undefined) throw new Error(`there is no job ${name}`);
      const output = job.run(input as never);
      handedBack = job.handedBack?.(output as never) ?? [];
      report = { output };
    } catch (error) {
      report = { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    // Before another thread is given the next: together they would hold as much as both have opened.
    giveBackLargeBuffers();
    port.postMessage(report, handedBack);
  });
  const ready: Report = { ready: true };
  port.postMessage(ready);
}
