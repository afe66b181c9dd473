/**
 * What quotas show: use and throttle times by user and client id, under Kafka's names
 * (kafka.server:type=Produce,user=…,client-id=…). As there, the user is sanitised and the client id is not.
 * Source: ClientQuotaManager, ClientRequestQuotaManager, ControllerMutationQuotaManager.
 */
import { desanitize } from '../../coordinator-client/znodes/config-znodes.ts';
import type { GaugeReading, Metrics } from '../platform/metrics.ts';
import type { QuotaType } from './quota-keys.ts';
import type { QuotaSensor, QuotaSensors } from './quota-sensors.ts';
import type { SampledRate } from './sampled-rate.ts';

/** Name of the group, and of what is used. */
const NAMES: Record<QuotaType, readonly [group: string, used: string, help: string]> = {
  produce: ['produce', 'byte_rate', 'Bytes a second that were produced'],
  fetch: ['fetch', 'byte_rate', 'Bytes a second that were fetched'],
  request: ['request', 'request_time', 'Percent of the time that requests took'],
  controllerMutation: ['controllermutation', 'mutation_rate', 'Partitions a second that were changed'],
};

export function quotaGauges(
  metrics: Metrics,
  type: QuotaType,
  sensors: QuotaSensors,
  nowMs: () => number,
): void {
  const [group, used, help] = NAMES[type];
  const read = (value: (sensor: QuotaSensor, now: number) => number) => (): GaugeReading[] => {
    const now = nowMs();
    return [...sensors.all(now)].map((sensor) => ({
      labels: { user: sensor.tags.user, client_id: desanitize(sensor.tags.clientId) },
      value: value(sensor, now),
    }));
  };
  const prefix = `kafka_server_${group}_`;
  metrics.gauges(
    `${prefix}${used}`,
    `${help}, by user and client id`,
    read(({ rate }, now) => rate.rate(now)),
  );
  metrics.gauges(
    `${prefix}throttle_time`,
    'Mean of the milliseconds that the client was throttled for',
    read((sensor, now) => sensor.throttleTimeMs(now)),
  );
  metrics.gauge(`${prefix}queue_size`, 'Requests whose client is throttled for them now', () =>
    sensors.throttledNow.count(nowMs()),
  );
  if (type !== 'controllerMutation') return;
  metrics.gauges(
    `${prefix}tokens`,
    'Partitions that may be changed at once',
    read(({ bucket, limit }, now) => bucket.tokens(limit, now)),
  );
}

/** Shown from the start; it counts from the first quota on. */
export function exemptGauge(metrics: Metrics, exempt: SampledRate, nowMs: () => number): void {
  metrics.gauge(
    'kafka_server_request_exempt_request_time',
    'Percent of the time that requests took whose senders are not throttled for it',
    () => exempt.rate(nowMs()),
  );
}
