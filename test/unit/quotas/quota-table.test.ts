/** Which limit a client is held to, with whom it shares it, and what becomes of sensors. */
import { describe, expect, it } from 'vitest';
import { QuotaSensors } from '../../../broker/quotas/quota-sensors.ts';
import { ANY_OTHER, QuotaTable } from '../../../broker/quotas/quota-table.ts';

/** Kafka's order, the most specific first: user, client id, and who shares the limit. */
const ORDER: readonly (readonly [user: string, clientId: string, shared: string])[] = [
  ['alice', 'app', 'alice/app'],
  ['alice', ANY_OTHER, 'alice/app'],
  ['alice', '', 'alice/'],
  [ANY_OTHER, 'app', 'alice/app'],
  [ANY_OTHER, ANY_OTHER, 'alice/app'],
  [ANY_OTHER, '', 'alice/'],
  ['', 'app', '/app'],
  ['', ANY_OTHER, '/app'],
];

function limitOf(table: QuotaTable, user: string, clientId: string): [number | null, string] | null {
  const tags = table.tagsOf(user, clientId);
  return tags === null ? null : [table.limitOf(tags), `${tags.user}/${tags.clientId}`];
}

describe('precedence', () => {
  ORDER.forEach(([user, clientId, shared], rank) => {
    it(`of user ${user || 'none'} and client ${clientId || 'none'} is ${rank + 1} of ${ORDER.length}`, () => {
      const table = new QuotaTable();
      ORDER.slice(rank).forEach(([ofUser, ofClient], index) => {
        table.set({ user: ofUser, clientId: ofClient }, index + 1);
      });
      expect(limitOf(table, 'alice', 'app')).toEqual([1, shared]);
    });
  });

  it('leaves whom nothing is said of without a limit', () => {
    const table = new QuotaTable();
    table.set({ user: 'bob', clientId: '' }, 1);
    expect(limitOf(table, 'alice', 'app')).toBeNull();
    table.set({ user: 'bob', clientId: '' }, null);
    expect(table.isEmpty).toBe(true);
  });

  it('has no limit for a client without an id, unless its user has one', () => {
    const table = new QuotaTable();
    table.set({ user: '', clientId: ANY_OTHER }, 5);
    expect(limitOf(table, 'alice', '')).toEqual([null, '/']);
    table.set({ user: ANY_OTHER, clientId: '' }, 7);
    expect(limitOf(table, 'alice', '')).toEqual([7, 'alice/']);
  });
});

describe('sensors', () => {
  const window = { samples: 11, sampleMs: 1000 };
  const ofUser = (user: string) => ({ user, clientId: '' });

  it('are shared by all clients of a user that has a limit', () => {
    const sensors = new QuotaSensors(window, 10);
    sensors.setLimit(ofUser('alice'), 100);
    expect(sensors.of('alice', 'one', 0)).toBe(sensors.of('alice', 'other', 0));
    expect(sensors.of('bob', 'one', 0)).toBeNull();
  });

  it('keep what was used when the limit changes, and go with it', () => {
    const sensors = new QuotaSensors(window, 10);
    sensors.setLimit(ofUser('alice'), 100);
    const sensor = sensors.of('alice', 'app', 0);
    const before = sensors.revision;
    expect(sensor?.record(2000, 0)).toBe(10_000);
    sensors.setLimit(ofUser('alice'), 200);
    expect(sensor?.record(0, 0)).toBe(0);
    expect(sensors.revision).not.toBe(before);
    sensors.setLimit(ofUser('alice'), null);
    expect(sensors.of('alice', 'app', 0)).toBeNull();
    expect([...sensors.all()]).toEqual([]);
  });

  it('go after an hour without use', () => {
    const sensors = new QuotaSensors(window, 10);
    sensors.setLimit({ user: '', clientId: ANY_OTHER }, 100);
    sensors.of('', 'early', 0);
    sensors.of('', 'late', 3_000_000);
    const before = sensors.revision;
    sensors.of('', 'newcomer', 3_600_001);
    expect([...sensors.all()].map(({ tags }) => tags.clientId)).toEqual(['late', 'newcomer']);
    expect(sensors.revision).not.toBe(before);
  });

  it('are no more than the broker is willing to remember, whatever clients call themselves', () => {
    const sensors = new QuotaSensors(window, 20);
    sensors.setLimit({ user: '', clientId: ANY_OTHER }, 100);
    for (let number = 0; number < 1000; number++) sensors.of('', `client-${number}`, number);
    const left = [...sensors.all()].map(({ tags }) => tags.clientId);
    expect(left.length).toBeLessThanOrEqual(20);
    expect(left).toContain('client-999');
  });
});
