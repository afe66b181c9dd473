/**
 * The timers of one thing that a coordinator keeps (a group, a transaction), by name: arming a name again
 * replaces its timer, and none fires after it was disarmed.
 */
import { boundedName } from '../../bounded-name.ts';
import type { Clock, Timer } from '../../platform/clock.ts';

export class NamedTimers<N extends string> {
  readonly #clock: Clock;
  /** By their bounded names: part of a name may be a client's. */
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  arm(name: N, delayMs: number, fire: () => void): void {
    this.disarm(name);
    const key = boundedName(name);
    const timer = this.#clock.after(delayMs, () => {
      if (this.#timers.get(key) !== timer) return;
      this.#timers.delete(key);
      fire();
    });
    this.#timers.set(key, timer);
  }

  disarm(name: N): void {
    const key = boundedName(name);
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  disarmAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
