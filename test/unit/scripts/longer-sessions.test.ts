/** The times of a drill where sessions take longer than those that it was written for. */
import { expect, it } from 'vitest';
import { knownDrill } from '../../../scripts/drills/catalogue.ts';
import type { Drill } from '../../../scripts/drills/drill.ts';
import { forSessionsOf } from '../../../scripts/drills/longer-sessions.ts';

const drill = knownDrill('controller-killed') as Drill;

it('are longer by as much as the session is, for all that must come and all that may be unavailable', () => {
  const longer = forSessionsOf(drill, 18_000);
  const waits = ({ steps }: Drill): number[] =>
    steps.flatMap((step) => (step.do === 'wait for' ? [step.withinMs] : []));
  expect(waits(longer)).toEqual(waits(drill).map((ms) => ms + 15_000));
  expect(longer.must).toContainEqual({ must: 'unavailable', mostMs: 27_000 });
  expect(longer.must).toContainEqual({ must: 'lost', most: 0 });
  expect(longer.takesMs).toBe(drill.takesMs + 15_000);
});

it('are as they were written where sessions are shorter', () => {
  expect(forSessionsOf(drill, 500)).toEqual(drill);
});
