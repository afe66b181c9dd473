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
