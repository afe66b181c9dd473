/** The score of a drill from histories, its verdict, and what can be read of both. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Drill, Expectation } from '../../../scripts/drills/drill.ts';
import { judgedBy } from '../../../scripts/drills/judgement.ts';
import { hasHeld, postMortem } from '../../../scripts/drills/post-mortem.ts';
import { postMortemPage } from '../../../scripts/drills/post-mortem-page.ts';
import { acknowledgementsOf, type Score, scoreOf } from '../../../scripts/drills/score.ts';
import { brokenRow, writeSummary } from '../../../scripts/drills/summary.ts';
import type { ClientHistory, Entry, Found } from '../../../scripts/torment/history/entries.ts';

/** One record, sent and acknowledged at these times. */
function sent(
  id: number,
  partition: number,
  [at, ackMs]: readonly [number, number],
  offset: number,
): Entry[] {
  const send = { do: 'send', id, partition } as const;
  return [
    { ...send, type: 'invoke', at },
    { ...send, type: 'ok', at: ackMs, offset },
  ];
}

const WRITER: readonly Entry[] = [
  ...sent(0, 0, [0, 10], 0),
  ...sent(1, 1, [0, 20], 0),
  ...sent(2, 1, [1000, 1020], 1),
  ...sent(3, 0, [1000, 5000], 1),
  ...sent(4, 0, [6000, 6010], 2),
  ...sent(5, 1, [6000, 6010], 2),
];
const READER: readonly Entry[] = [0, 1, 2].flatMap((offset) => [
  { at: 7000, type: 'ok', do: 'read', partition: 0, offset, value: `drill/${[0, 3, 4][offset]}` } as const,
  { at: 7000, type: 'ok', do: 'read', partition: 1, offset, value: `drill/${[1, 2, 5][offset]}` } as const,
]);
const HISTORY: ClientHistory = {
  topic: 'drill',
  mode: 'idempotent',
  sendsAgain: false,
  writer: WRITER,
  reader: READER,
};
const FOUND: Found = {
  partitions: [
    [0, 3, 4].map((id, offset) => ({ offset, value: `drill/${id}` })),
    [1, 2, 5].map((id, offset) => ({ offset, value: `drill/${id}` })),
  ],
  transactionsOffset: -1,
};
const SPAN = { fromMs: 500, toMs: 5500 };

describe('a score', () => {
  const score = scoreOf(HISTORY, FOUND, SPAN);

  it('tells for how long each partition took nothing, and how long acknowledgements took when', () => {
    expect(score).toMatchObject({ acknowledged: 6, lost: 0, duplicated: 0, reordered: 0, otherwise: 0 });
    expect(score.unavailableMs).toEqual([4990, 4990]);
    expect(score.before).toEqual({ count: 2, p50Ms: 20, p99Ms: 20 });
    expect(score.during).toEqual({ count: 2, p50Ms: 4000, p99Ms: 4000 });
    expect(score.after).toEqual({ count: 2, p50Ms: 10, p99Ms: 10 });
  });

  it('counts what is lost', () => {
    const [first = [], second = []] = FOUND.partitions;
    const found = { ...FOUND, partitions: [first.slice(0, 2), second] };
    expect(scoreOf(HISTORY, found, SPAN)).toMatchObject({ lost: 1 });
  });

  it('counts from the first time that a record was sent', () => {
    const again: Entry[] = [
      { at: 100, type: 'invoke', do: 'send', id: 9, partition: 0 },
      ...sent(9, 0, [300, 450], 3),
    ];
    expect(acknowledgementsOf({ ...HISTORY, writer: again })).toEqual([
      { partition: 0, sentMs: 100, tookMs: 350 },
    ]);
  });
});

