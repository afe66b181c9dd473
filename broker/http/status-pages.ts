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

/** The metrics of this process, for Prometheus. */
export async function metricsPage(metrics: Metrics): Promise<HttpAnswer> {
  return {
    status: 200,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    body: await metrics.render(),
  };
}

/**
 * 200 while clients are served, told of a cluster that is known, and ZooKeeper hears us, and 503 before,
 * after and otherwise.
 */
export function healthPage(now: Health): HttpAnswer {
  const healthy = now.state === 'running' && now.session === 'connected' && now.knowsCluster;
  return {
    status: healthy ? 200 : 503,
    contentType: 'application/json',
    body: `${JSON.stringify({ healthy, ...now })}\n`,
  };
}
