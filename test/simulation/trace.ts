/** What happened in a simulated run, in lines with their virtual times, and a digest of all that was said. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../broker/platform/clock.ts';

export class Trace {
  readonly lines: string[] = [];
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #hash = createHash('sha1');

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** A line for the reader. */
  add(line: string): void {
    const stamped = `${this.#clock.nowMs().toFixed(3).padStart(10)} ${line}`;
    this.lines.push(stamped);
    this.#hash.update(stamped);
  }

  /** Goes into the digest only: two equal runs said the same at the same moments. */
  note(line: string): void {
    this.#hash.update(`${this.#clock.nowMs()} ${line}\n`);
  }

  /** Of everything so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