describe('a verdict', () => {
  const score: Score = { ...scoreOf(HISTORY, FOUND, SPAN), lost: 2, errors: { NOT_ENOUGH_REPLICAS: 3 } };
  const held = (...must: readonly Expectation[]): boolean[] =>
    judgedBy(must, score, new Set(['isr-shrunk'])).map((verdict) => verdict.held);

  it('compares what was expected with what was seen', () => {
    expect(held({ must: 'lost', most: 1 })).toEqual([false, true]);
    expect(held({ must: 'lost', most: Number.POSITIVE_INFINITY })).toEqual([true, true]);
    expect(held({ must: 'unavailable', mostMs: 4989 })).toEqual([false, true]);
    expect(held({ must: 'event', kind: 'isr-shrunk' }, { must: 'no event', kind: 'isr-shrunk' })).toEqual([
      true,
      false,
      true,
    ]);
    expect(held({ must: 'answered', error: 'NOT_ENOUGH_REPLICAS' })).toEqual([true, true]);
  });

  it('fails for a promise that was broken in a way nobody spoke of, unless that is expected', () => {
    const broken = { ...score, otherwise: 1 };
    expect(judgedBy([], broken, new Set()).map((verdict) => verdict.held)).toEqual([false]);
    const expected: Expectation = { must: 'otherwise', most: Number.POSITIVE_INFINITY };
    expect(judgedBy([expected], broken, new Set()).map((verdict) => verdict.held)).toEqual([true]);
  });

  it('says of a broken promise which it was', () => {
    const violations = [
      { kind: 'lost', topic: 't', what: 'one is lost', ids: [] },
      { kind: 'torn', topic: 't', what: 'half of it is there', ids: [] },
    ] as const;
    const words = judgedBy(
      [{ must: 'lost', most: 0 }],
      { ...score, otherwise: 1, violations },
      new Set(),
    ).map((verdict) => verdict.words);
    expect(words).toEqual([
      'lost: 2 (at most 0); one is lost',
      'promises broken in other ways: 1 (at most 0); half of it is there',
    ]);
  });
});

describe('a post-mortem', () => {
  const drill = {
    title: 'A <leader> goes',
    steadyState: 'calm',
    hypothesis: 'calm',
    lookAt: [],
    explanation: 'so',
  };
  const result = {
    drill: drill as unknown as Drill,
    system: 'Odradek',
    startedMs: 0,
    tookMs: 7000,
    parts: { leader: 2 },
    during: SPAN,
    score: scoreOf(HISTORY, FOUND, SPAN),
    verdicts: [{ held: true, words: 'lost: 0 (at most 0)' }],
    timeline: [{ atMs: 600, who: 'drill', what: 'kill -9 of broker 2 (leader)' }],
    acknowledgements: acknowledgementsOf(HISTORY),
  };

  it('tells verdict, score and what happened, in times since the first step', () => {
    const text = postMortem(result);
    expect(hasHeld(result)).toBe(true);
    expect(text).toContain('- held: lost: 0 (at most 0)');
    expect(text).toContain('| longest without an acknowledgement, by partition | 4.99 s, 4.99 s |');
    expect(text).toContain('   0.100  ** kill -9 of broker 2 (leader)');
  });

  it('is a page that stands alone, with every acknowledgement in it and nothing of a title that could be markup', () => {
    const page = postMortemPage(result);
    expect(page.match(/<circle/g)).toHaveLength(6);
    expect(page).not.toContain('<leader>');
    expect(page).not.toMatch(/src=|href=|url\(/);
  });
});

describe('a report of several drills', () => {
  it('leads to each post-mortem, and nowhere for a drill that has none, also where no drill has left one', () => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-test-'));
    try {
      const held = ['calm', 'held', '0', '0', '0', '0.10 s', '1 ms', '1 ms', '1 ms'];
      const file = writeSummary([held, brokenRow('storm')], ['broken: storm: <why>'], join(directory, 'out'));
      const page = readFileSync(file, 'utf8');
      expect(page.match(/href="[^"]*"/g)).toEqual(['href="calm/post-mortem.html"']);
      expect(page).toContain('broken: storm: &lt;why&gt;');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
