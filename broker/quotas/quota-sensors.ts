/**
 * What has been used of one type of quota: a sensor for each user or client that is held to a limit or, once
 * anybody is, could be. A sensor goes when nobody has used it for an hour. When there would be more than
 * client.quota.max.sensors, as client ids are free, those without a limit go before those that have one,
 * and the longest unused first.
 * Source: kafka.server.ClientQuotaManager, SensorAccess.
 */

import { NameMap } from '../bounded-name.ts';
import { keyOf, QuotaTable, type QuotaTags } from './quota-table.ts';
import { SampledRate, SampledValues, type SampleWindow, throttleMs } from './sampled-rate.ts';
import { ThrottledNow } from './throttled-now.ts';
import { TokenBucket } from './token-bucket.ts';

/** Kafka's InactiveSensorExpirationTimeSeconds. */
const UNUSED_MS = 3_600_000;
/** The limit of whoever has none: Kafka's Long.MaxValue. */
const UNLIMITED = 2 ** 63;
const SWEEP_MS = 60_000;
/** Share of the sensors that goes when there are too many, so that not every newcomer costs a search. */
const EVICTED_SHARE = 0.1;

/** What is measured over which time, and of how many at most. */
interface SensorsOptions {
  /** Of what is used, as far as it is limited. */
  readonly window: SampleWindow;
  /** Of what is used as it is shown, where that is not what limits it; left out: the same. */
  readonly shownWindow?: SampleWindow;
  /** Of how long clients are throttled. */
  readonly metricsWindow: SampleWindow;
  readonly maxSensors: number;
}

/** One user's or client's use of its quota. */
export class QuotaSensor {
  readonly tags: QuotaTags;
  /** Set anew when the limit changes; UNLIMITED without one. */
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
    options: Omit<SensorsOptions, 'maxSensors'> & {
      readonly nowMs: number;
      readonly throttledNow: ThrottledNow;
    },
  ) {
    this.tags = tags;
    this.limit = limit;
    this.usedMs = options.nowMs;
    this.rate = new SampledRate(options.shownWindow ?? options.window, 'full');
    this.bucket = new TokenBucket(options.window);
    this.#throttleTimes = new SampledValues(options.metricsWindow);
    this.#throttledNow = options.throttledNow;
  }

  get isLimited(): boolean {
    return this.limit < UNLIMITED;
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
  readonly #options: SensorsOptions;
  readonly #sensors = new NameMap<QuotaSensor>();
  /** Of all sensors, also of those that have gone since. */
  readonly throttledNow = new ThrottledNow();
  #sweptMs = 0;
  /** Another number when a sensor that was handed out may not count any more. */
  revision = 0;

  constructor(options: SensorsOptions) {
    this.#options = options;
  }

  /** Those that were used within the hour. */
  all(nowMs: number): Iterable<QuotaSensor> {
    this.#dropUnused(nowMs);
    return this.#sensors.values();
  }

  setLimit(tags: QuotaTags, limit: number | null): void {
    this.#table.set(tags, limit);
    this.revision += 1;
    for (const sensor of this.#sensors.values()) sensor.limit = this.#limitOf(sensor.tags);
  }

  /** The sensor of this client, which it may share. Names are sanitised. */
  of(user: string, clientId: string, nowMs: number): QuotaSensor {
    const tags = this.#table.tagsOf(user, clientId);
    const key = keyOf(tags.user, tags.clientId);
    const known = this.#sensors.get(key);
    if (known !== undefined) return known;
    this.#makeRoom(nowMs);
    const sensor = new QuotaSensor(tags, this.#limitOf(tags), {
      ...this.#options,
      nowMs,
      throttledNow: this.throttledNow,
    });
    this.#sensors.set(key, sensor);
    return sensor;
  }

  #limitOf(tags: QuotaTags): number {
    return this.#table.limitOf(tags) ?? UNLIMITED;
  }

  #makeRoom(nowMs: number): void {
    if (nowMs - this.#sweptMs >= SWEEP_MS) this.#dropUnused(nowMs);
    if (this.#sensors.size < this.#options.maxSensors) return;
    // Who could make others be forgotten by calling itself many names would have its own use forgotten, too.
    const dispensable = [...this.#sensors].sort(
      ([, one], [, other]) => Number(one.isLimited) - Number(other.isLimited) || one.usedMs - other.usedMs,
    );
    this.#drop(dispensable.slice(0, Math.ceil(this.#options.maxSensors * EVICTED_SHARE)));
  }

  #dropUnused(nowMs: number): void {
    this.#sweptMs = nowMs;
    this.#drop([...this.#sensors].filter(([, { usedMs }]) => nowMs - usedMs > UNUSED_MS));
  }

  #drop(sensors: readonly (readonly [string, QuotaSensor])[]): void {
    if (sensors.length > 0) this.revision += 1;
    for (const [key] of sensors) this.#sensors.delete(key);
  }
}
