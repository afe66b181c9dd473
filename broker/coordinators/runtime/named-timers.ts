/**
 * The timers of one thing that a coordinator keeps (a group, a transaction), by name: arming a name again
 * replaces its timer, and none fires after it was disarmed.
 */
import type { Clock, Timer } from '../../platform/clock.ts';

export class NamedTimers<N extends string> {
  readonly #clock: Clock;
  readonly #timers = new Map<N, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  arm(name: N, delayMs: number, fire: () => void): void {
    this.disarm(name);
    const timer = this.#clock.after(delayMs, () => {
      if (this.#timers.get(name) !== timer) return;
      this.#timers.delete(name);
      fire();
    });
    this.#timers.set(name, timer);
  }

  disarm(name: N): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  disarmAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
