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

function limitOf(table: QuotaTable, user: string, clientId: string): [number | null, string] {
  const tags = table.tagsOf(user, clientId);
  return [table.limitOf(tags), `${tags.user}/${tags.clientId}`];
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

  it.each([
    ['users', 'alice/', [{ user: 'bob', clientId: '' }]],
    ['client ids', '/app', [{ user: '', clientId: 'other' }]],
    ['clients of users', 'alice/app', [{ user: 'bob', clientId: 'app' }]],
    [
      'users and client ids',
      '/app',
      [
        { user: 'bob', clientId: '' },
        { user: '', clientId: 'other' },
      ],
    ],
  ])('tells those without a limit apart as it would with one: limits of %s', (_, shared, others) => {
    const table = new QuotaTable();
    for (const tags of others) table.set(tags, 1);
    expect(limitOf(table, 'alice', 'app')).toEqual([null, shared]);
    for (const tags of others) table.set(tags, null);
    expect(limitOf(table, 'alice', 'app')).toEqual([null, shared]);
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
    const sensors = new QuotaSensors({ window, metricsWindow: window, maxSensors: 10 });
    sensors.setLimit(ofUser('alice'), 100);
    expect(sensors.of('alice', 'one', 0)).toBe(sensors.of('alice', 'other', 0));
    expect(sensors.of('bob', 'one', 0).isLimited).toBe(false);
  });

  it('keep what was used when the limit changes or goes', () => {
    const sensors = new QuotaSensors({ window, metricsWindow: window, maxSensors: 10 });
    sensors.setLimit(ofUser('alice'), 100);
    const sensor = sensors.of('alice', 'app', 0);
    const before = sensors.revision;
    expect(sensor.record(2000, 0)).toBe(10_000);
    sensors.setLimit(ofUser('alice'), 200);
    expect(sensor.record(0, 0)).toBe(0);
    expect(sensors.revision).not.toBe(before);
    sensors.setLimit(ofUser('alice'), null);
    expect(sensors.of('alice', 'app', 0)).toBe(sensor);
    expect(sensor.isLimited).toBe(false);
    expect(sensor.record(1e12, 0)).toBe(0);
  });

  it('go after an hour without use', () => {
    const sensors = new QuotaSensors({ window, metricsWindow: window, maxSensors: 10 });
    sensors.setLimit({ user: '', clientId: ANY_OTHER }, 100);
    sensors.of('', 'early', 0);
    sensors.of('', 'late', 3_000_000);
    const before = sensors.revision;
    sensors.of('', 'newcomer', 3_600_001);
    expect([...sensors.all(3_600_001)].map(({ tags }) => tags.clientId)).toEqual(['late', 'newcomer']);
    expect(sensors.revision).not.toBe(before);
    expect([...sensors.all(10_000_000)]).toEqual([]);
  });

  it('are no more than the broker is willing to remember, whatever clients call themselves', () => {
    const sensors = new QuotaSensors({ window, metricsWindow: window, maxSensors: 20 });
    sensors.setLimit({ user: '', clientId: ANY_OTHER }, 100);
    for (let number = 0; number < 1000; number++) sensors.of('', `client-${number}`, number);
    const left = [...sensors.all(1000)].map(({ tags }) => tags.clientId);
    expect(left.length).toBeLessThanOrEqual(20);
    expect(left).toContain('client-999');
  });

  it('of clients with a limit stay while there are others that can go', () => {
    const sensors = new QuotaSensors({ window, metricsWindow: window, maxSensors: 20 });
    sensors.setLimit({ user: '', clientId: 'limited' }, 100);
    const sensor = sensors.of('', 'limited', 0);
    sensor.record(2000, 0);
    for (let number = 0; number < 1000; number++) sensors.of('', `client-${number}`, number);
    expect(sensors.of('', 'limited', 1000)).toBe(sensor);
  });
});
