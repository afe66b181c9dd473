/**
 * Virtual time. Nothing happens between two timers: running the clock jumps from one to the next,
 * in the order of their times and, at one time, of their making. Promises settle in between. A flowing
 * clock does what is due without being run, and still lets no time pass.
 */
import type { Clock, Timer } from '../../broker/platform/clock.ts';

class Entry implements Timer {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | null;

  constructor(atMs: number, order: number, run: () => void) {
    this.atMs = atMs;
    this.order = order;
    this.run = run;
  }

  cancel(): void {
    this.run = null;
  }

  isBefore(other: Entry): boolean {
    return this.atMs < other.atMs || (this.atMs === other.atMs && this.order < other.order);
  }
}

/** 2026-01-01; wall time has to look like one where records are stamped. */
const DEFAULT_WALL_START_MS = 1_767_225_600_000;
/** So many steps without time passing mean that something feeds itself. */
const MOST_STEPS_AT_ONE_TIME = 1_000_000;
const MOST_TURNS_AT_ONCE = 64;

export class SimulatedClock implements Clock {
  #nowMs = 0;
  #wallShiftMs: number;
  #order = 0;
  /** A binary heap, earliest first. */
  readonly #heap: Entry[] = [];
  /** What is due now happens by itself. */
  #flows = false;
  #flowing = false;
  /** How many calls that run the clock are under way. */
  #running = 0;
  /** Called after every step; the place for checkers of invariants. */
  afterStep: (() => void) | null = null;

  constructor(wallStartMs = DEFAULT_WALL_START_MS) {
    this.#wallShiftMs = wallStartMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Math.floor(this.#nowMs + this.#wallShiftMs);
  }

  /** Moves the wall clock, as an operator or NTP would; monotonic time does not notice. */
  stepWallClock(byMs: number): void {
    this.#wallShiftMs += byMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#add(this.#nowMs + Math.max(0, delayMs), run);
  }

  /** Goes before anything else that is due now: after the current callback, before I/O and timers. */
  soon(run: () => void): void {
    this.#add(Number.NEGATIVE_INFINITY, run);
  }

  /** From here on what is due now happens by itself, in turns of its own. Time passes only as it is told. */
  flow(): void {
    this.#flows = true;
    this.#flowSoon();
  }

  /** How many callbacks wait. */
  get pending(): number {
    return this.#heap.reduce((count, { run }) => (run === null ? count : count + 1), 0);
  }

  /** Runs everything due up to `untilMs` of monotonic time, and sets the time to it. */
  async runUntil(untilMs: number): Promise<void> {
    let steps = 0;
    await this.#run(() => {
      const entry = this.#due(untilMs);
      if (entry === null) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return null;
      }
      steps = entry.atMs > this.#nowMs ? 0 : steps + 1;
      if (steps > MOST_STEPS_AT_ONE_TIME) throw new Error(`time stands still at ${this.#nowMs} ms`);
      return entry;
    });
  }

  /** {@link runUntil} from now. */
  runFor(durationMs: number): Promise<void> {
    return this.runUntil(this.#nowMs + durationMs);
  }

  /** Runs until the condition holds; throws when it doesn't within `limitMs` of virtual time. */
  async runUntilTrue(condition: () => boolean, limitMs: number): Promise<void> {
    const untilMs = this.#nowMs + limitMs;
    await this.#run(() => (condition() ? null : this.#due(untilMs)));
    if (!condition())
      throw new Error(`the condition did not hold within ${limitMs} ms of virtual time: ${condition}`);
  }

  /** Runs until the promise settles, and gives what it came to. */
  async runUntilSettled<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await this.runUntilTrue(() => settled, limitMs);
    return promise;
  }

  /** Takes one step after the other until `next` has none. */
  async #run(next: () => Entry | null): Promise<void> {
    this.#running++;
    try {
      await inTurns(() => {
        const entry = next();
        if (entry === null) return null;
        this.#step(entry);
        return () => this.afterStep?.();
      });
    } finally {
      this.#running--;
      this.#flowSoon();
    }
  }

  #flowSoon(): void {
    const first = this.#heap[0];
    const isDue = first !== undefined && first.atMs <= this.#nowMs;
    if (!this.#flows || this.#flowing || this.#running > 0 || !isDue) return;
    this.#flowing = true;
    setImmediate(() => {
      this.#flowing = false;
      if (this.#running === 0) void this.runUntil(this.#nowMs);
    });
  }

  #step(entry: Entry): void {
    this.#nowMs = Math.max(this.#nowMs, entry.atMs);
    const run = entry.run;
    entry.run = null;
    run?.();
  }

  #add(atMs: number, run: () => void): Timer {
    const entry = new Entry(atMs, this.#order++, run);
    this.#rise(entry, this.#heap.length);
    this.#flowSoon();
    return entry;
  }

  #due(untilMs: number): Entry | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || (first.run !== null && first.atMs > untilMs)) return null;
      const last = this.#heap.pop();
      if (last !== undefined && last !== first) this.#sink(last, 0);
      if (first.run !== null) return first;
    }
  }

  /** Puts it into an empty place, or above it as far as it belongs. */
  #rise(entry: Entry, empty: number): void {
    const heap = this.#heap;
    let at = empty;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !entry.isBefore(parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  /** Puts it into an empty place, or below it as far as it belongs. */
  #sink(entry: Entry, empty: number): void {
    const heap = this.#heap;
    let at = empty;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      const right = heap[below + 1];
      if (child !== undefined && right?.isBefore(child)) {
        child = right;
        below++;
      }
      if (child === undefined || !child.isBefore(entry)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = entry;
  }
}

/**
 * Acts again and again until there is nothing to do (null); what an action gives is called when every
 * promise that can settle has done so. For that each has a macrotask of its own, which comes after all
 * microtasks of the one before it. Many are asked for at a time: the event loop would otherwise look for
 * I/O after each of them, which takes as long as a step.
 */
function inTurns(act: () => (() => void) | null): Promise<void> {
  return new Promise((resolve, reject) => {
    let settled: (() => void) | null = null;
    let isIdle = false;
    let isOver = false;
    const turn = (): void => {
      if (isIdle || isOver) return;
      try {
        settled?.();
        settled = act();
      } catch (error) {
        isOver = true;
        reject(error);
      }
      isIdle = settled === null;
    };
    const askFor = (count: number): void => {
      for (let at = 0; at < count; at++) setImmediate(turn);
      setImmediate(() => {
        if (isIdle) setImmediate(lookAgain);
        else if (!isOver) askFor(Math.min(2 * count, MOST_TURNS_AT_ONCE));
      });
    };
    // Macrotasks of others have come first, and may have made something to do.
    const lookAgain = (): void => {
      isIdle = false;
      turn();
      if (isIdle) resolve();
      else if (!isOver) askFor(1);
    };
    askFor(1);
  });
}
