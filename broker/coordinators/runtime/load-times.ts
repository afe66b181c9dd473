/**
 * How long a coordinator took to read its partitions: the longest and the mean of the loads that ended
 * lately, as Kafka's metrics show them.
 * Source: partition-load-time-max and -avg of GroupCoordinatorMetrics and TransactionStateManager, with the
 * default window of Kafka's metrics, two samples of 30 seconds.
 */
import type { Clock } from '../../platform/clock.ts';
import type { Metrics } from '../../platform/metrics.ts';

const WINDOW_MS = 60_000;

export class LoadTimes {
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** Of the loads within the window, the oldest first. */
  readonly #loads: { readonly endedMs: number; readonly tookMs: number }[] = [];

  constructor(clock: Pick<Clock, 'nowMs'>, metrics: Metrics, prefix: string) {
    this.#clock = clock;
    metrics.gauge(`${prefix}_partition_load_time_max`, 'Longest load of the last minute, ms', () =>
      Math.max(...this.#recent()),
    );
    metrics.gauge(`${prefix}_partition_load_time_avg`, 'Mean load time of the last minute, ms', () => {
      const recent = this.#recent();
      return recent.reduce((sum, tookMs) => sum + tookMs, 0) / recent.length;
    });
  }

  add(tookMs: number): void {
    this.#recent();
    this.#loads.push({ endedMs: this.#clock.nowMs(), tookMs });
  }

  /** NaN stands for none, as in Kafka. */
  #recent(): readonly number[] {
    const since = this.#clock.nowMs() - WINDOW_MS;
    while ((this.#loads[0]?.endedMs ?? since) < since) this.#loads.shift();
    return this.#loads.length === 0 ? [Number.NaN] : this.#loads.map(({ tookMs }) => tookMs);
  }
}
