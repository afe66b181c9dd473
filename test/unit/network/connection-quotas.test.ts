/** Who may connect, and when: KIP-308, KIP-402 and KIP-612 by rule. */
import { describe, expect, it } from 'vitest';
import { ConnectionQuotas } from '../../../broker/network/connection-quotas.ts';

type Limits = ConstructorParameters<typeof ConnectionQuotas>[0];

const UNLIMITED: Limits = {
  maxConnections: 2 ** 31 - 1,
  maxConnectionsPerIp: 2 ** 31 - 1,
  perIpOverrides: new Map(),
  creationRatePerSecond: 2 ** 31 - 1,
};

const quotas = (limits: Partial<Limits>) => new ConnectionQuotas({ ...UNLIMITED, ...limits }, 1000);

describe('max.connections', () => {
  it('makes a newcomer wait until somebody leaves', () => {
    const room = quotas({ maxConnections: 2 });
    const tries = ['a', 'b', 'c'].map((host) => room.tryAdd(host, 1000));
    expect(tries).toEqual(['added', 'added', { waitMs: null }]);
    room.remove('a');
    expect(room.tryAdd('c', 1000)).toBe('added');
  });

  it('makes wait also whose address has had enough: who is turned away is counted first', () => {
    const room = quotas({ maxConnections: 1, maxConnectionsPerIp: 1 });
    room.tryAdd('a', 1000);
    expect(room.tryAdd('a', 1000)).toEqual({ waitMs: null });
  });
});

describe('max.connections.per.ip', () => {
  it('turns away the next from the same address, until one of its connections has gone', () => {
    const room = quotas({ maxConnectionsPerIp: 2 });
    expect(['a', 'a', 'a', 'b'].map((host) => room.tryAdd(host, 1000))).toEqual([
      'added',
      'added',
      'refused',
      'added',
    ]);
    room.remove('a');
    expect(['a', 'a'].map((host) => room.tryAdd(host, 1000))).toEqual(['added', 'refused']);
  });

  it('is another for addresses that have their own, also none at all', () => {
    const perIpOverrides = new Map([
      ['many', 3],
      ['none', 0],
    ]);
    const room = quotas({ maxConnectionsPerIp: 1, perIpOverrides });
    const tries = ['many', 'many', 'many', 'many', 'none', 'a', 'a'].map((host) => room.tryAdd(host, 1000));
    expect(tries).toEqual(['added', 'added', 'added', 'refused', 'refused', 'added', 'refused']);
  });

  it('that is changed holds for the next connection, and ends none', () => {
    const room = quotas({ maxConnectionsPerIp: 3 });
    for (const host of ['a', 'a']) room.tryAdd(host, 1000);
    room.limits = { ...UNLIMITED, maxConnectionsPerIp: 1 };
    room.remove('a');
    expect(room.tryAdd('a', 1000)).toBe('refused');
    room.remove('a');
    expect(room.tryAdd('a', 1000)).toBe('added');
  });
});

describe('max.connection.creation.rate', () => {
  it('lets a second’s worth in at once, and then one after the other', () => {
    const room = quotas({ creationRatePerSecond: 4 });
    const tries = ['a', 'b', 'c', 'd', 'e'].map((host) => room.tryAdd(host, 1000));
    expect(tries).toEqual(['added', 'added', 'added', 'added', { waitMs: 250 }]);
    expect(room.tryAdd('e', 1125)).toEqual({ waitMs: 125 });
    expect(room.tryAdd('e', 1250)).toBe('added');
    expect(room.tryAdd('f', 1250)).toEqual({ waitMs: 250 });
  });

  it('saves up a second’s worth and no more', () => {
    const room = quotas({ creationRatePerSecond: 2 });
    const tries = ['a', 'b', 'c'].map((host) => room.tryAdd(host, 3_600_000));
    expect(tries).toEqual(['added', 'added', { waitMs: 500 }]);
  });

  it('takes nothing from it for those who are turned away', () => {
    const room = quotas({ creationRatePerSecond: 2, maxConnectionsPerIp: 1 });
    expect(
      ['a', 'a', 'a', 'a', 'b'].map((host) => room.tryAdd(host, 1000)).filter((one) => one === 'added'),
    ).toHaveLength(2);
  });

  it('of nothing lets one in each second, as nobody else could set it higher', () => {
    const room = quotas({ creationRatePerSecond: 1 });
    room.limits = { ...UNLIMITED, creationRatePerSecond: 0 };
    expect(room.tryAdd('a', 1000)).toBe('added');
    expect(room.tryAdd('b', 1000)).toEqual({ waitMs: 1000 });
    expect(room.tryAdd('b', 2000)).toBe('added');
  });
});
