/** What a request is charged, by what is set in ZooKeeper. */
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { ClientQuotas } from '../../../broker/quotas/client-quotas.ts';
import { type QuotaType, quotaText } from '../../../broker/quotas/quota-keys.ts';
import { RequestCharges } from '../../../broker/quotas/request-charges.ts';
import { sanitize } from '../../../coordinator-client/znodes/config-znodes.ts';

const CONFIG = {
  quotaWindowNum: 11,
  quotaWindowSizeSeconds: 1,
  controllerQuotaWindowNum: 11,
  controllerQuotaWindowSizeSeconds: 1,
  clientQuotaMaxSensors: 100,
  metricsNumSamples: 2,
  metricsSampleWindowMs: 30_000,
};

function quotasOf(type: 'users' | 'clients', name: string, config: Record<string, string>): ClientQuotas {
  const quotas = new ClientQuotas(CONFIG);
  quotas.configured({ type, name }, new Map(Object.entries(config)));
  return quotas;
}

/** A request of ANONYMOUS and client app, on a clock that the test moves. */
function request(quotas: ClientQuotas, sizeBytes = 0) {
  const clock = { nowMs: 1_000_000 };
  const nowMs = () => clock.nowMs;
  const sensors = quotas.sensorsOf('ANONYMOUS', 'app');
  const { exempt } = quotas;
  const open = () =>
    new RequestCharges({ sensors, exempt, sizeBytes, nowMs, longestRequestThrottleMs: 1000 });
  return { clock, open, charges: open() };
}

async function rendered(quotas: ClientQuotas, nowMs: number): Promise<string[]> {
  const metrics = createMetrics();
  quotas.register(metrics, () => nowMs);
  return (await metrics.render()).split('\n').filter((line) => line.startsWith('kafka_server_'));
}

/** What is shown of clients. */
async function shownOfClients(quotas: ClientQuotas, nowMs: number): Promise<string[]> {
  return (await rendered(quotas, nowMs)).filter((line) => line.includes('client_id='));
}

describe('what is set', () => {
  it('holds whom it names, in what it names', () => {
    const quotas = quotasOf('users', 'alice/clients/app', { producer_byte_rate: '100' });
    const isLimited = (user: string, type: QuotaType) => quotas.sensorsOf(user, 'app').of(type, 0).isLimited;
    expect(quotas.sensorsOf('alice', 'app').of('produce', 0).limit).toBe(100);
    expect(isLimited('alice', 'produce')).toBe(true);
    expect(isLimited('alice', 'fetch')).toBe(false);
    expect(isLimited('bob', 'produce')).toBe(false);
    quotas.configured({ type: 'users', name: 'alice/clients/app' }, new Map());
    expect(isLimited('alice', 'produce')).toBe(false);
  });

  it('has all clients measured from then on, whatever was set and for whom', () => {
    expect(new ClientQuotas(CONFIG).isEnabled).toBe(false);
    const quotas = quotasOf('clients', 'app', { producer_byte_rate: '100' });
    expect(quotas.isEnabled).toBe(true);
    quotas.configured({ type: 'clients', name: 'app' }, new Map());
    expect(quotas.isEnabled).toBe(true);
    expect(quotasOf('users', 'alice', { 'SCRAM-SHA-256': 'salt=1' }).isEnabled).toBe(true);
    const ofAddresses = new ClientQuotas(CONFIG);
    ofAddresses.configured({ type: 'ips', name: '10.0.0.1' }, new Map([['connection_creation_rate', '1']]));
    expect(ofAddresses.isEnabled).toBe(false);
  });

  it('is not mistaken in a value that is no number', () => {
    const quotas = quotasOf('clients', 'app', { producer_byte_rate: 'x', 'SCRAM-SHA-256': 'salt=1' });
    expect(quotas.sensorsOf('alice', 'app').of('produce', 0).isLimited).toBe(false);
  });
});

