/**
 * Metrics under Kafka's names in Prometheus form (`kafka_server_replicamanager_underreplicatedpartitions`).
 * Counting must be cheap on the hot path: a counter is resolved once (`counter(name, help, labels)`)
 * and then incremented by a plain number. prom-client renders the text.
 */
import {
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
} from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number): void;
  readonly value: number;
}

export interface Distribution {
  observe(value: number): void;
}

export interface Metrics {
  /** The counter of these labels; the same object for the same arguments. */
  counter(name: string, help: string, labels?: Labels): Counter;
  /** A gauge read when the metrics are rendered. Registering again replaces the reader. */
  gauge(name: string, help: string, read: () => number, labels?: Labels): void;
  /** A histogram; `buckets` are upper bounds, those of the first call count. */
  distribution(name: string, help: string, buckets: readonly number[], labels?: Labels): Distribution;
  /** Removes the counters of all names that carry this label; what was handed out counts in vain. */
  forgetCounters(label: string, value: string): void;
  /** The Prometheus exposition text. */
  render(): Promise<string>;
}

class PlainCounter implements Counter {
  value = 0;
  add(amount = 1): void {
    this.value += amount;
  }
}

interface GaugeReader {
  readonly labels: Labels;
  readonly read: () => number;
}

export function createMetrics(constant: Labels = {}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels(constant);
  const counters = new Map<string, Map<string, { labels: Labels; counter: PlainCounter }>>();
  const gauges = new Map<string, Map<string, GaugeReader>>();
  const histograms = new Map<string, PromHistogram<string>>();
  const bound = new Map<string, Distribution>();
  return {
    counter(name, help, labels = {}) {
      const family =
        counters.get(name) ?? newCounterFamily(registry, counters, name, help, Object.keys(labels));
      const key = labelKey(labels);
      let entry = family.get(key);
      if (entry === undefined) {
        entry = { labels, counter: new PlainCounter() };
        family.set(key, entry);
      }
      return entry.counter;
    },
    gauge(name, help, read, labels = {}) {
      const family = gauges.get(name) ?? newGaugeFamily(registry, gauges, name, help, Object.keys(labels));
      family.set(labelKey(labels), { labels, read });
    },
    distribution(name, help, buckets, labels = {}) {
      const key = `${name}{${labelKey(labels)}}`;
      const known = bound.get(key);
      if (known !== undefined) return known;
      let histogram = histograms.get(name);
      if (histogram === undefined) {
        histogram = new PromHistogram({
          name,
          help,
          labelNames: Object.keys(labels),
          buckets: [...buckets],
          registers: [registry],
        });
        histograms.set(name, histogram);
      }
      const distribution = histogram.labels(labels);
      bound.set(key, distribution);
      return distribution;
    },
    forgetCounters(label, value) {
      for (const family of counters.values()) {
        for (const [key, { labels }] of family) if (labels[label] === value) family.delete(key);
      }
    },
    render: () => registry.metrics(),
  };
}

function labelKey(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((name) => `${name}=${labels[name]}`)
    .join(',');
}

function newCounterFamily(
  registry: Registry,
  counters: Map<string, Map<string, { labels: Labels; counter: PlainCounter }>>,
  name: string,
  help: string,
  labelNames: string[],
): Map<string, { labels: Labels; counter: PlainCounter }> {
  const family = new Map<string, { labels: Labels; counter: PlainCounter }>();
  counters.set(name, family);
  new PromCounter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, counter } of family.values()) this.inc(labels, counter.value);
    },
  });
  return family;
}

function newGaugeFamily(
  registry: Registry,
  gauges: Map<string, Map<string, GaugeReader>>,
  name: string,
  help: string,
  labelNames: string[],
): Map<string, GaugeReader> {
  const family = new Map<string, GaugeReader>();
  gauges.set(name, family);
  new PromGauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, read } of family.values()) this.set(labels, read());
    },
  });
  return family;
}
