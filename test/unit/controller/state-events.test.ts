/** What a controller has written, as events: one for each partition, or one for many. */
import { describe, expect, it } from 'vitest';
import { recordStates, type StateWritten } from '../../../broker/controller/state-events.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { isAbout } from '../../../broker/platform/event-partitions.ts';
import { createJournal, type Journal } from '../../../broker/platform/journal.ts';
import { World } from '../../support/world.ts';
import { clusterOf } from './views.ts';

const BROKERS = [1, 2, 3];

/** Broker 1 is lost: what it led goes to the next, and every ISR is without it. */
function lossOfOne(partitions: number): StateWritten[] {
  const sketches = Array.from({ length: partitions }, (_, index) => {
    const first = index % BROKERS.length;
    const replicas = [...BROKERS.slice(first), ...BROKERS.slice(0, first)];
    return { replicas, leader: replicas[0] ?? 0 };
  });
  return [...clusterOf([2, 3], ...sketches).partitions()].map((partition) => {
    const before = partition.leadership;
    if (before === null) throw new Error('no state');
    const isr = before.isr.filter((id) => id !== 1);
    const leader = isr[0] ?? -1;
    const now = { ...before, leader, isr, leaderEpoch: 6, partitionEpoch: 10, controllerEpoch: 7 };
    return { partition, unclean: false, before, now };
  });
}

function recorded(written: readonly StateWritten[]) {
  const journal: Journal = createJournal(new World().clock, silent);
  const told = recordStates(journal, 'broker-lost', written);
  return { events: journal.since(0), told };
}

describe('what was written of a few partitions', () => {
  it('is an event each, the first of which tells of the partition', () => {
    const { events, told } = recorded(lossOfOne(3));
    expect(events.map(({ id, event }) => `${id} ${event.kind}`)).toEqual([
      '1 leader-moved',
      '2 isr-shrunk',
      '3 isr-shrunk',
      '4 isr-shrunk',
    ]);
    expect([...told]).toEqual([
      ['t-0', 1],
      ['t-1', 3],
      ['t-2', 4],
    ]);
  });
});

describe('what was written of many partitions together', () => {
  it('is one event, which says what is the same of them once', () => {
    const { events, told } = recorded(lossOfOne(60));
    expect(events.map(({ event }) => event)).toEqual([
      {
        kind: 'partitions-moved',
        reason: 'broker-lost',
        controllerEpoch: 7,
        partitions: 60,
        leadersMoved: 20,
        leaderless: 0,
        isrsShrunk: 60,
        isrsExpanded: 0,
        unclean: 0,
        uncleanPartitions: [],
        details: [
          { from: 1, to: 2, isrFrom: [1, 2, 3], isr: [2, 3], topics: [['t', numbers(0)]] },
          { from: 2, to: 2, isrFrom: [2, 3, 1], isr: [2, 3], topics: [['t', numbers(1)]] },
          { from: 3, to: 3, isrFrom: [3, 1, 2], isr: [3, 2], topics: [['t', numbers(2)]] },
        ].map((detail) => ({ ...detail, leaderEpoch: 6, partitionEpoch: 10, unclean: false })),
        detailsLeftOut: 0,
      },
    ]);
    expect(new Set(told.values())).toEqual(new Set([1]));
    expect(told.size).toBe(60);
    const [only] = events;
    const about = (partition: number) => only !== undefined && isAbout(only.event, { topic: 't', partition });
    expect([about(0), about(59), about(60)]).toEqual([true, true, false]);
  });

  it('takes less than 100 kB of ten thousand partitions', () => {
    const { events } = recorded(lossOfOne(10_000));
    expect(events).toHaveLength(1);
    expect(JSON.stringify(events).length).toBeLessThan(100_000);
  });

  it('names those that were led uncleanly, the first of them, and leaves out details beyond their limit', () => {
    const written = lossOfOne(20_000).map((one, index) => ({
      ...one,
      unclean: index < 30,
      // No two are alike.
      now: { ...one.now, partitionEpoch: index },
    }));
    const [only] = recorded(written).events;
    if (only?.event.kind !== 'partitions-moved') throw new Error('not summed up');
    expect([only.event.unclean, only.event.uncleanPartitions.slice(0, 2)]).toEqual([30, ['t-0', 't-1']]);
    expect(only.event.details.length + only.event.detailsLeftOut).toBe(20_000);
    expect(only.event.detailsLeftOut).toBeGreaterThan(10_000);
    expect(JSON.stringify(only).length).toBeLessThan(300_000);
  });
});

/** Every third number below 60. */
function numbers(first: number): string {
  return Array.from({ length: 20 }, (_, index) => first + 3 * index).join(',');
}
