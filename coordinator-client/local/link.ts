/**
 * The way between a local coordinator and its tree: two lanes that keep their order and take their
 * time, and that lose whatever is on them when the link is cut. All delays come from the given
 * timers, so a seeded simulator replays them.
 */

/** The part of a clock that is needed here; a broker's clock has this shape. */
export interface Timers {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Runs `run` once, `delayMs` or more from now, never synchronously. */
  after(delayMs: number, run: () => void): { cancel(): void };
}

export class Lane {
  readonly #timers: Timers;
  readonly #delayMs: () => number;
  /** In the order of sending, which is that of arrival. */
  #underway: { run: () => void; timer: { cancel(): void } }[] = [];
  /** Never falls. */
  #lastArrivalMs = 0;

  constructor(timers: Timers, delayMs: () => number) {
    this.#timers = timers;
    this.#delayMs = delayMs;
  }

  /** `run` happens at the other end, after everything that was sent before it. */
  send(run: () => void): void {
    const nowMs = this.#timers.nowMs();
    // Never before the one ahead, whatever delay each of them drew.
    this.#lastArrivalMs = Math.max(nowMs + this.#delayMs(), this.#lastArrivalMs);
    const timer = this.#timers.after(this.#lastArrivalMs - nowMs, () => this.#arrive());
    this.#underway.push({ run, timer });
  }

  /** Whatever is under way never arrives. */
  cut(): void {
    for (const { timer } of this.#underway) timer.cancel();
    this.#underway = [];
  }

  #arrive(): void {
    this.#underway.shift()?.run();
  }
}
