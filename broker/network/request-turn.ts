/**
 * For how long one connection may start requests in one turn of the event loop. A client with very many small
 * requests in the pipe could go on for as long as they last: those that are answered at once are taken from one
 * chunk of the socket in one go, and promises that are settled already let nobody else in between. Those who have
 * more go on one after the other, each in a turn of its own.
 */
import type { Clock } from '../platform/clock.ts';
import { type LoopTurns, loopTurns, ownTurn } from '../platform/loop-turns.ts';

/** With the last request of it a turn takes some milliseconds. */
const TURN_MS = 4;

export class RequestTurn {
  readonly #clock: Clock;
  readonly #loop: LoopTurns;
  readonly #goOn: () => void;
  /** The turn of the loop in which the last request was started. */
  #number = -1;
  /** When the first one of that turn was started. */
  #beganMs = 0;
  /** The next one has been asked for. */
  #waits = false;

  /** `goOn` is called in the next turn if this one was over before all was taken. */
  constructor(clock: Clock, goOn: () => void) {
    this.#clock = clock;
    this.#loop = loopTurns(clock);
    this.#goOn = goOn;
  }

  /** Whether no more may be started: then whoever asks goes on in the next one. The first of a turn always may. */
  isOver(): boolean {
    if (this.#waits) return true;
    const number = this.#loop.number();
    const nowMs = this.#clock.nowMs();
    if (number !== this.#number) {
      this.#number = number;
      this.#beganMs = nowMs;
      return false;
    }
    if (nowMs < this.#beganMs + TURN_MS) return false;
    this.#waits = true;
    void ownTurn(this.#clock).then(() => {
      this.#waits = false;
      this.#number = -1;
      this.#goOn();
    });
    return true;
  }
}
