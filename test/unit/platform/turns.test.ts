/** Work in turns, and what one turn of the event loop may do. */
import { expect, it } from 'vitest';
import { inTurns, TurnBudget } from '../../../broker/platform/turns.ts';
import { World } from '../../support/world.ts';

it('a turn has a budget, which the next one has again', async () => {
  const { clock } = new World();
  const turn = new TurnBudget(clock, 100);
  turn.spend(60);
  expect(turn.left).toBe(40);
  turn.spend(70);
  expect(turn.left).toBe(0);
  await clock.runFor(1);
  expect(turn.left).toBe(100);
  turn.spend(0);
  turn.spend(100);
  expect(turn.left).toBe(0);
  await clock.runFor(1);
  expect(turn.left).toBe(100);
});

it('results of work in turns come in the order of the items, and others get their turn in between', async () => {
  const { clock } = World.flowing();
  const items = Array.from({ length: 2500 }, (_, at) => at);
  let seenAt = -1;
  let done = 0;
  clock.after(0, () => {
    seenAt = done;
  });
  const results = await inTurns(clock, items, (item) => {
    done += 1;
    return item * 2;
  });
  expect(results).toEqual(items.map((item) => item * 2));
  expect(seenAt).toBe(1000);
});
