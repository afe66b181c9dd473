/**
 * What one request uses of its client's quotas, and how long the client is throttled for it: the longest
 * of what its limits say. Bytes and time count also when they go beyond the limit, as they have been
 * used; only partitions are not changed, for clients that know the error. The time of a request that is
 * exempt, or that gets no answer, is counted with that of all others like it, and not its client's.
 * Source: KafkaApis.handleProduceRequest, handleFetchRequest, RequestHandlerHelper, ClientRequestQuotaManager.
 */
import type { ClientSensors } from './client-quotas.ts';
import type { QuotaSensor } from './quota-sensors.ts';
import type { SampledRate } from './sampled-rate.ts';

const LARGEST_INT = 2 ** 31 - 1;

interface ChargedRequest {
  readonly sensors: ClientSensors;
  /** Percent of the time of all that nobody is throttled for. */
  readonly exempt: SampledRate;
  /** Of the request with its header. */
  readonly sizeBytes: number;
  readonly nowMs: () => number;
  /** quota.window.size.seconds: the longest that anybody is throttled for taking the broker's time. */
  readonly longestRequestThrottleMs: number;
}

/** How a request ends: with an answer, with none as its client has asked, or with the end of its connection. */
export type RequestEnd = 'answered' | 'nothing' | 'close';

export class RequestCharges {
  readonly #request: ChargedRequest;
  /** Since when the broker's thread has been at work on it; null while it waits for something. */
  #sinceMs: number | null;
  #tookMs = 0;
  #throttleMs = 0;
  #violated: QuotaSensor | null = null;
  #timeIsCharged = false;
  #isExempt = false;
  #isFinished = false;
  #mutations: MutationCharges | null = null;

  constructor(request: ChargedRequest) {
    this.#request = request;
    this.#sinceMs = request.nowMs();
  }

  /** A piece of the work, which may be within another one, or come after the request has waited for its turn. */
  during<Result>(piece: () => Result): Result {
    if (this.#sinceMs !== null) return piece();
    this.resume();
    try {
      return piece();
    } finally {
      this.pause();
    }
  }

  /** The thread is at work on the request again. */
  resume(): void {
    this.#sinceMs ??= this.#request.nowMs();
  }

  /** The request waits, and the thread does something else. */
  pause(): void {
    if (this.#sinceMs !== null) this.#tookMs += this.#request.nowMs() - this.#sinceMs;
    this.#sinceMs = null;
  }

  /** The most bytes a fetch can be given without being throttled for these alone. */
  maxFetchBytes(): number {
    const { sensors, nowMs } = this.#request;
    const { rate, limit } = sensors.of('fetch', nowMs());
    return Math.min(Math.trunc(rate.mostIn(limit)), LARGEST_INT);
  }

  /** The cluster's own work, done for one who may order it: its time is not its sender's. */
  exempt(): void {
    this.#isExempt = true;
  }

  /** The request has been appended. */
  produced(): void {
    const { sensors, sizeBytes, nowMs } = this.#request;
    const produce = sensors.of('produce', nowMs());
    this.#violate(produce, produce.record(sizeBytes, nowMs()));
  }

  /** Whether records may be answered; if not, they have not been used, and the answer is to be empty. */
  fetched(sizeBytes: number): boolean {
    const { sensors, nowMs } = this.#request;
    this.#chargeTime();
    const fetch = sensors.of('fetch', nowMs());
    this.#violate(fetch, fetch.record(sizeBytes, nowMs()));
    if (this.#throttleMs === 0) return true;
    fetch.correct(-sizeBytes, nowMs());
    return false;
  }

  /** What may be changed of topics. `strict`: what is too much is refused. */
  mutations(strict: boolean): MutationCharges {
    const { sensors, nowMs } = this.#request;
    this.#mutations ??= new MutationCharges(sensors.of('controllerMutation', nowMs()), strict, nowMs);
    return this.#mutations;
  }

  /** Topics were made by themselves: their partitions count, but nobody is refused or throttled for that. */
  autoCreated(partitions: number): void {
    const { sensors, nowMs } = this.#request;
    new MutationCharges(sensors.of('controllerMutation', nowMs()), false, nowMs).take(partitions);
  }

  /** The request is over. How long its client is throttled; the same for one that has been over before. */
  finish(end: RequestEnd): number {
    if (this.#isFinished) return this.#throttleMs;
    this.#isFinished = true;
    if (end === 'nothing') this.exempt();
    if (end !== 'close') this.#chargeTime();
    if (this.#mutations !== null) {
      this.#violate(this.#mutations.sensor, this.#mutations.throttleMs());
    }
    if (this.#violated !== null) this.#violated.throttled(this.#throttleMs, this.#request.nowMs());
    return this.#throttleMs;
  }

  #chargeTime(): void {
    const { sensors, exempt, nowMs, longestRequestThrottleMs } = this.#request;
    if (this.#timeIsCharged) return;
    this.#timeIsCharged = true;
    this.pause();
    const percent = percentOfASecond(this.#tookMs);
    if (this.#isExempt) {
      exempt.record(percent, nowMs());
      return;
    }
    const request = sensors.of('request', nowMs());
    this.#violate(request, Math.min(request.record(percent, nowMs()), longestRequestThrottleMs));
  }

  #violate(sensor: QuotaSensor, forMs: number): void {
    if (forMs <= this.#throttleMs) return;
    this.#throttleMs = forMs;
    this.#violated = sensor;
  }
}

function percentOfASecond(ms: number): number {
  return ms / 10;
}

/** The partitions that one request creates or deletes. */
class MutationCharges {
  readonly sensor: QuotaSensor;
  readonly #strict: boolean;
  readonly #nowMs: () => number;
  #throttleMs = 0;
  #recordedMs = 0;

  constructor(sensor: QuotaSensor, strict: boolean, nowMs: () => number) {
    this.sensor = sensor;
    this.#strict = strict;
    this.#nowMs = nowMs;
  }

  /** False when the partitions may not be changed now: the tokens are used up, and the client knows the error. */
  take(partitions: number): boolean {
    const { bucket, limit, rate } = this.sensor;
    const nowMs = this.#nowMs();
    this.sensor.usedMs = nowMs;
    if (this.#strict && bucket.tokens(limit, nowMs) < 0) {
      this.#exceeded(nowMs);
      return false;
    }
    rate.record(partitions, nowMs);
    bucket.take(partitions, limit, nowMs);
    if (!this.#strict && bucket.tokens(limit, nowMs) < 0) this.#exceeded(nowMs);
    return true;
  }

  /** What is left of the time: the request may have waited since. */
  throttleMs(): number {
    return Math.max(0, Math.round(this.#throttleMs - (this.#nowMs() - this.#recordedMs)));
  }

  #exceeded(nowMs: number): void {
    this.#throttleMs = this.sensor.bucket.throttleMs(this.sensor.limit, nowMs);
    this.#recordedMs = nowMs;
  }
}
