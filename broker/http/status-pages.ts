/** What the peer endpoint answers to plain HTTP: /metrics for Prometheus, /healthz for whoever restarts us. */
import type { HttpAnswer } from '../platform/channels.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Turns } from '../platform/turns.ts';

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

/** The metrics of this process, for Prometheus: each piece is made in a turn of the event loop of its own. */
export function metricsPage(metrics: Metrics, turns: Turns): HttpAnswer {
  const pieces = metrics.pieces();
  return {
    status: 200,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    body: {
      async next() {
        await turns.own();
        return (await pieces.next()).value ?? null;
      },
      close: () => void pieces.return(),
    },
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
