/**
 * What pairs of neighbouring runs say: machines differ from one minute to the next by more than what is to be seen,
 * and the two runs of a pair have the same minute.
 */

export interface Spread {
  readonly median: number;
  /** Between these lies the median of what more and more pairs would give, with 95 % certainty. */
  readonly from: number;
  readonly to: number;
}

const UNCERTAINTY = 0.05;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
}

/** Whatever the values are like: each is above the true median as probably as below. With few of them, the extremes. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const left = leftOut(sorted.length);
  return {
    median: median(sorted),
    from: sorted[left] ?? Number.NaN,
    to: sorted[sorted.length - 1 - left] ?? Number.NaN,
  };
}

/** How many values may be left out at either end: more of them lie on one side of the median less than once in 20 times. */
function leftOut(count: number): number {
  let probability = 0.5 ** count;
  let sum = probability;
  let left = 0;
  while (2 * sum <= UNCERTAINTY) {
    left += 1;
    probability *= (count - left + 1) / left;
    sum += probability;
  }
  return Math.max(0, left - 1);
}
