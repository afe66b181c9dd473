/**
 * Who is refused tries again many times a second, for as long as the reason lasts: it is told once, and again
 * when it is another one or the two have come together in between.
 */
import type { Diagnostics } from '../platform/diagnostics.ts';

/** Strangers choose as what and from where they come; those told longest ago are forgotten. */
const MOST_KNOWN = 1000;

export class Refusals {
  readonly #diagnostics: Pick<Diagnostics, 'warn'>;
  /** What was told last, by whom it is about; at most MOST_KNOWN. */
  readonly #told = new Map<string, string>();

  constructor(diagnostics: Pick<Diagnostics, 'warn'>) {
    this.#diagnostics = diagnostics;
  }

  /** `line` is said unless `why` is what was said of `who` last. */
  tell(who: string, why: string, line: string): void {
    if (this.#told.get(who) === why) return;
    this.#told.delete(who);
    this.#told.set(who, why);
    const [oldest] = this.#told.keys();
    if (this.#told.size > MOST_KNOWN && oldest !== undefined) this.#told.delete(oldest);
    this.#diagnostics.warn(line);
  }

  over(who: string): void {
    this.#told.delete(who);
  }
}
