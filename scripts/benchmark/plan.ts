/**
 * How many records each case moves. What --seconds makes of a case is found out once, on the first
 * system that runs it, and holds for every system and every round: all move the same.
 */

interface PlanOptions {
  /** How much of the usual number. */
  readonly share: number;
  readonly records: number | null;
  readonly seconds: number | null;
  readonly recordSizeBytes: number | null;
}

const FEWEST = 100;

export class Plan {
  readonly #options: PlanOptions;
  readonly #records = new Map<string, number>();

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  /** By case, what was moved. */
  get moved(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#records);
  }

  sizeBytes(usual: number): number {
    return this.#options.recordSizeBytes ?? usual;
  }

  /** `ratePerSecond` tries with a tenth of the usual records how fast this case goes; asked only for --seconds. */
  async records(
    name: string,
    usual: number,
    ratePerSecond: (few: number) => Promise<number>,
  ): Promise<number> {
    const known = this.#records.get(name);
    if (known !== undefined) return known;
    const { records, seconds, share } = this.#options;
    const wanted =
      records ?? (seconds === null ? usual * share : seconds * (await ratePerSecond(atLeast(usual * 0.1))));
    const count = atLeast(wanted);
    this.#records.set(name, count);
    return count;
  }
}

function atLeast(records: number): number {
  return Math.max(FEWEST, Math.round(records));
}
