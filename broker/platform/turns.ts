/**
 * Long work in turns: in between the event loop, which is everybody's, gets to its other work. Work is written
 * as steps: a generator that yields after each item, or a promise that it has to wait for. Whoever has it done
 * says how many of its steps make a turn; one that has taken its time is over with fewer, as where names are
 * very long, a collection of garbage comes in between, or code runs for the first time.
 */
import type { Clock } from './clock.ts';
import { ownTurn } from './loop-turns.ts';

/** Work that may be interrupted where it yields; what a promise rejects with, the work rejects with. */
export type Steps<Result> = Generator<undefined | Promise<unknown>, Result, unknown>;

/**
 * So few items need no turns, whatever is done with them. Where most requests have few, the work yields only
 * beyond that: to be interrupted costs a tenth of a microsecond.
 */
export const FEW = 200;

/** Where looking at an item takes some tenths of a microsecond, so many are a step. */
export const LOOKS_PER_STEP = 10;

/** A turn takes some milliseconds where a step takes some microseconds. */
const STEPS_PER_TURN = 2000;
/** The same where an item takes some tens of microseconds to begin with. */
const BEGUN_PER_TURN = 100;
/** So many are begun in one step. */
const BEGUN_TOGETHER = 5;
/** After so long a turn is over, whatever is left of its steps. */
const TURN_MS = 4;
/** So often the time is looked at, where a turn has many steps; where it has few they are long ones, and it is after each. */
const STEPS_PER_LOOK = 8;

/** Of somebody who has long work, and hears of each piece of it. */
export class Turns {
  readonly #clock: Clock;
  readonly #during: <Result>(piece: () => Result) => Result;
  readonly #next: (clock: Clock) => Promise<void>;

  /**
   * `during` runs the pieces: whoever is charged for them measures there how long they take. `next` says when the
   * next of them is.
   */
  constructor(
    clock: Clock,
    during: <Result>(piece: () => Result) => Result = (piece) => piece(),
    next: (clock: Clock) => Promise<void> = ownTurn,
  ) {
    this.#clock = clock;
    this.#during = during;
    this.#next = next;
  }

  /**
   * Takes all steps, so many in each turn at most, the first ones at once. A promise only where that is not all
   * of them.
   */
  take<Result>(steps: Steps<Result>, stepsPerTurn = STEPS_PER_TURN): Result | Promise<Result> {
    const first = this.#some(steps, stepsPerTurn, stepsPerTurn, 0);
    return first.isDone ? first.result : this.#takeTheRest(steps, stepsPerTurn, first);
  }

  /** `work` for every item, so many in each turn at most, the first ones at once. A promise only where they are more. */
  each<Item, Result>(
    items: readonly Item[],
    work: (item: Item) => Result,
    itemsPerTurn = STEPS_PER_TURN,
  ): Result[] | Promise<Result[]> {
    const isLittle = items.length <= Math.min(itemsPerTurn, STEPS_PER_LOOK);
    if (isLittle) return this.#during(() => items.map((item) => work(item)));
    return this.take(eachOf(items, work), itemsPerTurn);
  }

  /**
   * Begins `work` for every item, some of them in each turn, without waiting for what those before began;
   * results in the order of the items.
   */
  async begin<Item, Result>(
    items: readonly Item[],
    work: (item: Item) => Result | Promise<Result>,
    itemsPerTurn = BEGUN_PER_TURN,
  ): Promise<Result[]> {
    const perGroup = Math.min(BEGUN_TOGETHER, itemsPerTurn);
    const begun = await this.take(begunInGroups(items, work, perGroup), Math.floor(itemsPerTurn / perGroup));
    return this.take(joined(await Promise.all(begun)));
  }

  /** A turn of the event loop in which no other long work is done. */
  own(): Promise<void> {
    return this.#next(this.#clock);
  }

  #some<Result>(steps: Steps<Result>, most: number, stepsPerTurn: number, overMs: number) {
    const clock = this.#clock;
    const stepsPerLook = stepsPerTurn <= FEW ? 1 : STEPS_PER_LOOK;
    return this.#during(() => someOf(steps, most, { clock, stepsPerLook, overMs }));
  }

  async #takeTheRest<Result>(
    steps: Steps<Result>,
    stepsPerTurn: number,
    first: Interrupted,
  ): Promise<Result> {
    try {
      for (let last = first; ; ) {
        let left = last.stepsLeft;
        if (last.waitsFor !== null) await last.waitsFor;
        else {
          await this.#next(this.#clock);
          left = stepsPerTurn;
        }
        const next = this.#some(steps, left, stepsPerTurn, this.#clock.nowMs() + TURN_MS);
        if (next.isDone) return next.result;
        last = next;
      }
    } catch (error) {
      steps.return(undefined as Result); // what it has taken it gives back
      throw error;
    }
  }
}

interface Done<Result> {
  readonly isDone: true;
  readonly result: Result;
}

