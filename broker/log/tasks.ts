/** The timers of the log manager: those that repeat and those that run once, all cancelled together. */
import { type Clock, every, type Timer } from '../platform/clock.ts';

export class Tasks {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  /** Those that have not run yet, and those that repeat. */
  readonly #timers = new Set<Timer>();
  #stopped = false;

  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Runs once after `delayMs`, unless {@link stop} comes first. */
  later(delayMs: number, run: () => void): void {
    if (this.#stopped) return;
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer);
      try {
        run();
      } catch (error) {
        this.#onError(error);
      }
    });
    this.#timers.add(timer);
  }

  /** Runs after `initialDelayMs` and then again and again, `periodMs` after each end. */
  repeat(initialDelayMs: number, periodMs: number, run: () => void): void {
    this.later(initialDelayMs, () => {
      this.#timers.add(every(this.#clock, periodMs, run, this.#onError));
      run();
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
