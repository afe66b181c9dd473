/**
 * Lines that strangers cause, and could cause by the thousand: some of each period are said, and of the
 * others only how many they were.
 */
import type { Clock } from './clock.ts';

interface SeldomLinesParts {
  readonly clock: Clock;
  readonly say: (line: string) => void;
  /** What the lines are about, for the one that counts those left out: `failed logins`. */
  readonly about: string;
  readonly mostLines?: number;
  readonly periodMs?: number;
}

const MOST_LINES = 10;
const PERIOD_MS = 10_000;

export class SeldomLines {
  readonly #parts: Required<SeldomLinesParts>;
  #said = 0;
  #leftOut = 0;
  /** A period runs; it began with the first line after the one before. */
  #running = false;

  constructor(parts: SeldomLinesParts) {
    this.#parts = { mostLines: MOST_LINES, periodMs: PERIOD_MS, ...parts };
  }

  /** False when the line was left out. */
  say(line: string): boolean {
    const { clock, periodMs, mostLines, say } = this.#parts;
    if (!this.#running) {
      this.#running = true;
      clock.after(periodMs, () => this.#over());
    }
    if (this.#said >= mostLines) {
      this.#leftOut += 1;
      return false;
    }
    this.#said += 1;
    say(line);
    return true;
  }

  #over(): void {
    const { about, periodMs, say } = this.#parts;
    if (this.#leftOut > 0) say(`${this.#leftOut} more ${about} in the last ${periodMs / 1000} s`);
    this.#running = false;
    this.#said = this.#leftOut = 0;
  }
}
