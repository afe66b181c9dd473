/**
 * Time that goes on by itself as the system's does, and of which a test may skip as much as it likes:
 * sockets are real and clients live in real time, so the brokers' time must not stand still for them. What
 * becomes due in what is skipped happens in its order, each at its own time, and what the brokers send each
 * other because of it arrives in between.
 */
import type { Clock, Timer } from '../../broker/platform/clock.ts';

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** However much is skipped, it takes at most so many steps. */
const MOST_STEPS = 100;
/** For what a step has set off: a round trip between brokers, all of which are in this process. */
const SETTLE_TURNS = 4;
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export class VirtualClock implements Clock {
  #skippedMs = 0;
  #order = 0;
  #timer: NodeJS.Timeout | null = null;
  #advancing: Promise<void> = Promise.resolve();
  /** Not sorted: few are there, and most are taken away before they are due. */
  readonly #entries = new Set<Entry>();

  wallMs(): number {
    return Math.floor(Date.now() + this.#skippedMs);
  }

  nowMs(): number {
    return performance.now() + this.#skippedMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = { dueMs: this.nowMs() + Math.max(0, delayMs), order: this.#order++, run };
    this.#entries.add(entry);
    this.#arm();
    return { cancel: () => this.#entries.delete(entry) };
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  /** Skips so much; resolves when what became due has happened. One after the other. */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0)) return Promise.reject(new Error(`time can be advanced by 0 ms or more, not ${ms}`));
    this.#advancing = this.#advancing.then(() => this.#advance(ms));
    return this.#advancing;
  }

  /** Nothing happens any more. */
  stop(): void {
    this.#entries.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #advance(ms: number): Promise<void> {
    const untilMs = this.#skippedMs + ms;
    const stepMs = Math.max(1, ms / MOST_STEPS);
    await settle();
    while (this.#skippedMs < untilMs) {
      const nextMs = Math.max(0, (this.#next()?.dueMs ?? Number.POSITIVE_INFINITY) - this.nowMs());
      // To the next thing that is due, but not in smaller steps than there may be.
      const skipMs = Math.min(Math.max(stepMs, nextMs), untilMs - this.#skippedMs);
      this.#skippedMs += skipMs;
      if (this.#runDue()) await settle();
    }
    this.#arm();
  }

  #next(): Entry | null {
    let first: Entry | null = null;
    for (const entry of this.#entries) {
      if (first === null || entry.dueMs < first.dueMs) first = entry;
    }
    return first;
  }

  /** Whether there was anything. */
  #runDue(): boolean {
    const nowMs = this.nowMs();
    const due = [...this.#entries].filter(({ dueMs }) => dueMs <= nowMs);
    due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
    for (const entry of due) {
      if (this.#entries.delete(entry)) entry.run();
    }
    return due.length > 0;
  }

  #arm(): void {
    const first = this.#next();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (first === null) return;
    const delayMs = Math.min(LONGEST_TIMEOUT_MS, Math.max(0, Math.ceil(first.dueMs - this.nowMs())));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#runDue();
      this.#arm();
    }, delayMs);
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