describe('a request', () => {
  it('is throttled for the bytes it produced', () => {
    const { charges } = request(quotasOf('clients', 'app', { producer_byte_rate: '1000' }), 15_000);
    charges.produced();
    expect(charges.finish('answered')).toBe(5000);
  });

  it('counts among those whose client is throttled, until that is over', async () => {
    const quotas = quotasOf('clients', 'app', { producer_byte_rate: '1000' });
    const { charges, clock } = request(quotas, 15_000);
    const metrics = createMetrics();
    quotas.register(metrics, () => clock.nowMs);
    charges.produced();
    charges.finish('answered');
    expect(await metrics.render()).toMatch(/kafka_server_produce_queue_size 1/);
    expect(await metrics.render()).toMatch(/kafka_server_fetch_queue_size 0/);
    clock.nowMs += 5000;
    expect(await metrics.render()).toMatch(/kafka_server_produce_queue_size 0/);
  });

  it('is not given records beyond the quota, and not charged for them', () => {
    const { charges, open } = request(quotasOf('clients', 'app', { consumer_byte_rate: '1000' }));
    expect(charges.maxFetchBytes()).toBe(10_000);
    expect(charges.fetched(20_000)).toBe(false);
    expect(charges.finish('answered')).toBe(10_000);
    const next = open();
    expect(next.fetched(10_000)).toBe(true);
    expect(next.finish('answered')).toBe(0);
  });

  it('is throttled for the time it took, at most for one sample', () => {
    const { charges, clock } = request(quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' }));
    clock.nowMs += 105;
    expect(charges.finish('answered')).toBe(500);
    const { charges: longer, clock: later } = request(
      quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' }),
    );
    later.nowMs += 50_000;
    expect(longer.finish('answered')).toBe(1000);
  });

  it('is not charged for the time that it waits', () => {
    const { charges, clock } = request(quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' }));
    clock.nowMs += 1;
    charges.pause();
    clock.nowMs += 10_000;
    charges.resume();
    clock.nowMs += 1;
    expect(charges.finish('answered')).toBe(0);
  });

  it.each([
    ['the cluster’s own', 'answered'],
    ['without an answer', 'nothing'],
  ] as const)('%s has its time counted apart, and is not charged for it', async (which, end) => {
    const quotas = quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' });
    const { charges, clock } = request(quotas);
    const shown = async () =>
      (await rendered(quotas, clock.nowMs)).filter((line) => !/queue_size/.test(line));
    expect(await shown()).toEqual(['kafka_server_request_exempt_request_time 0']);
    if (which === 'the cluster’s own') charges.exempt();
    clock.nowMs += 300;
    expect(charges.finish(end)).toBe(0);
    // 300 ms of a window that counts for 30 s at least.
    expect(await shown()).toEqual(['kafka_server_request_exempt_request_time 1']);
  });

  it('that ends with its connection is charged for nothing but its bytes', async () => {
    const quotas = quotasOf('users', 'ANONYMOUS', { request_percentage: '1.0' });
    const { charges, clock } = request(quotas, 1000);
    clock.nowMs += 300;
    charges.produced();
    expect(charges.finish('close')).toBe(0);
    expect(await shownOfClients(quotas, clock.nowMs)).toEqual([
      'kafka_server_produce_byte_rate{user="ANONYMOUS",client_id=""} 100',
      'kafka_server_produce_throttle_time{user="ANONYMOUS",client_id=""} Nan',
    ]);
  });

  it('of a client without a limit is measured, in what it uses and under its own name', async () => {
    const quotas = quotasOf('clients', 'other', { producer_byte_rate: '1' });
    const clock = { nowMs: 1_000_000 };
    const charges = new RequestCharges({
      sensors: quotas.sensorsOf('ANONYMOUS', sanitize('an app')),
      exempt: quotas.exempt,
      sizeBytes: 0,
      nowMs: () => clock.nowMs,
      longestRequestThrottleMs: 1000,
    });
    expect(charges.maxFetchBytes()).toBe(2 ** 31 - 1);
    expect(charges.fetched(1e9)).toBe(true);
    expect(charges.finish('answered')).toBe(0);
    expect(await shownOfClients(quotas, clock.nowMs)).toEqual([
      'kafka_server_fetch_byte_rate{user="",client_id="an app"} 100000000',
      'kafka_server_fetch_throttle_time{user="",client_id="an app"} Nan',
      'kafka_server_request_request_time{user="",client_id="an app"} 0',
      'kafka_server_request_throttle_time{user="",client_id="an app"} Nan',
    ]);
  });

  it('is shown in what no quota is about as metrics.num.samples and metrics.sample.window.ms say', async () => {
    const quotas = new ClientQuotas({ ...CONFIG, metricsNumSamples: 4, metricsSampleWindowMs: 1000 });
    quotas.configured({ type: 'clients', name: 'app' }, new Map([['producer_byte_rate', '1000']]));
    const { open, clock } = request(quotas, 15_000);
    const exempt = open();
    exempt.exempt();
    clock.nowMs += 300;
    exempt.finish('answered');
    const throttled = open();
    throttled.produced();
    throttled.finish('answered');
    const shown = async () =>
      (await rendered(quotas, clock.nowMs)).filter((line) => /exempt|produce_throttle/.test(line));
    // 30 per cent of a second, in three whole samples.
    expect(await shown()).toEqual([
      'kafka_server_request_exempt_request_time 10',
      'kafka_server_produce_throttle_time{user="",client_id="app"} 5000',
    ]);
    clock.nowMs += 3999;
    expect((await shown())[1]).toMatch(/ 5000$/);
    clock.nowMs += 1;
    expect(await shown()).toEqual([
      'kafka_server_request_exempt_request_time 0',
      'kafka_server_produce_throttle_time{user="",client_id="app"} Nan',
    ]);
  });

  it('is throttled once, however often it is said to be over', async () => {
    const quotas = quotasOf('clients', 'app', { producer_byte_rate: '1000' });
    const { charges, clock } = request(quotas, 15_000);
    charges.produced();
    expect(charges.finish('answered')).toBe(5000);
    expect(charges.finish('answered')).toBe(5000);
    const metrics = createMetrics();
    quotas.register(metrics, () => clock.nowMs);
    expect(await metrics.render()).toMatch(/kafka_server_produce_queue_size 1/);
  });

  it('may change topics once beyond its tokens, and is refused from then on', () => {
    const { charges, open, clock } = request(quotasOf('clients', 'app', { controller_mutation_rate: '1.0' }));
    expect(charges.mutations(true).take(21)).toBe(true);
    expect(charges.finish('answered')).toBe(0);
    const next = open();
    expect(next.mutations(true).take(1)).toBe(false);
    expect(next.finish('answered')).toBe(10_000);
    clock.nowMs += 10_000;
    const later = open();
    expect(later.mutations(true).take(1)).toBe(true);
    expect(later.finish('answered')).toBe(0);
  });

  it('shows the rate of its changes over the window of metrics, and its tokens over that of the controller', async () => {
    const quotas = quotasOf('clients', 'app', { controller_mutation_rate: '1' });
    const { clock, charges } = request(quotas);
    charges.mutations(true).take(6);
    const shown = async (name: string): Promise<number> => {
      const lines = await shownOfClients(quotas, clock.nowMs);
      const line = lines.find((each) => each.startsWith(`kafka_server_controllermutation_${name}{`));
      return Number(line?.split(' ').at(-1));
    };
    expect([await shown('mutation_rate'), await shown('tokens')]).toEqual([6 / 30, 5]);
    clock.nowMs += 15_000;
    expect([await shown('mutation_rate'), await shown('tokens')]).toEqual([6 / 45, 11]);
    clock.nowMs += 45_000;
    expect(await shown('mutation_rate')).toBe(0);
  });

  it('of an old version changes topics all the same, and is throttled', () => {
    const { charges, clock } = request(quotasOf('clients', 'app', { controller_mutation_rate: '1.0' }));
    expect(charges.mutations(false).take(21)).toBe(true);
    clock.nowMs += 4000;
    expect(charges.finish('answered')).toBe(6000);
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
