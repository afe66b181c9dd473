/** What the peer endpoint answers to plain HTTP. */
import { describe, expect, it } from 'vitest';
import { EventsPage } from '../../../broker/http/events-page.ts';
import { type FaultsPage, pagesOf } from '../../../broker/http/pages.ts';
import { type Health, metricsPage } from '../../../broker/http/status-pages.ts';
import type { HttpRequest, HttpStream } from '../../../broker/platform/channels.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { Turns } from '../../../broker/platform/turns.ts';
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

const { metrics, journal, clock } = World.flowing().platform();
const turns = new Turns(clock);
const events = new EventsPage({ journal, files: null, clock, maxReaders: 1 });

const faults: FaultsPage = async ({ path }) =>
  path === '/faults' ? { status: 200, contentType: 'text/plain', body: 'faults' } : null;

function requestOf(path: string, method: string, remoteAddress = '127.0.0.1'): HttpRequest {
  const body = () => Promise.resolve(Buffer.alloc(0));
  return { method, path, headers: {}, remoteAddress, body };
}

async function page(path: string, health: Partial<Health> = {}, method = 'GET') {
  const parts = { metrics, turns, events, faults, remotePages: [] };
  const pages = pagesOf({ ...parts, health: () => ({ ...RUNNING, ...health }) });
  const { status, contentType, body } = await pages(requestOf(path, method));
  return { status, contentType, body: typeof body === 'string' ? body : await allOf(body) };
}

async function allOf(body: HttpStream): Promise<string> {
  let all = '';
  for (let piece = await body.next(); piece !== null; piece = await body.next()) all += piece;
  return all;
}

describe('another machine', () => {
  const statusFor = async (path: string, remoteAddress: string): Promise<number> => {
    const parts = { metrics, turns, events, faults, health: () => RUNNING };
    const pages = pagesOf({ ...parts, remotePages: ['metrics'] });
    const { status, body } = await pages(requestOf(path, 'GET', remoteAddress));
    if (typeof body === 'object' && 'close' in body) body.close();
    return status;
  };

  it('gets the pages of peer.http.pages, and is told of none that there are not', async () => {
    expect(await statusFor('/metrics', '10.0.0.1')).toBe(200);
    expect(await statusFor('/healthz', '10.0.0.1')).toBe(403);
    expect(await statusFor('/events?follow=true', '::ffff:10.0.0.1')).toBe(403);
    expect(await statusFor('/other', '10.0.0.1')).toBe(404);
  });

  it('is no machine of the broker’s own, which gets all', async () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(await statusFor('/healthz', address)).toBe(200);
    }
  });
});

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

  it('has a turn of the event loop for each piece of it', async () => {
    const large = createMetrics();
    for (let topic = 0; topic < 5000; topic++) large.counter('bytes', 'Bytes', { topic: `t${topic}` });
    const { body } = metricsPage(large, turns);
    if (typeof body === 'string') throw new Error('not in pieces');
    let turn = 0;
    const count = (): void => {
      turn++;
      if (turn < 1000) clock.soon(count);
    };
    count();
    const pieces: number[] = [];
    while ((await body.next()) !== null) pieces.push(turn);
    expect(pieces).toHaveLength(3);
    expect(new Set(pieces).size).toBe(3);
    body.close();
    expect(await body.next()).toBeNull();
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
