/** What clients are refused, as events: how much is told of it, and how often. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, knownError } from '../../../broker/errors.ts';
import { ClientErrors } from '../../../broker/handlers/shared/client-errors.ts';
import { isAbout } from '../../../broker/platform/event-partitions.ts';
import { World } from '../../support/world.ts';

function setUp() {
  const world = new World();
  const { journal } = world.platform();
  const { clock } = world;
  const errors = new ClientErrors(journal, clock);
  const count = (partition: number, error: ErrorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER) =>
    errors.count({ api: 'Produce', topic: 't', partition, error });
  return { world: clock, journal, count };
}

describe('what clients are refused', () => {
  it('is summed up a second after the first, with the first of the partitions', async () => {
    const { world, journal, count } = setUp();
    for (let partition = 0; partition < 9; partition++) count(partition);
    count(0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(journal.since(0)).toEqual([]);
    await world.runFor(1000);
    const [only] = journal.since(0);
    expect(only?.event).toEqual({
      kind: 'client-errors',
      periodMs: 1000,
      errors: [
        { api: 'Produce', error: 6, count: 9, partitions: ['t-0', 't-1', 't-2', 't-3', 't-4'] },
        { api: 'Produce', error: 3, count: 1, partitions: ['t-0'] },
      ],
    });
    if (only === undefined) throw new Error('no event');
    expect([0, 8].map((partition) => isAbout(only.event, { topic: 't', partition }))).toEqual([true, false]);
  });

  it('is told less and less often while it goes on, and soon again after a pause', async () => {
    const { world, journal, count } = setUp();
    const told: number[] = [];
    journal.onEvent(() => told.push(Math.round(world.nowMs() / 1000)));
    for (let second = 0; second < 300; second++) {
      count(0);
      await world.runFor(1000);
    }
    const startMs = told[0] ?? 0;
    expect(told.map((at) => at - startMs)).toEqual([0, 2, 6, 14, 30, 62, 122, 182, 242]);
    await world.runFor(120_000);
    const before = told.length;
    count(0);
    await world.runFor(1000);
    expect(told.length).toBe(before + 1);
  });

  it('costs no more than its bounds, whatever names and errors come', async () => {
    const { world, journal, count } = setUp();
    for (let error = 0; error < 1000; error++) count(error, knownError(error % 130));
    await world.runFor(1000);
    expect(JSON.stringify(journal.since(0)).length).toBeLessThan(10_000);
  });
});
