/** A wall clock that somebody sets, as an administrator or NTP does; monotonic time and timers go on as ever. */
import type { Clock } from '../clock.ts';

export class WallClockJumps {
  #offsetMs = 0;

  /** How far the clock is from where it would be. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Sets it so much forwards, or back; the answer takes that much back. */
  jump(byMs: number): () => void {
    this.#offsetMs += byMs;
    let isThere = true;
    return () => {
      if (isThere) this.#offsetMs -= byMs;
      isThere = false;
    };
  }

  clock(clock: Clock): Clock {
    return {
      wallMs: () => clock.wallMs() + this.#offsetMs,
      nowMs: () => clock.nowMs(),
      after: (delayMs, run) => clock.after(delayMs, run),
      soon: (run) => clock.soon(run),
    };
  }
}
