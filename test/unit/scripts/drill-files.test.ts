/** Drills from their files: those that come along, and what is wrong with others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../../scripts/drills/catalogue.ts';
import { parseDrill } from '../../../scripts/drills/drill-file.ts';

const GOOD = `title: The leader goes
takes: 1min
steady state: calm
hypothesis: calm again
steps:
  - kill: leader
  - wait for: { another leader: yes, within: 20s }
  - fault: { of: follower, is: link-delay, to: leader, delayMs: 100 }
  - wait: 500ms
must:
  - lost: 0
  - duplicated: any
  - unavailable: 12s
hint: wait
explanation: because
`;

function problemOf(text: string): string {
  try {
    parseDrill(text, 'mine', 'mine.yaml');
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a drill', () => {
  it('is what its file says', () => {
    expect(parseDrill(GOOD, 'mine', 'mine.yaml')).toMatchObject({
      name: 'mine',
      takesMs: 60_000,
      needsEnsemble: false,
      steps: [
        { do: 'kill', whom: 'leader' },
        { do: 'wait for', what: { what: 'another leader' }, withinMs: 20_000 },
        { do: 'fault', of: 'follower', fault: 'link-delay', given: { to: 'leader', delayMs: 100 } },
        { do: 'wait', forMs: 500 },
      ],
      must: [
        { must: 'lost', most: 0 },
        { must: 'duplicated', most: Number.POSITIVE_INFINITY },
        { must: 'unavailable', mostMs: 12_000 },
      ],
    });
  });

  it('may wait for all replicas, however many there are', () => {
    const text = GOOD.replace('another leader: yes', 'in sync: all');
    const waited = { do: 'wait for', what: { what: 'in sync', replicas: 'all' }, withinMs: 20_000 };
    expect(parseDrill(text, 'mine', 'mine.yaml').steps[1]).toEqual(waited);
  });

  it.each([
    ['kill: leader', 'kil: leader', "mine.yaml:6: 'kil' is not known here: is 'kill' meant?"],
    ['kill: leader', 'kill: boss', "mine.yaml:6: 'boss' is not known here: allowed in this are controller, "],
    ['kill: leader', 'kill leader', 'mine.yaml:6: a step is one key with its value'],
    ['another leader: yes, ', '', "mine.yaml:7: 'wait for' takes one of event, in sync, "],
    ['20s', '20 hours', "mine.yaml:7: 'within' is a time such as 500ms, 3s or 1min"],
    ['link-delay', 'link-dely', "mine.yaml:8: 'link-dely' is not known here: is 'link-delay' meant?"],
    ['lost: 0', 'lost: -1', "mine.yaml:11: 'lost' is a number from 0"],
    ['hint: wait\n', '', "mine.yaml: 'hint' is missing"],
    ['hint: wait', 'hnt: wait', "mine.yaml:14: 'hnt' is not known here: is 'hint' meant?"],
    ['title: ', 'title: [', 'mine.yaml:'],
    ['title: The', '- title: The', 'mine.yaml:'],
  ])('that has %j as %j is refused with the line, and what is allowed', (good, bad, problem) => {
    expect(problemOf(GOOD.replace(good, bad))).toContain(problem);
  });

  it('is refused when it is too large to be one', () => {
    expect(problemOf(GOOD + '#'.repeat(100_000))).toBe('mine.yaml: a drill has at most 65536 bytes');
    const many = '  - wait: 1s\n'.repeat(101);
    expect(problemOf(GOOD.replace('must:', `${many}must:`))).toBe('mine.yaml: a drill has at most 100 steps');
  });
});

describe('the drills that come along', () => {
  const drills = catalogue();

  it('can all be read, each with something that must hold', () => {
    expect(drills.length).toBeGreaterThan(20);
    for (const drill of drills) expect(drill.must.length, drill.name).toBeGreaterThan(0);
  });

  it('take no more than a minute each', () => {
    expect(drills.filter(({ takesMs }) => takesMs > 60_000)).toEqual([]);
  });

  it('stand in their map', () => {
    const map = readFileSync(
      join(import.meta.dirname, '../../../scripts/drills/catalogue/README.md'),
      'utf8',
    );
    for (const { name } of drills) expect(map).toContain(`\`${name}.yaml\``);
  });
});
