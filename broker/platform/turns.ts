/** Long work in turns: in between the event loop, which is everybody's, gets to its other work. */
import { type Clock, sleep } from './clock.ts';

/** A turn takes some tens of milliseconds where an item takes some tens of microseconds. */
const ITEMS_PER_TURN = 1000;

/** `work` for every item, a turn's worth at the same time; results in the order of the items. */
export async function inTurns<Item, Result>(
  clock: Clock,
  items: readonly Item[],
  work: (item: Item) => Result | Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += ITEMS_PER_TURN) {
    if (at > 0) await sleep(clock, 0);
    for (const result of await Promise.all(items.slice(at, at + ITEMS_PER_TURN).map(work))) {
      results.push(result);
    }
  }
  return results;
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
