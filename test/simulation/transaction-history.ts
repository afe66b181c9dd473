/**
 * What an application was told of its transactions, and whether what readers of committed data find agrees.
 * Transaction n writes `n` to each partition and commits n as the offset of its group.
 */
export type Outcome = 'committed' | 'aborted' | 'unknown';

/** What is found once everything has settled. */
export interface Found {
  /** By partition, in the order of their offsets. */
  readonly values: readonly (readonly string[])[];
  /** The group's offset; -1 when it has none. */
  readonly offset: number;
}

export class TransactionHistory {
  readonly #outcomes = new Map<number, Outcome>();

  /** Nothing is known of it yet. */
  begun(transaction: number): void {
    this.#outcomes.set(transaction, 'unknown');
  }

  ended(transaction: number, outcome: Outcome): void {
    this.#outcomes.set(transaction, outcome);
  }

  count(outcome: Outcome): number {
    return [...this.#outcomes.values()].filter((each) => each === outcome).length;
  }

  /** What contradicts the promises; empty when all are kept. */
  contradictions({ values, offset }: Found): string[] {
    const read = values.map((each) => each.map(Number));
    const wrong = [...disorder(read), ...this.#strangers(read)];
    const sets = read.map((each) => new Set(each));
    let last = -1;
    for (const [transaction, outcome] of this.#outcomes) {
      const places = sets.filter((each) => each.has(transaction)).length;
      if (places === sets.length) last = transaction;
      if (places > 0 && outcome === 'aborted') wrong.push(`${transaction} was aborted and is read`);
      if (places === 0 && outcome === 'committed') wrong.push(`${transaction} was committed and is not read`);
      if (places > 0 && places < sets.length) {
        wrong.push(`${transaction} is torn: read in ${places} of ${sets.length} partitions`);
      }
    }
    if (offset !== last)
      wrong.push(`the group's offset is ${offset}, the last transaction that is read ${last}`);
    return wrong;
  }

  #strangers(read: readonly (readonly number[])[]): string[] {
    return read.flatMap((each) =>
      each.filter((value) => !this.#outcomes.has(value)).map((value) => `nobody wrote ${value}`),
    );
  }
}

/** Transactions come one after the other, so that a value that is not greater is out of order, or there twice. */
function disorder(read: readonly (readonly number[])[]): string[] {
  return read.flatMap((values, partition) =>
    values.flatMap((value, index) => {
      const before = values[index - 1];
      return before === undefined || before < value
        ? []
        : [`partition ${partition}: ${value} is read after ${before}`];
    }),
  );
}
