/**
 * Turns of the event loop, told from each other and given out: one at a time to those who have long work, and
 * with a budget where many ask for the same kind of it.
 */
import type { Clock } from './clock.ts';

/** Those who wait for a turn of their own, oldest first; whoever is first goes on in the next turn of the loop. */
const waiting = new WeakMap<Clock, (() => void)[]>();
const numbered = new WeakMap<Clock, LoopTurns>();

/**
 * A turn of the event loop for a piece of long work: one piece a turn, whoever they are that have long work,
 * so that what else the loop has to do waits for no more than one.
 */
export function ownTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const queue = waiting.get(clock) ?? [];
    waiting.set(clock, queue);
    if (queue.push(resolve) === 1) clock.soon(() => giveTurn(clock, queue));
  });
}

function giveTurn(clock: Clock, queue: (() => void)[]): void {
  queue.shift()?.();
  if (queue.length > 0) clock.soon(() => giveTurn(clock, queue));
}

/**
 * The next turn of the event loop, whoever else has long work in it: for what partitions are without a leader
 * meanwhile. It must not wait for its place among all that clients ask for.
 */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}

/** Tells the turns of the event loop from each other. */
export class LoopTurns {
  readonly #clock: Clock;
  #number = 0;
  /** The next number comes with the next turn. */
  #isArmed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Of this turn; all who ask in one are told the same, and those of the next one another. */
  number(): number {
    if (!this.#isArmed) {
      this.#isArmed = true;
      this.#clock.soon(() => {
        this.#isArmed = false;
        this.#number += 1;
      });
    }
    return this.#number;
  }
}

/** For all who go by this clock, so that they ask for one more turn together. */
export function loopTurns(clock: Clock): LoopTurns {
  const known = numbered.get(clock) ?? new LoopTurns(clock);
  numbered.set(clock, known);
  return known;
}

/** How much work of a kind one turn of the event loop may do, whoever asks for it. */
export class TurnBudget {
  readonly #clock: Clock;
  readonly #limit: number;
  #spent = 0;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Never negative. */
  get left(): number {
    return Math.max(0, this.#limit - this.#spent);
  }

  /** Work that was done, also beyond what was left. */
  spend(amount: number): void {
    if (amount <= 0) return;
    if (this.#spent === 0) this.#clock.soon(() => this.#renew());
    this.#spent += amount;
  }

  #renew(): void {
    this.#spent = 0;
  }
}

/** In one turn of the loop pieces are begun for so long, whoever they are of. */
const SHARED_MS = 4;

/** What very many have to do a little of at the same time: done at once, until a turn is over; then in the next ones. */
export class SharedTurn {
  readonly #clock: Clock;
  readonly #mostPieces: number;
  readonly #loop: LoopTurns;
  /** Oldest first; those before `#next` are done. */
  #waiting: (() => void)[] = [];
  #next = 0;
  /** The turn in which the last piece was begun. */
  #number = -1;
  #endMs = 0;
  /** That may still be begun in it. */
  #leftPieces = 0;

  /** No turn has more than `mostPieces`, as where most of their work comes only after them. */
  constructor(clock: Clock, mostPieces = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#mostPieces = mostPieces;
    this.#loop = loopTurns(clock);
  }

  /** Does it at once, or after those who wait already. What it throws then is an uncaught exception; the others go on. */
  run(piece: () => void): void {
    if (this.#waiting.length === 0 && this.#mayBegin()) piece();
    else if (this.#waiting.push(piece) === 1) this.#clock.soon(() => this.#goOn());
  }

  #mayBegin(): boolean {
    const number = this.#loop.number();
    if (number === this.#number) {
      if (this.#leftPieces <= 0 || this.#clock.nowMs() >= this.#endMs) return false;
    } else {
      this.#number = number;
      this.#endMs = this.#clock.nowMs() + SHARED_MS;
      this.#leftPieces = this.#mostPieces;
    }
    this.#leftPieces -= 1;
    return true;
  }

  #goOn(): void {
    const endMs = this.#clock.nowMs() + SHARED_MS;
    const end = this.#next + this.#mostPieces;
    const isLeft = (): boolean => this.#next < this.#waiting.length;
    try {
      do this.#waiting[this.#next++]?.();
      while (isLeft() && this.#next < end && this.#clock.nowMs() < endMs);
    } finally {
      if (isLeft()) this.#clock.soon(() => this.#goOn());
      this.#forgetDone();
    }
  }

  /** Also where there is always somebody who waits. */
  #forgetDone(): void {
    if (this.#next * 2 < this.#waiting.length) return;
    this.#waiting.splice(0, this.#next);
    this.#next = 0;
  }
}
