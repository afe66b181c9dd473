/** What a broker as a whole shows of itself: its state, its session, and what it asks of ZooKeeper. */

import type { Health } from '../http/status-pages.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { BrokerView } from './broker-view.ts';

/** Kafka's BrokerState numbers. */
const STATES: Record<Health['state'], number> = { starting: 1, running: 3, stopping: 6 };

/** Registers gauges, which look when they are asked. */
export function registerBrokerMetrics(metrics: Metrics, broker: BrokerView): void {
  const { session } = broker;
  metrics.gauge('odradek_zookeeper_reads', 'Reads of znodes so far', () => session.counts.reads);
  metrics.gauge(
    'odradek_zookeeper_writes',
    'Changes of znodes committed so far',
    () => session.counts.writes,
  );
  metrics.gauge(
    'odradek_zookeeper_watch_fires',
    'Watches that have fired so far',
    () => session.counts.watchFires,
  );
  metrics.gauge(
    'kafka_server_sessionexpirelistener_zookeeperexpires',
    'ZooKeeper sessions that have expired so far',
    () => session.expirations,
  );
  metrics.gauge('kafka_server_sessionexpirelistener_sessionstate', '1 while connected to ZooKeeper', () =>
    session.state === 'connected' ? 1 : 0,
  );
  metrics.gauge(
    'kafka_server_kafkaserver_brokerstate',
    '1 starting, 3 running, 6 stopping',
    () => STATES[broker.state],
  );
}
