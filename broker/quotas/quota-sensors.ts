/**
 * What has been used of the limits of one type of quota: a sensor for each user or client that is held to
 * one. Clients without a limit are not measured. A sensor goes when nobody has used it for an hour, and
 * the longest unused ones go when there are more than client.quota.max.sensors: client ids are free.
 * Source: kafka.server.ClientQuotaManager, SensorAccess.
 */

import { keyOf, QuotaTable, type QuotaTags } from './quota-table.ts';
import { SampledRate, SampledValues, type SampleWindow, throttleMs } from './sampled-rate.ts';
import { ThrottledNow } from './throttled-now.ts';
import { TokenBucket } from './token-bucket.ts';

const UNUSED_MS = 3_600_000;
const SWEEP_MS = 60_000;
/** Share of the sensors that goes when there are too many, so that not every newcomer costs a search. */
const EVICTED_SHARE = 0.1;

/** One user's or client's use of its quota. */
export class QuotaSensor {
  readonly tags: QuotaTags;
  /** Set anew when the limit changes. */
  limit: number;
  usedMs: number;
  readonly rate: SampledRate;
  /** Of controller mutations, which are limited by it instead of the rate. */
  readonly bucket: TokenBucket;
  readonly #throttleTimes: SampledValues;
  readonly #throttledNow: ThrottledNow;

  constructor(
    tags: QuotaTags,
    limit: number,
    { window, nowMs, throttledNow }: { window: SampleWindow; nowMs: number; throttledNow: ThrottledNow },
  ) {
    this.tags = tags;
    this.limit = limit;
    this.usedMs = nowMs;
    this.rate = new SampledRate(window, 'full');
    this.bucket = new TokenBucket(window);
    this.#throttleTimes = new SampledValues(window);
    this.#throttledNow = throttledNow;
  }

  /** Counts what was used; how long nothing more may be, 0 within the limit. */
  record(value: number, nowMs: number): number {
    this.usedMs = nowMs;
    this.rate.record(value, nowMs);
    return throttleMs(this.rate, this.limit, nowMs);
  }

  /** Counts without asking; negative for what was not used after all. */
  correct(value: number, nowMs: number): void {
    this.rate.record(value, nowMs);
  }

  throttled(forMs: number, nowMs: number): void {
    this.#throttleTimes.record(forMs, nowMs);
    this.#throttledNow.add(nowMs + forMs, nowMs);
  }

  /** Mean of the last times it was throttled for; NaN when it was not. */
  throttleTimeMs(nowMs: number): number {
    return this.#throttleTimes.average(nowMs);
  }
}

export class QuotaSensors {
  readonly #table = new QuotaTable();
  readonly #window: SampleWindow;
  readonly #maxSensors: number;
  readonly #sensors = new Map<string, QuotaSensor>();
  /** Of all sensors, also of those that have gone since. */
  readonly throttledNow = new ThrottledNow();
  #sweptMs = 0;
  /** Another number when a sensor that was handed out may not count any more. */
  revision = 0;

  constructor(window: SampleWindow, maxSensors: number) {
    this.#window = window;
    this.#maxSensors = maxSensors;
  }

  /** Whether anybody has a limit. */
  get isLimiting(): boolean {
    return !this.#table.isEmpty;
  }

  all(): Iterable<QuotaSensor> {
    return this.#sensors.values();
  }

  setLimit(tags: QuotaTags, limit: number | null): void {
    this.#table.set(tags, limit);
    this.revision += 1;
    for (const [key, sensor] of this.#sensors) {
      const now = this.#table.limitOf(sensor.tags);
      if (now === null) this.#sensors.delete(key);
      else sensor.limit = now;
    }
  }

  /** The sensor that this client shares; null when it has no limit. Names are sanitised. */
  of(user: string, clientId: string, nowMs: number): QuotaSensor | null {
    const tags = this.#table.tagsOf(user, clientId);
    const limit = tags === null ? null : this.#table.limitOf(tags);
    if (tags === null || limit === null) return null;
    const key = keyOf(tags.user, tags.clientId);
    const known = this.#sensors.get(key);
    if (known !== undefined) return known;
    this.#makeRoom(nowMs);
    const sensor = new QuotaSensor(tags, limit, {
      window: this.#window,
      nowMs,
      throttledNow: this.throttledNow,
    });
    this.#sensors.set(key, sensor);
    return sensor;
  }

  #makeRoom(nowMs: number): void {
    if (nowMs - this.#sweptMs >= SWEEP_MS) {
      this.#sweptMs = nowMs;
      this.#drop([...this.#sensors].filter(([, { usedMs }]) => nowMs - usedMs > UNUSED_MS));
    }
    if (this.#sensors.size < this.#maxSensors) return;
    const byAge = [...this.#sensors].sort(([, one], [, other]) => one.usedMs - other.usedMs);
    this.#drop(byAge.slice(0, Math.ceil(this.#maxSensors * EVICTED_SHARE)));
  }

  #drop(sensors: readonly (readonly [string, QuotaSensor])[]): void {
    if (sensors.length > 0) this.revision += 1;
    for (const [key] of sensors) this.#sensors.delete(key);
  }
}
