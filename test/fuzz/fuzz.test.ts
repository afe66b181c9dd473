/** Some inputs of each kind; `./scripts/fuzz` feeds as many as one likes. */
import { expect, it } from 'vitest';
import { FUZZ_TARGETS } from './all-targets.ts';
import { fuzz, refusable } from './fuzz.ts';

/** For each thousandth that a target has of all. */
const INPUTS = 4;

it.each(FUZZ_TARGETS)('$name: $about', async (target) => {
  const range = { from: 1, inputs: Math.max(100, INPUTS * target.share), limitMs: null };
  const { findings, taken, refused } = await fuzz(target, range);
  expect(findings.map(({ seed, what }) => `${seed}: ${what}`)).toEqual([]);
  // What takes all or refuses all is not what is meant to be fed.
  expect([taken > 0, refused > 0]).toEqual([true, true]);
});

it('finds what is no refusal, what takes long, and the number that makes it again', async () => {
  const target = {
    name: 'three',
    about: 'fails for one input in three',
    share: 0,
    prepare: async () => (random: { int(limit: number): number }) =>
      refusable(RangeError, () => {
        if (random.int(3) === 0) throw new TypeError('no refusal');
        throw new RangeError('a refusal');
      }),
  };
  const all = await fuzz(target, { from: 1, inputs: 30, limitMs: null });
  expect(all.findings.length).toBeGreaterThan(1);
  expect(all.refused).toBe(30 - all.findings.length);
  for (const { seed } of all.findings) {
    const again = await fuzz(target, { from: seed, inputs: 1, limitMs: null });
    expect(again.findings).toMatchObject([
      { target: 'three', seed, what: expect.stringContaining('no refusal') },
    ]);
  }
  const slow = await fuzz(target, { from: 1, inputs: 3, limitMs: -1 });
  expect(slow.findings.filter(({ what }) => /^it took \d+ ms$/.test(what))).toHaveLength(3);
});
