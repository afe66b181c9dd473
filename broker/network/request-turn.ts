/**
 * For how long connections may start requests in one turn of the event loop. A client with very many small
 * requests in the pipe could go on for as long as they last: those that are answered at once are taken from one
 * chunk of the socket in one go, and promises that are settled already let nobody else in between. And twenty such
 * clients would each have their time within one turn. So each connection starts its first request, more of them only
 * while a time lasts that is the same for all, and those who have more go on one after the other, each in a turn of
 * its own.
 */
import type { Clock } from '../platform/clock.ts';
import { ownTurn, sharedByClock, TimeInTurn } from '../platform/loop-turns.ts';

const timeOfAll = sharedByClock((clock) => new TimeInTurn(clock));

export class RequestTurn {
  readonly #clock: Clock;
  readonly #time: TimeInTurn;
  readonly #goOn: () => void;
  /** The next one has been asked for. */
  #waits = false;

  /** `goOn` is called in the next turn if this one was over before all was taken. */
  constructor(clock: Clock, goOn: () => void) {
    this.#clock = clock;
    this.#time = new TimeInTurn(clock, timeOfAll(clock));
    this.#goOn = goOn;
  }

  /** Whether no more may be started: then whoever asks goes on in the next one. The first of a turn always may. */
  isOver(): boolean {
    if (this.#waits) return true;
    if (!this.#time.isOver()) return false;
    this.#waits = true;
    void ownTurn(this.#clock).then(() => {
      this.#waits = false;
      this.#time.renew();
      this.#goOn();
    });
    return true;
  }
}
