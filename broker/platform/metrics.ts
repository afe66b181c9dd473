/**
 * Metrics under Kafka's names in Prometheus form (`kafka_server_replicamanager_underreplicatedpartitions`).
 * Counting must be cheap on the hot path: a counter is resolved once (`counter(name, help, labels)`)
 * and then incremented by a plain number.
 */
import { exposition, type Labels, type Sample, type SampledFamily } from './metrics-text.ts';

export interface Counter {
  add(amount?: number): void;
  readonly value: number;
}

export interface Distribution {
  observe(value: number): void;
}

/** One value of a family of gauges. */
export interface GaugeReading {
  readonly labels: Labels;
  readonly value: number;
}

export interface Metrics {
  /** The counter of these labels; the same object for the same arguments. */
  counter(name: string, help: string, labels?: Labels): Counter;
  /** A gauge read when the metrics are rendered. Registering again replaces the reader. */
  gauge(name: string, help: string, read: () => number, labels?: Labels): void;
  /** Gauges whose labels come and go: all of one name are read together. Registering again replaces the reader. */
  gauges(name: string, help: string, read: () => readonly GaugeReading[]): void;
  /** A histogram; `buckets` are upper bounds, those of the first call count. */
  distribution(name: string, help: string, buckets: readonly number[], labels?: Labels): Distribution;
  /** Removes the counters of all names whose label has one of these values. Who still holds one counts unseen. */
  forgetCounters(label: string, values: ReadonlySet<string | undefined>): void;
  /** The Prometheus exposition text, each piece when it is asked for; what `gauges` read is read whole. */
  pieces(): AsyncGenerator<string, void>;
  /** All of it. */
  render(): Promise<string>;
}

class PlainCounter implements Counter {
  value = 0;
  add(amount = 1): void {
    this.value += amount;
  }
}

class Buckets implements Distribution {
  readonly upperBounds: readonly number[];
  /** Values by the first bucket that holds them; those beyond the last upper bound at the end. */
  readonly #counts: number[];
  #sum = 0;

  constructor(upperBounds: readonly number[]) {
    this.upperBounds = upperBounds;
    this.#counts = [...upperBounds, Number.POSITIVE_INFINITY].map(() => 0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.upperBounds.length && value > (this.upperBounds[at] ?? 0)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** As Prometheus has it: each bucket counts those before it as well. */
  samples(name: string, labels: Labels): Sample[] {
    let count = 0;
    const buckets = [...this.upperBounds, '+Inf'].map((le, at): Sample => {
      count += this.#counts[at] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le: String(le), ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

/** All metrics of one name, by their labels. */
interface Family<T> {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly members: Map<string, { readonly labels: Labels; readonly metric: T }>;
  samples(labels: Labels, metric: T): Sample[];
}

/** `constant` labels are on every metric. */
export function createMetrics(constant: Labels = {}): Metrics {
  const counters = new Map<string, Family<PlainCounter>>();
  const gauges = new Map<string, Family<() => number>>();
  const distributions = new Map<string, Family<Buckets>>();
  const changing = new Map<string, Family<() => readonly GaugeReading[]>>();
  const pieces = () => {
    const all = [sampled(counters), sampled(gauges), sampled(changing), sampled(distributions)];
    return exposition(all.flat(), constant);
  };
  return {
    counter(name, help, labels = {}) {
      const samples = (own: Labels, { value }: PlainCounter): Sample[] => [{ labels: own, value }];
      const family = familyOf(counters, name, { type: 'counter', help, samples });
      return memberOf(family, labels, () => new PlainCounter());
    },
    gauge(name, help, read, labels = {}) {
      const samples = (own: Labels, now: () => number): Sample[] => [{ labels: own, value: now() }];
      const family = familyOf(gauges, name, { type: 'gauge', help, samples });
      family.members.set(labelKey(labels), { labels, metric: read });
    },
    gauges(name, help, read) {
      const samples = (_: Labels, now: () => readonly GaugeReading[]): Sample[] => [...now()];
      familyOf(changing, name, { type: 'gauge', help, samples }).members.set('', {
        labels: {},
        metric: read,
      });
    },
    distribution(name, help, buckets, labels = {}) {
      const samples = (own: Labels, metric: Buckets): Sample[] => metric.samples(name, own);
      const family = familyOf(distributions, name, { type: 'histogram', help, samples });
      const [first] = family.members.values();
      return memberOf(family, labels, () => new Buckets(first?.metric.upperBounds ?? [...buckets]));
    },
    forgetCounters(label, values) {
      for (const { members } of counters.values()) {
        for (const [key, { labels }] of members) if (values.has(labels[label])) members.delete(key);
      }
    },
    pieces,
    async render() {
      let text = '';
      for await (const piece of pieces()) text += piece;
      return text;
    },
  };
}

function familyOf<T>(
  families: Map<string, Family<T>>,
  name: string,
  described: Omit<Family<T>, 'members'>,
): Family<T> {
  let family = families.get(name);
  if (family === undefined) {
    family = { ...described, members: new Map() };
    families.set(name, family);
  }
  return family;
}

function memberOf<T>({ members }: Family<T>, labels: Labels, make: () => T): T {
  const key = labelKey(labels);
  let member = members.get(key);
  if (member === undefined) {
    member = { labels, metric: make() };
    members.set(key, member);
  }
  return member.metric;
}

function labelKey(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((name) => `${name}=${labels[name]}`)
    .join(',');
}

function sampled<T>(families: ReadonlyMap<string, Family<T>>): SampledFamily[] {
  return [...families].map(([name, family]) => {
    const { type, help } = family;
    return { name, help, type, samples: samplesOf(family) };
  });
}

function* samplesOf<T>({ members, samples }: Family<T>): Generator<Sample> {
  for (const { labels, metric } of members.values()) yield* samples(labels, metric);
}
