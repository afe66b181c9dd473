/** What the peer endpoint answers to plain HTTP: /metrics for Prometheus, /healthz for whoever restarts us. */
import type { HttpAnswer } from '../platform/channels.ts';
import type { Metrics } from '../platform/metrics.ts';

export interface Health {
  readonly state: 'starting' | 'running' | 'stopping';
  readonly brokerId: number;
  /** -1 before the broker registers. */
  readonly brokerEpoch: number;
  /** Towards ZooKeeper. */
  readonly session: string;
  /** A controller has told this broker of the whole cluster: until then it tells clients of no topics. */
  readonly knowsCluster: boolean;
  readonly controllerId: number;
  readonly isController: boolean;
}

/**
 * /healthz is 200 while clients are served, told of a cluster that is known, and ZooKeeper hears us, and 503
 * before, after and otherwise.
 */
export async function statusPage(
  path: string,
  metrics: Metrics,
  health: () => Health,
): Promise<HttpAnswer & { readonly body: string }> {
  const page = path.split('?')[0];
  if (page === '/metrics') {
    return {
      status: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: await metrics.render(),
    };
  }
  if (page === '/healthz') {
    const now = health();
    const healthy = now.state === 'running' && now.session === 'connected' && now.knowsCluster;
    return {
      status: healthy ? 200 : 503,
      contentType: 'application/json',
      body: `${JSON.stringify({ healthy, ...now })}\n`,
    };
  }
  return { status: 404, contentType: 'text/plain', body: 'There are /metrics and /healthz here.\n' };
}
