/** Whether what a drill says must hold did hold, in words; a pure function of the score and the events. */
import type { Broken, Expectation } from './drill.ts';
import type { Score } from './score.ts';

export interface Verdict {
  readonly held: boolean;
  /** What was expected, and what was seen instead where it did not hold. */
  readonly words: string;
}

/** Of every expectation; and that no promise was broken in another way, unless the drill expects that. */
export function judgedBy(
  must: readonly Expectation[],
  score: Score,
  kinds: ReadonlySet<string>,
): readonly Verdict[] {
  const all: readonly Expectation[] = must.some((each) => each.must === 'otherwise')
    ? must
    : [...must, { must: 'otherwise', most: 0 }];
  return all.map((each) => verdictOf(each, score, kinds));
}

const NAMES: Readonly<Record<Broken, string>> = {
  lost: 'lost',
  duplicated: 'duplicated',
  reordered: 'reordered',
  otherwise: 'promises broken in other ways',
};

function verdictOf(expected: Expectation, score: Score, kinds: ReadonlySet<string>): Verdict {
  switch (expected.must) {
    case 'lost':
    case 'duplicated':
    case 'reordered':
    case 'otherwise': {
      const seen = score[expected.must];
      const most = Number.isFinite(expected.most) ? `at most ${expected.most}` : 'however many';
      return { held: seen <= expected.most, words: `${NAMES[expected.must]}: ${seen} (${most})` };
    }
    case 'unavailable': {
      const seenMs = Math.max(0, ...score.unavailableMs);
      const words = `a partition took nothing for ${seconds(seenMs)} (at most ${seconds(expected.mostMs)})`;
      return { held: seenMs <= expected.mostMs, words };
    }
    case 'event':
    case 'no event': {
      const isThere = kinds.has(expected.kind);
      const words = `${expected.kind} ${isThere ? 'is' : 'is not'} in a journal`;
      return { held: isThere === (expected.must === 'event'), words };
    }
    case 'answered': {
      const times = score.errors[expected.error] ?? 0;
      return { held: times > 0, words: `producers were told ${expected.error} ${times} times` };
    }
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
