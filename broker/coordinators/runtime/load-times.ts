/**
 * How long a coordinator took to read its partitions: the longest and the mean of the loads that ended
 * lately, as Kafka's metrics show them; NaN when there were none.
 * Source: partition-load-time-max and -avg of GroupCoordinatorMetrics and TransactionStateManager.
 */
import type { Clock } from '../../platform/clock.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { SampledValues, type SampleWindow } from '../../quotas/sampled-rate.ts';

export class LoadTimes {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #times: SampledValues;

  constructor(
    { clock, metrics }: { readonly clock: Pick<Clock, 'nowMs'>; readonly metrics: Metrics },
    prefix: string,
    window: SampleWindow,
  ) {
    this.#clock = clock;
    this.#times = new SampledValues(window);
    metrics.gauge(`${prefix}_partition_load_time_max`, 'Longest load of late, ms', () =>
      this.#times.largest(clock.nowMs()),
    );
    metrics.gauge(`${prefix}_partition_load_time_avg`, 'Mean load time of late, ms', () =>
      this.#times.average(clock.nowMs()),
    );
  }

  add(tookMs: number): void {
    this.#times.record(tookMs, this.#clock.nowMs());
  }
}
