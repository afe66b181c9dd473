/** Whether what a drill says must hold did hold, in words; a pure function of the score and the events. */
import type { Broken, Expectation } from './drill.ts';
import type { Score } from './score.ts';

export interface Verdict {
  readonly held: boolean;
  /** What was expected, and what was seen instead where it did not hold. */
  readonly words: string;
}

/** `kinds`: of the events in the journals, null where there are none. Of every expectation that can be judged; and that no promise was broken in another way, unless the drill expects that. */
export function judgedBy(
  must: readonly Expectation[],
  score: Score,
  kinds: ReadonlySet<string> | null,
): readonly Verdict[] {
  const all: readonly Expectation[] = must.some((each) => each.must === 'otherwise')
    ? must
    : [...must, { must: 'otherwise', most: 0 }];
  return all.flatMap((each) => {
    if ('most' in each && score[each.must] === null) return [];
    if (!('kind' in each)) return verdictOf(each, score);
    return kinds === null ? [] : eventVerdict(each, kinds);
  });
}

const NAMES: Readonly<Record<Broken, string>> = {
  lost: 'lost',
  duplicated: 'duplicated',
  reordered: 'reordered',
  otherwise: 'promises broken in other ways',
};

/** Kinds of broken promises that have a number of their own. */
const COUNTED: ReadonlySet<string> = new Set(['lost', 'duplicated', 'reordered']);

type OfEvent = Extract<Expectation, { readonly kind: string }>;

function verdictOf(expected: Exclude<Expectation, OfEvent>, score: Score): Verdict {
  switch (expected.must) {
    case 'lost':
    case 'duplicated':
    case 'reordered':
    case 'otherwise': {
      const seen = score[expected.must] ?? 0;
      const most = Number.isFinite(expected.most) ? `at most ${expected.most}` : 'however many';
      const isIn = (kind: string): boolean =>
        COUNTED.has(kind) ? kind === expected.must : expected.must === 'otherwise';
      const held = seen <= expected.most;
      const first = held ? undefined : score.violations.find(({ kind }) => isIn(kind));
      const example = first === undefined ? '' : `; ${first.what}`;
      return { held, words: `${NAMES[expected.must]}: ${seen} (${most})${example}` };
    }
    case 'unavailable': {
      const seenMs = Math.max(0, ...score.unavailableMs);
      const who = score.lost === null ? 'a client was acknowledged' : 'a partition took';
      const words = `${who} nothing for ${seconds(seenMs)} (at most ${seconds(expected.mostMs)})`;
      return { held: seenMs <= expected.mostMs, words };
    }
    case 'answered': {
      const times = score.errors[expected.error] ?? 0;
      return { held: times > 0, words: `producers were told ${expected.error} ${times} times` };
    }
  }
}

function eventVerdict({ must, kind }: OfEvent, kinds: ReadonlySet<string>): Verdict {
  const isThere = kinds.has(kind);
  return { held: isThere === (must === 'event'), words: `${kind} ${isThere ? 'is' : 'is not'} in a journal` };
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
