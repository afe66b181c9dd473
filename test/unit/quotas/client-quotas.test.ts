/** What a request is charged, by what is set in ZooKeeper. */
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { ClientQuotas } from '../../../broker/quotas/client-quotas.ts';
import { quotaText } from '../../../broker/quotas/quota-keys.ts';
import { RequestCharges } from '../../../broker/quotas/request-charges.ts';

const CONFIG = {
  quotaWindowNum: 11,
  quotaWindowSizeSeconds: 1,
  controllerQuotaWindowNum: 11,
  controllerQuotaWindowSizeSeconds: 1,
  clientQuotaMaxSensors: 100,
};

function quotasOf(type: 'users' | 'clients', name: string, config: Record<string, string>): ClientQuotas {
  const quotas = new ClientQuotas(CONFIG);
  quotas.configured({ type, name }, new Map(Object.entries(config)));
  return quotas;
}

/** A request of ANONYMOUS and client app, on a clock that the test moves. */
function request(quotas: ClientQuotas, sizeBytes = 0) {
  const clock = { nowMs: 1_000_000 };
  const limits = quotas.limitsOf('ANONYMOUS', 'app', clock.nowMs);
  if (limits === null) throw new Error('no limits');
  const nowMs = () => clock.nowMs;
  const open = () => new RequestCharges({ limits, sizeBytes, nowMs, longestRequestThrottleMs: 1000 });
  return { clock, open, charges: open() };
}

describe('what is set', () => {
  it('holds whom it names, and costs nobody else anything', () => {
    const quotas = quotasOf('users', 'alice/clients/app', { producer_byte_rate: '100' });
    expect(quotas.isLimiting).toBe(true);
    expect(quotas.limitsOf('alice', 'app', 0)?.produce?.limit).toBe(100);
    expect(quotas.limitsOf('alice', 'app', 0)?.fetch).toBeNull();
    expect(quotas.limitsOf('bob', 'app', 0)).toBeNull();
    quotas.configured({ type: 'users', name: 'alice/clients/app' }, new Map());
    expect(quotas.isLimiting).toBe(false);
  });

  it('is not mistaken in a value that is no number', () => {
    const quotas = quotasOf('clients', 'app', { producer_byte_rate: 'x', 'SCRAM-SHA-256': 'salt=1' });
    expect(quotas.isLimiting).toBe(false);
  });
});

describe('a request', () => {
  it('is throttled for the bytes it produced', () => {
    const { charges } = request(quotasOf('clients', 'app', { producer_byte_rate: '1000' }), 15_000);
    charges.produced();
    expect(charges.finish(true)).toBe(5000);
  });

  it('counts among those whose client is throttled, until that is over', async () => {
    const quotas = quotasOf('clients', 'app', { producer_byte_rate: '1000' });
    const { charges, clock } = request(quotas, 15_000);
    const metrics = createMetrics();
    quotas.register(metrics, () => clock.nowMs);
    charges.produced();
    charges.finish(true);
    expect(await metrics.render()).toMatch(/kafka_server_produce_queue_size 1/);
    expect(await metrics.render()).toMatch(/kafka_server_fetch_queue_size 0/);
    clock.nowMs += 5000;
    expect(await metrics.render()).toMatch(/kafka_server_produce_queue_size 0/);
  });

  it('is not given records beyond the quota, and not charged for them', () => {
    const { charges, open } = request(quotasOf('clients', 'app', { consumer_byte_rate: '1000' }));
    expect(charges.maxFetchBytes()).toBe(10_000);
    expect(charges.fetched(20_000)).toBe(false);
    expect(charges.finish(true)).toBe(10_000);
    const next = open();
    expect(next.fetched(10_000)).toBe(true);
    expect(next.finish(true)).toBe(0);
  });

  it('is throttled for the time it took, at most for one sample', () => {
    const { charges, clock } = request(quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' }));
    clock.nowMs += 105;
    expect(charges.finish(true)).toBe(500);
    const { charges: longer, clock: later } = request(
      quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' }),
    );
    later.nowMs += 50_000;
    expect(longer.finish(true)).toBe(1000);
  });

  it('is not charged for the time that it waits', () => {
    const { charges, clock } = request(quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' }));
    clock.nowMs += 1;
    charges.pause();
    clock.nowMs += 10_000;
    charges.resume();
    clock.nowMs += 1;
    expect(charges.finish(true)).toBe(0);
  });

  it('without an answer is not charged for its time', () => {
    const { charges, clock } = request(quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' }));
    clock.nowMs += 10_000;
    expect(charges.finish(false)).toBe(0);
  });

  it('may change topics once beyond its tokens, and is refused from then on', () => {
    const { charges, open, clock } = request(quotasOf('clients', 'app', { controller_mutation_rate: '1.0' }));
    expect(charges.mutations(true)?.take(21)).toBe(true);
    expect(charges.finish(true)).toBe(0);
    const next = open();
    expect(next.mutations(true)?.take(1)).toBe(false);
    expect(next.finish(true)).toBe(10_000);
    clock.nowMs += 10_000;
    const later = open();
    expect(later.mutations(true)?.take(1)).toBe(true);
    expect(later.finish(true)).toBe(0);
  });

  it('of an old version changes topics all the same, and is throttled', () => {
    const { charges, clock } = request(quotasOf('clients', 'app', { controller_mutation_rate: '1.0' }));
    expect(charges.mutations(false)?.take(21)).toBe(true);
    clock.nowMs += 4000;
    expect(charges.finish(true)).toBe(6000);
  });
});

describe('values as Java writes them', () => {
  it.each([
    [10, '10.0'],
    [0.1, '0.1'],
    [12.5, '12.5'],
    [1e7, '1.0E7'],
    [123456789, '1.23456789E8'],
    [9999999, '9999999.0'],
    [0.001, '0.001'],
    [0.0001, '1.0E-4'],
    [-2, '-2.0'],
    [0, '0.0'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%d is %s', (value, text) => {
    expect(quotaText('DOUBLE', value)).toBe(text);
  });

  it('whole numbers have to be whole', () => {
    expect(quotaText('LONG', 1024)).toBe('1024');
    expect(quotaText('LONG', 1024.5)).toBeNull();
    expect(quotaText('INT', 2 ** 31)).toBeNull();
    expect(quotaText('LONG', 1e19)).toBeNull();
  });
});
