/**
 * Quotas and metrics.
 * Source: the broker configs of Kafka 3.9, of the group Metric and Quota.
 */
import { boolean, className, int, list, long, text } from '../property.ts';
import { atLeast } from '../validators.ts';

export const QUOTA_CONFIGS = {
  'quota.window.num': int('11', 'read-only', 'Samples of a client quota.', atLeast(1)),
  'replication.quota.window.num': int('11', 'read-only', 'Samples of a replication quota.', atLeast(1)),
  'alter.log.dirs.replication.quota.window.num': int(
    '11',
    'read-only',
    'Samples of the quota for moves between log directories.',
    atLeast(1),
  ),
  'controller.quota.window.num': int(
    '11',
    'read-only',
    'Samples of the controller mutation quota.',
    atLeast(1),
  ),
  'quota.window.size.seconds': int('1', 'read-only', 'Length of a sample of a client quota.', atLeast(1)),
  'replication.quota.window.size.seconds': int(
    '1',
    'read-only',
    'Length of a sample of a replication quota.',
    atLeast(1),
  ),
  'alter.log.dirs.replication.quota.window.size.seconds': int(
    '1',
    'read-only',
    'Length of a sample of the quota for moves between log directories.',
    atLeast(1),
  ),
  'controller.quota.window.size.seconds': int(
    '1',
    'read-only',
    'Length of a sample of the controller mutation quota.',
    atLeast(1),
  ),
  'client.quota.callback.class': className(null, 'read-only', 'Class that decides client quotas.'),
  'metrics.num.samples': int('2', 'read-only', 'Samples of a metric.', atLeast(1)),
  'metrics.sample.window.ms': long('30000', 'read-only', 'Length of a sample of a metric.', atLeast(1)),
  'metric.reporters': list('', 'cluster-wide', 'Classes that report metrics.'),
  'auto.include.jmx.reporter': boolean(
    'true',
    'read-only',
    'Whether the JMX reporter is there although metric.reporters does not name it.',
  ),
  'kafka.metrics.reporters': list('', 'read-only', "Classes that report the metrics of Kafka's older kind."),
  'kafka.metrics.polling.interval.secs': int('10', 'read-only', 'How often those report.', atLeast(1)),
  'telemetry.max.bytes': int(
    '1048576',
    'read-only',
    'Largest push of metrics that a client may send.',
    atLeast(1),
  ),
  'metrics.recording.level': text('INFO', 'read-only', 'Highest level of metrics that are recorded.'),
};
