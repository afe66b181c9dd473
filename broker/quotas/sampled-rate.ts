/**
 * How much of something there was a second, over a sliding window of samples. A sample begins with the
 * first value after the one before it is over, and counts until its last value is older than all samples
 * together. Two ways to tell how long the window is: `full` takes samples that have not been yet as gone
 * by without a value, so that a client may begin with a burst; `elapsed` knows only the time since the
 * oldest sample. Synchronous and without a clock: every call says what time it is.
 * Source: org.apache.kafka.common.metrics.stats.SampledStat, Rate, SimpleRate, Avg and Max.
 */

/** How many samples are looked at, the one that is being filled included, and how long each lasts. */
export interface SampleWindow {
  readonly samples: number;
  readonly sampleMs: number;
}

/** Of metrics that no quota is about. The properties stand under the names of BrokerConfig. */
export function metricsWindow(config: {
  readonly metricsNumSamples: number;
  readonly metricsSampleWindowMs: number;
}): SampleWindow {
  return { samples: config.metricsNumSamples, sampleMs: config.metricsSampleWindowMs };
}

const NOTHING = Number.NEGATIVE_INFINITY;

interface Sample {
  startMs: number;
  lastEventMs: number;
  sum: number;
  count: number;
  largest: number;
}

export class SampledValues {
  readonly #window: SampleWindow;
  /** A ring: one sample more than the window has, for the one that the window has not quite left. */
  readonly #samples: Sample[] = [];
  #current = 0;

  constructor(window: SampleWindow) {
    this.#window = window;
  }

  record(value: number, nowMs: number): void {
    let sample = this.#samples[this.#current] ?? this.#begin(nowMs);
    if (nowMs - sample.startMs >= this.#window.sampleMs) {
      this.#current = (this.#current + 1) % (this.#window.samples + 1);
      const next = this.#samples[this.#current];
      sample = next === undefined ? this.#begin(nowMs) : reset(next, nowMs);
    }
    sample.sum += value;
    sample.count += 1;
    sample.largest = Math.max(sample.largest, value);
    sample.lastEventMs = nowMs;
  }

  sum(nowMs: number): number {
    this.#forgetOld(nowMs);
    return this.#samples.reduce((sum, sample) => sum + sample.sum, 0);
  }

  /** NaN when there has been nothing, as in Kafka's metrics. */
  average(nowMs: number): number {
    const sum = this.sum(nowMs);
    return sum / this.#samples.reduce((count, sample) => count + sample.count, 0);
  }

  /** NaN when there has been nothing, as in Kafka's metrics. */
  largest(nowMs: number): number {
    this.#forgetOld(nowMs);
    const largest = this.#samples.reduce((most, sample) => Math.max(most, sample.largest), NOTHING);
    return largest === NOTHING ? Number.NaN : largest;
  }

  /** When the oldest sample began; now, when there is none. */
  oldestMs(nowMs: number): number {
    this.#forgetOld(nowMs);
    return this.#samples.reduce((oldest, { startMs }) => Math.min(oldest, startMs), nowMs);
  }

  #begin(nowMs: number): Sample {
    const sample = { startMs: nowMs, lastEventMs: nowMs, sum: 0, count: 0, largest: NOTHING };
    this.#samples[this.#current] = sample;
    return sample;
  }

  #forgetOld(nowMs: number): void {
    const lifeMs = this.#window.samples * this.#window.sampleMs;
    for (const sample of this.#samples) if (nowMs - sample.lastEventMs >= lifeMs) reset(sample, nowMs);
  }
}

function reset(sample: Sample, nowMs: number): Sample {
  sample.startMs = nowMs;
  sample.lastEventMs = nowMs;
  sample.sum = 0;
  sample.count = 0;
  sample.largest = NOTHING;
  return sample;
}

export class SampledRate {
  readonly #window: SampleWindow;
  readonly #values: SampledValues;
  readonly #length: 'full' | 'elapsed';

  constructor(window: SampleWindow, length: 'full' | 'elapsed') {
    this.#window = window;
    this.#values = new SampledValues(window);
    this.#length = length;
  }

  record(value: number, nowMs: number): void {
    this.#values.record(value, nowMs);
  }

  /** Of a second. */
  rate(nowMs: number): number {
    return this.#values.sum(nowMs) / (this.windowMs(nowMs) / 1000);
  }

  /** The most that a window can have of a limit, when there has been nothing before. */
  mostIn(limitPerSecond: number): number {
    return (limitPerSecond * (this.#window.samples - 1) * this.#window.sampleMs) / 1000;
  }

  /** The time that the rate is of. */
  windowMs(nowMs: number): number {
    const { samples, sampleMs } = this.#window;
    const elapsedMs = nowMs - this.#values.oldestMs(nowMs);
    if (this.#length === 'elapsed') return Math.max(elapsedMs, sampleMs);
    const missing = Math.max(0, samples - 1 - Math.floor(elapsedMs / sampleMs));
    return Math.max(elapsedMs + missing * sampleMs, 1);
  }
}

/** Longest time a client is told to wait: what the field of an answer holds. */
const LONGEST_MS = 2 ** 31 - 1;

/** How long nothing may come until the rate has fallen to its bound; 0 while it is not above it. */
export function throttleMs(rate: SampledRate, bound: number, nowMs: number): number {
  const now = rate.rate(nowMs);
  if (now <= bound) return 0;
  return Math.min(Math.round(((now - bound) / bound) * rate.windowMs(nowMs)), LONGEST_MS);
}
