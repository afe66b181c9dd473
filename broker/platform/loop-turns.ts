/**
 * Turns of the event loop, told from each other and given out: one at a time to those who have long work, and
 * with a budget where many ask for the same kind of it.
 */
import type { Clock } from './clock.ts';
import { FairQueue } from './fair-queue.ts';

/** What all who go by the same clock share; made for the first of them. */
export function sharedByClock<T>(make: (clock: Clock) => T): (clock: Clock) => T {
  const made = new WeakMap<Clock, { readonly shared: T }>();
  return (clock) => {
    const known = made.get(clock) ?? { shared: make(clock) };
    made.set(clock, known);
    return known.shared;
  };
}

/** Those who wait for a turn of their own, oldest first; whoever is first goes on in the next turn of the loop. */
const waitingFor = sharedByClock((): (() => void)[] => []);
/** So that all ask for one more turn together. */
const loopTurns = sharedByClock((clock) => new LoopTurns(clock));

/**
 * A turn of the event loop for a piece of long work: one piece a turn, whoever they are that have long work,
 * so that what else the loop has to do waits for no more than one.
 */
export function ownTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const queue = waitingFor(clock);
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
class LoopTurns {
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

/** After so long it is the turn of others. */
const TURN_MS = 4;

/** For how long somebody is at it in one turn of the event loop. */
export class TimeInTurn {
  readonly #clock: Clock;
  readonly #loop: LoopTurns;
  /** The turn that was last asked in; -1: the next time is the first of one. */
  #number = -1;
  #endMs = 0;
  readonly #all: TimeInTurn | null;
  /** The time of all does not count: this turn was waited for. */
  #isOwn = false;

  /** With `all`, the time of many: each is at it once in a turn, and goes on only while that time lasts. */
  constructor(clock: Clock, all: TimeInTurn | null = null) {
    this.#clock = clock;
    this.#loop = loopTurns(clock);
    this.#all = all;
  }

  /** Whether some milliseconds have passed since this was first asked in this turn; never the first time. */
  isOver(): boolean {
    const number = this.#loop.number();
    const nowMs = this.#clock.nowMs();
    if (number === this.#number)
      return nowMs >= this.#endMs || (!this.#isOwn && this.#all?.isOver() === true);
    if (this.#number !== -1) this.#isOwn = false;
    this.#number = number;
    this.#endMs = nowMs + TURN_MS;
    // From here on the time of all is running.
    if (!this.#isOwn) this.#all?.isOver();
    return false;
  }

  /** What comes now is a turn of its own. */
  renew(): void {
    this.#number = -1;
    this.#isOwn = true;
  }
}

/** Whoever waits for longer than so many turns had better have it done elsewhere. */
const TURNS_AHEAD = 32;

interface WaitingForBudget {
  readonly amount: number;
  readonly resolve: () => void;
}

/** How much work of a kind one turn of the event loop may do, whoever asks for it. */
export class TurnBudget {
  readonly limit: number;
  readonly #clock: Clock;
  readonly #waiting = new FairQueue<WaitingForBudget>();
  #spent = 0;
  /** Of all that wait. */
  #awaited = 0;
  /** The next turn begins with the whole of it. */
  #isArmed = false;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.limit = limit;
  }

  /** Never negative. */
  get left(): number {
    return Math.max(0, this.limit - this.#spent);
  }

  /** Work that was done, also beyond what was left. */
  spend(amount: number): void {
    if (amount <= 0) return;
    this.#spent += amount;
    this.#arm();
  }

  /**
   * One of the next turns, in which about `amount` should be left, or all that one has; those who ask take turns, `from`
   * says who it is. null when too many wait.
   */
  later(amount: number, from: string): Promise<void> | null {
    if (this.#awaited + amount > TURNS_AHEAD * this.limit) return null;
    this.#arm();
    this.#awaited += amount;
    return new Promise((resolve) => this.#waiting.add(from, { amount, resolve }));
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.soon(() => this.#renew());
  }

  #renew(): void {
    this.#isArmed = false;
    this.#spent = 0;
    for (let given = 0; given < this.limit; ) {
      const next = this.#waiting.take();
      if (next === undefined) return;
      given += next.amount;
      this.#awaited -= next.amount;
      next.resolve();
    }
    if (this.#waiting.size > 0) this.#arm();
  }
}

/** What very many have to do a little of at the same time: done at once, until a turn is over; then in the next ones. */
export class SharedTurn {
  readonly #clock: Clock;
  readonly #time: TimeInTurn;
  /** Of pieces; null: as many as there is time for. */
  readonly #budget: TurnBudget | null;
  /** Oldest first; those before `#next` are done. */
  readonly #waiting: (() => void)[] = [];
  #next = 0;

  /** No turn has more than `mostPieces`, as where most of their work comes only after them. */
  constructor(clock: Clock, mostPieces: number | null = null) {
    this.#clock = clock;
    this.#time = new TimeInTurn(clock);
    this.#budget = mostPieces === null ? null : new TurnBudget(clock, mostPieces);
  }

  /** Does it at once, or after those who wait already. What it throws then is an uncaught exception; the others go on. */
  run(piece: () => void): void {
    if (this.#waiting.length === 0 && this.#mayBegin()) piece();
    else if (this.#waiting.push(piece) === 1) this.#clock.soon(() => this.#goOn());
  }

  #mayBegin(): boolean {
    if (this.#budget?.left === 0 || this.#time.isOver()) return false;
    this.#budget?.spend(1);
    return true;
  }

  #goOn(): void {
    const isLeft = (): boolean => this.#next < this.#waiting.length;
    try {
      while (isLeft() && this.#mayBegin()) this.#waiting[this.#next++]?.();
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
