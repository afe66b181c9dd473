/** What the peer endpoint answers to plain HTTP. */
import { describe, expect, it } from 'vitest';
import { EventsPage } from '../../../broker/http/events-page.ts';
import { pagesOf } from '../../../broker/http/pages.ts';
import type { Health } from '../../../broker/http/status-pages.ts';
import { World } from '../../support/world.ts';

const RUNNING: Health = {
  state: 'running',
  brokerId: 1,
  brokerEpoch: 7,
  session: 'connected',
  controllerId: 1,
  isController: true,
  knowsCluster: true,
};

const { metrics, journal, clock } = new World().platform();
const events = new EventsPage({ journal, files: null, clock, maxReaders: 1 });

async function page(path: string, health: Partial<Health> = {}) {
  const pages = pagesOf({ metrics, events, health: () => ({ ...RUNNING, ...health }) });
  const { status, contentType, body } = await pages(path, {});
  return { status, contentType, body: String(body) };
}

describe('/healthz', () => {
  it('is 200 while clients are served and ZooKeeper hears us, and says who we are', async () => {
    const { status, contentType, body } = await page('/healthz');
    expect([status, contentType]).toEqual([200, 'application/json']);
    expect(JSON.parse(body)).toEqual({ healthy: true, ...RUNNING });
  });

  it.each([
    { state: 'starting' },
    { state: 'stopping' },
    { session: 'suspended' },
    { session: 'lost' },
    { knowsCluster: false },
    { session: 'closed' },
  ] as const)('is 503 otherwise: %j', async (health) => {
    const { status, body } = await page('/healthz', health);
    expect([status, JSON.parse(body)]).toEqual([503, { healthy: false, ...RUNNING, ...health }]);
  });
});

describe('/metrics', () => {
  it('is the text that Prometheus reads, whatever is asked behind the path', async () => {
    const { status, contentType, body } = await page('/metrics?name=x');
    expect([status, contentType]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(body).toBe(await metrics.render());
  });
});

describe('any other page', () => {
  it.each(['/', '/metrics/', '/healthz/x', ''])(
    'such as "%s" is 404, and says which there are',
    async (path) => {
      expect(await page(path)).toMatchObject({
        status: 404,
        body: 'There are /metrics, /healthz and /events here.\n',
      });
    },
  );
});
