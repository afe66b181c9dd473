/** What the peer endpoint answers to plain HTTP. */
import { describe, expect, it } from 'vitest';
import { EventsPage } from '../../../broker/http/events-page.ts';
import { type FaultsPage, pagesOf } from '../../../broker/http/pages.ts';
import type { Health } from '../../../broker/http/status-pages.ts';
import type { HttpRequest } from '../../../broker/platform/channels.ts';
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

const faults: FaultsPage = async ({ path }) =>
  path === '/faults' ? { status: 200, contentType: 'text/plain', body: 'faults' } : null;

function requestOf(path: string, method: string): HttpRequest {
  const body = () => Promise.resolve(Buffer.alloc(0));
  return { method, path, headers: {}, remoteAddress: '127.0.0.1', body };
}

async function page(path: string, health: Partial<Health> = {}, method = 'GET') {
  const pages = pagesOf({ metrics, events, health: () => ({ ...RUNNING, ...health }), faults });
  const { status, contentType, body } = await pages(requestOf(path, method));
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

describe('a page', () => {
  it('is only read, but for faults, which go by methods of their own', async () => {
    expect((await page('/healthz', {}, 'HEAD')).status).toBe(200);
    for (const method of ['POST', 'DELETE', 'PUT', 'OPTIONS']) {
      expect((await page('/healthz', {}, method)).status, method).toBe(405);
      expect((await page('/events', {}, method)).status, method).toBe(405);
      expect((await page('/faults', {}, method)).body, method).toBe('faults');
    }
  });
});