interface Interrupted {
  readonly isDone: false;
  /** null: for the next turn. */
  readonly waitsFor: Promise<unknown> | null;
  /** That this turn may still take: to wait for what is there already is no turn. */
  readonly stepsLeft: number;
}

/** `overMs`: when the turn is over; 0: so long after the first look at the time. */
function someOf<Result>(
  steps: Steps<Result>,
  most: number,
  { clock, stepsPerLook, overMs }: { clock: Clock; stepsPerLook: number; overMs: number },
): Done<Result> | Interrupted {
  let endMs = overMs;
  for (let taken = 1; taken <= most; taken++) {
    const { done, value } = steps.next();
    if (done === true) return { isDone: true, result: value };
    if (value !== undefined) return { isDone: false, waitsFor: value, stepsLeft: most - taken };
    if (taken % stepsPerLook !== 0) continue;
    const nowMs = clock.nowMs();
    if (endMs === 0) endMs = nowMs + TURN_MS;
    else if (nowMs >= endMs) break;
  }
  return { isDone: false, waitsFor: null, stepsLeft: 0 };
}

function* eachOf<Item, Result>(items: readonly Item[], work: (item: Item) => Result): Steps<Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0) yield;
    results.push(work(item));
  }
  return results;
}

/** Each group is a step. */
function* begunInGroups<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Result | Promise<Result>,
  perGroup: number,
): Steps<Promise<Result[]>[]> {
  const begun: Promise<Result[]>[] = [];
  for (let at = 0; at < items.length; at += perGroup) {
    if (at > 0) yield;
    begun.push(begunTogether(items.slice(at, at + perGroup), work));
  }
  return begun;
}

function* joined<Result>(groups: readonly (readonly Result[])[]): Steps<Result[]> {
  const all: Result[] = [];
  for (const group of groups) {
    for (const result of group) {
      all.push(result);
      if (all.length % LOOKS_PER_STEP === 0) yield;
    }
  }
  return all;
}

function begunTogether<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Result | Promise<Result>,
): Promise<Result[]> {
  const all = Promise.all(items.map(async (item) => work(item)));
  all.catch(() => {}); // whoever waits for all of them gets it
  return all;
}

/** All of them, as of a map that was made of very many. */
export function* gathered<Item>(items: Iterable<Item>): Steps<Item[]> {
  const all: Item[] = [];
  for (const item of items) if (all.push(item) % LOOKS_PER_STEP === 0) yield;
  return all;
}

/** Those that are wanted. */
export function* filtered<Item>(
  items: Iterable<Item>,
  isWanted: (item: Item, index: number) => boolean,
): Steps<Item[]> {
  const wanted: Item[] = [];
  let looked = 0;
  for (const item of items) {
    if (isWanted(item, looked)) wanted.push(item);
    if (++looked % LOOKS_PER_STEP === 0) yield;
  }
  return wanted;
}

/** So many are sorted in one step. */
const SORTED_TOGETHER = 100;

/** The texts in the order of their characters. */
export function* sorted(texts: readonly string[]): Steps<readonly string[]> {
  let runs: (readonly string[])[] = [];
  for (let at = 0; at < texts.length; at += SORTED_TOGETHER) {
    runs.push(texts.slice(at, at + SORTED_TOGETHER).sort());
    yield;
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(yield* merge(runs[at] ?? [], runs[at + 1] ?? []));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge(one: readonly string[], other: readonly string[]): Steps<readonly string[]> {
  const all: string[] = [];
  for (let [at, otherAt] = [0, 0]; at < one.length || otherAt < other.length; ) {
    const [next, otherNext] = [one[at], other[otherAt]];
    if (otherNext === undefined || (next !== undefined && next <= otherNext)) {
      all.push(next ?? '');
      at++;
    } else {
      all.push(otherNext);
      otherAt++;
    }
    if (all.length % LOOKS_PER_STEP === 0) yield;
  }
  return all;
}

/** Work that is done already. */
export function* done<Result>(result: Result): Steps<Result> {
  yield* [];
  return result;
}

/** The same steps, unless one of them is refused: then the refusal is the result, and no other step is taken. */
export function* unless<Result>(steps: Steps<Result>, refusal: () => Result | null): Steps<Result> {
  try {
    for (;;) {
      const refused = refusal();
      if (refused !== null) return refused;
      const { done: isDone, value } = steps.next();
      if (isDone === true) return value;
      yield value;
    }
  } finally {
    steps.return(undefined as Result); // what it has taken it gives back
  }
}

/** All steps at once, of work that is known to be little, and to wait for nothing. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** Of a result that is there the next one is, too. */
export function afterwards<Value, Next>(
  value: Value | Promise<Value>,
  next: (value: Value) => Next | Promise<Next>,
): Next | Promise<Next> {
  return value instanceof Promise ? value.then(next) : next(value);
}
