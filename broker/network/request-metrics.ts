/**
 * Kafka's RequestMetrics: how many requests of each API and version came in, how long they took from
 * their last byte to their answer, and which errors closed connections. Series appear with the first
 * request of their kind; after that a request costs one addition and one observation.
 */
import type { Counter, Distribution, Metrics } from '../platform/metrics.ts';
import type { AnyApi } from '../protocol/schema.ts';

const TIME_BUCKETS_MS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
];

/** The series of one API; `byVersion` has holes for versions that never came. */
interface OfApi {
  readonly byVersion: Counter[];
  readonly totalTimeMs: Distribution;
}

export class RequestMetrics {
  readonly #metrics: Metrics;
  readonly #byKey: OfApi[] = [];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  received(api: AnyApi, version: number): void {
    const { byVersion } = this.#of(api);
    let counter = byVersion[version];
    if (counter === undefined) {
      counter = this.#metrics.counter('kafka_network_requestmetrics_requests_total', 'Requests received', {
        request: api.name,
        version: String(version),
      });
      byVersion[version] = counter;
    }
    counter.add();
  }

  answered(api: AnyApi, tookMs: number): void {
    this.#of(api).totalTimeMs.observe(tookMs);
  }

  /** A handler threw. */
  failed(api: AnyApi): void {
    this.#metrics
      .counter('kafka_network_requestmetrics_errors_total', 'Requests that ended in UNKNOWN_SERVER_ERROR', {
        request: api.name,
      })
      .add();
  }

  #of(api: AnyApi): OfApi {
    let found = this.#byKey[api.key];
    if (found === undefined) {
      found = {
        byVersion: [],
        totalTimeMs: this.#metrics.distribution(
          'kafka_network_requestmetrics_totaltimems',
          'Milliseconds from the last byte of a request to its answer',
          TIME_BUCKETS_MS,
          { request: api.name },
        ),
      };
      this.#byKey[api.key] = found;
    }
    return found;
  }
}
