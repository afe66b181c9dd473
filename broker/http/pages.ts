/** Which page of the peer endpoint answers what: the one list of them. */
import type { HttpAnswer, HttpHeaders } from '../platform/channels.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { EventsPage } from './events-page.ts';
import { type Health, healthPage, metricsPage } from './status-pages.ts';

interface PagesParts {
  readonly metrics: Metrics;
  readonly health: () => Health;
  readonly events: EventsPage;
}

/** Answers a request by its path. */
export function pagesOf({
  metrics,
  health,
  events,
}: PagesParts): (path: string, headers: HttpHeaders) => Promise<HttpAnswer> {
  return async (path, headers) => {
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
