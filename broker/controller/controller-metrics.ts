/** Metrics of the controller under Kafka's names. Gauges are 0 on brokers that are not the controller. */
import type { Counter, Metrics } from '../platform/metrics.ts';
import { type ClusterView, countOfflinePartitions, countPreferredImbalance } from './cluster-state.ts';

interface ControllerReadings {
  /** null while this broker is not the controller. */
  readonly state: () => ClusterView | null;
  readonly queuedEvents: () => number;
  readonly queuedRequests: () => number;
}

interface ControllerCounters {
  readonly elections: Counter;
  readonly uncleanElections: Counter;
  /** Times this broker has been elected controller. */
  readonly terms: Counter;
}

/** Registers the gauges, which look when they are asked, and the counters. */
export function registerControllerMetrics(
  metrics: Metrics,
  readings: ControllerReadings,
): ControllerCounters {
  const gauge = (name: string, help: string, read: (view: ClusterView) => number): void =>
    metrics.gauge(`kafka_controller_kafkacontroller_${name}`, help, () => {
      const view = readings.state();
      return view === null ? 0 : read(view);
    });
  gauge('activecontrollercount', '1 on the active controller', () => 1);
  gauge('offlinepartitionscount', 'Partitions without a living leader', countOfflinePartitions);
  gauge(
    'preferredreplicaimbalancecount',
    'Partitions not led by their first replica',
    countPreferredImbalance,
  );
  gauge('activebrokercount', 'Registered brokers', ({ brokers }) => brokers.size);
  gauge('globaltopiccount', 'Topics in the cluster', ({ topics }) => topics.size);
  gauge('globalpartitioncount', 'Partitions in the cluster', countPartitions);
  gauge('topicstodeletecount', 'Topics being deleted', ({ topicsToDelete }) => topicsToDelete.size);
  gauge(
    'topicsineligibletodeletecount',
    'Topics whose deletion has to wait',
    ({ deletionIneligible }) => deletionIneligible.size,
  );
  metrics.gauge(
    'kafka_controller_controllereventmanager_eventqueuesize',
    'Events that wait in the controller',
    readings.queuedEvents,
  );
  metrics.gauge(
    'kafka_controller_controllerchannelmanager_totalqueuesize',
    'Requests that wait for brokers',
    readings.queuedRequests,
  );
  return {
    elections: metrics.counter(
      'kafka_controller_controllerstats_leaderelections_total',
      'Partition leaders that this broker has changed as the controller',
    ),
    uncleanElections: metrics.counter(
      'kafka_controller_controllerstats_uncleanleaderelections_total',
      'Leaders chosen out of sync',
    ),
    terms: metrics.counter(
      'kafka_controller_controllerstats_controllerelections_total',
      'Times this broker has been elected controller',
    ),
  };
}

function countPartitions({ topics }: ClusterView): number {
  let count = 0;
  for (const { partitions } of topics.values()) count += partitions.size;
  return count;
}
