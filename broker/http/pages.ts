/** Which page of the peer endpoint answers what, and by which methods: the one list of them. */
import type { HttpAnswer, HttpRequest } from '../platform/channels.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { EventsPage } from './events-page.ts';
import { type Health, healthPage, metricsPage } from './status-pages.ts';

interface PagesParts {
  readonly metrics: Metrics;
  readonly health: () => Health;
  readonly events: EventsPage;
  /** Of a broker that takes faults on demand (fault-pages.ts). */
  readonly faults?: FaultsPage | undefined;
}

/** Takes a request that is for it, by whatever method; null for any other. */
export type FaultsPage = (request: HttpRequest) => Promise<HttpAnswer | null>;

/** Answers a request by its path. All but faults is only read. */
export function pagesOf({
  metrics,
  health,
  events,
  faults,
}: PagesParts): (request: HttpRequest) => Promise<HttpAnswer> {
  return async (request) => {
    const { method, path, headers } = request;
    const fault = await faults?.(request);
    if (fault !== undefined && fault !== null) return fault;
    if (method !== 'GET' && method !== 'HEAD')
      return { status: 405, contentType: 'text/plain', body: 'only GET and HEAD are answered here\n' };
    const [page = '', search = ''] = path.split('?', 2);
    if (page === '/metrics') return metricsPage(metrics);
    if (page === '/healthz') return healthPage(health());
    if (page === '/events') return events.answer(search, headers);
    return {
      status: 404,
      contentType: 'text/plain',
      body: 'There are /metrics, /healthz and /events here.\n',
    };
  };
}
