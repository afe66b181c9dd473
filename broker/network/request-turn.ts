/**
 * For how long one connection may start requests before everybody else has a turn of the event loop. A client
 * with very many small requests in the pipe could go on for as long as they last: those that are answered at
 * once are taken from one chunk of the socket in one go, and promises that are settled already let nobody else
 * in between.
 */
import type { Clock } from '../platform/clock.ts';

/** With the last request of it a turn takes some milliseconds. */
const TURN_MS = 4;

export class RequestTurn {
  readonly #clock: Clock;
  readonly #goOn: () => void;
  #beganMs: number;
  /** More of what has come at once may follow. */
  #isOpen = false;
  /** The next one has been asked for. */
  #waits = false;

  /** `goOn` is called in the next turn if this one was over before all was taken. */
  constructor(clock: Clock, goOn: () => void) {
    this.#clock = clock;
    this.#goOn = goOn;
    this.#beganMs = clock.nowMs();
  }

  /** Bytes have come: in a turn of their own, unless they are more of those before. */
  began(nowMs: number): void {
    if (!this.#isOpen && !this.#waits) this.#beganMs = nowMs;
    this.#isOpen = true;
  }

  /** That was all of them. */
  ended(): void {
    this.#isOpen = false;
  }

  /** Whether no more may be started: then whoever asks goes on in the next one, of which the first always may. */
  isOver(): boolean {
    if (!this.#waits && this.#clock.nowMs() < this.#beganMs + TURN_MS) return false;
    if (this.#waits) return true;
    this.#waits = true;
    this.#clock.soon(() => {
      this.#waits = false;
      this.#beganMs = this.#clock.nowMs();
      this.#goOn();
    });
    return true;
  }
}
