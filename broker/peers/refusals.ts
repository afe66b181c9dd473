/**
 * Who is refused tries again many times a second, for as long as the reason lasts: it is told once, and again
 * when it is another one or the two have come together in between. Of those who come under ever other names
 * some lines are told in a while, and how many more they were.
 */
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import { SeldomLines } from '../platform/seldom-lines.ts';

/** Strangers choose as what and from where they come; those told longest ago are forgotten. */
const MOST_KNOWN = 1000;

export class Refusals {
  readonly #lines: SeldomLines;
  /** What was told last, by whom it is about; at most MOST_KNOWN. */
  readonly #told = new Map<string, string>();

  constructor(diagnostics: Pick<Diagnostics, 'warn'>, clock: Clock) {
    this.#lines = new SeldomLines({ clock, say: (line) => diagnostics.warn(line), about: 'refused peers' });
  }

  /** `line` is said unless `why` is what was said of `who` last. */
  tell(who: string, why: string, line: string): void {
    if (this.#told.get(who) === why) return;
    if (!this.#lines.say(line)) return;
    this.#told.delete(who);
    this.#told.set(who, why);
    const [oldest] = this.#told.keys();
    if (this.#told.size > MOST_KNOWN && oldest !== undefined) this.#told.delete(oldest);
  }

  over(who: string): void {
    this.#told.delete(who);
  }
}
