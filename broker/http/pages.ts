/** Which page of the peer endpoint answers what, and by which methods: the one list of them. */

import { isLoopback } from '../peers/loopback.ts';
import type { HttpAnswer, HttpRequest } from '../platform/channels.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Turns } from '../platform/turns.ts';
import type { EventsPage } from './events-page.ts';
import { type Health, healthPage, metricsPage } from './status-pages.ts';

interface PagesParts {
  readonly metrics: Metrics;
  readonly turns: Turns;
  readonly health: () => Health;
  readonly events: EventsPage;
  /** `peer.http.pages`: their names. The broker's own machine gets all. */
  readonly remotePages: readonly string[];
  /** Of a broker that takes faults on demand (fault-pages.ts). */
  readonly faults?: FaultsPage | undefined;
}

/** Takes a request that is for it, by whatever method; null for any other. */
export type FaultsPage = (request: HttpRequest) => Promise<HttpAnswer | null>;

const PAGES = ['metrics', 'healthz', 'events'];
const NOT_FROM_THERE = 'This is told to the machine of the broker only (peer.http.pages).\n';

/** Answers a request by its path. All but faults is only read. */
export function pagesOf({
  metrics,
  turns,
  health,
  events,
  remotePages,
  faults,
}: PagesParts): (request: HttpRequest) => Promise<HttpAnswer> {
  return async (request) => {
    const { method, path, headers, remoteAddress } = request;
    const fault = await faults?.(request);
    if (fault !== undefined && fault !== null) return fault;
    if (method !== 'GET' && method !== 'HEAD')
      return { status: 405, contentType: 'text/plain', body: 'only GET and HEAD are answered here\n' };
    const [page = '', search = ''] = path.split('?', 2);
    const name = page.slice(1);
    if (PAGES.includes(name) && !remotePages.includes(name) && !isLoopback(remoteAddress))
      return { status: 403, contentType: 'text/plain', body: NOT_FROM_THERE };
    if (page === '/metrics') return metricsPage(metrics, turns);
    if (page === '/healthz') return healthPage(health());
    if (page === '/events') return events.answer(search, headers);
    return {
      status: 404,
      contentType: 'text/plain',
      body: 'There are /metrics, /healthz and /events here.\n',
    };
  };
}
