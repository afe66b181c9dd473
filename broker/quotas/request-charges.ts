/**
 * What one request uses of its client's quotas, and how long the client is throttled for it: the longest
 * of what its limits say. Bytes and time count also when they go beyond the limit, as they have been
 * used; only partitions are not changed, for clients that know the error.
 * Source: KafkaApis.handleProduceRequest, handleFetchRequest, RequestHandlerHelper, ClientRequestQuotaManager.
 */
import type { ClientLimits } from './client-quotas.ts';
import type { QuotaSensor } from './quota-sensors.ts';

const LARGEST_INT = 2 ** 31 - 1;

interface ChargedRequest {
  readonly limits: ClientLimits;
  /** Of the request without its header. */
  readonly sizeBytes: number;
  readonly nowMs: () => number;
  /** quota.window.size.seconds: the longest that anybody is throttled for taking the broker's time. */
  readonly longestRequestThrottleMs: number;
}

export class RequestCharges {
  readonly #request: ChargedRequest;
  /** Since when the broker's thread has been at work on it; null while it waits for something. */
  #sinceMs: number | null;
  #tookMs = 0;
  #throttleMs = 0;
  #violated: QuotaSensor | null = null;
  #timeIsCharged = false;
  #mutations: MutationCharges | null = null;

  constructor(request: ChargedRequest) {
    this.#request = request;
    this.#sinceMs = request.nowMs();
  }

  /** The thread is at work on the request again. */
  resume(): void {
    this.#sinceMs = this.#request.nowMs();
  }

  /** The request waits, and the thread does something else. */
  pause(): void {
    if (this.#sinceMs !== null) this.#tookMs += this.#request.nowMs() - this.#sinceMs;
    this.#sinceMs = null;
  }

  /** The most bytes a fetch can be given without being throttled for these alone. */
  maxFetchBytes(): number {
    const { fetch } = this.#request.limits;
    return fetch === null ? LARGEST_INT : Math.min(Math.trunc(fetch.rate.mostIn(fetch.limit)), LARGEST_INT);
  }

  /** The request has been appended. */
  produced(): void {
    const { limits, sizeBytes, nowMs } = this.#request;
    if (limits.produce !== null) this.#violate(limits.produce, limits.produce.record(sizeBytes, nowMs()));
  }

  /** Whether records may be answered; if not, they have not been used, and the answer is to be empty. */
  fetched(sizeBytes: number): boolean {
    const { limits, nowMs } = this.#request;
    this.#chargeTime();
    const { fetch } = limits;
    if (fetch !== null) this.#violate(fetch, fetch.record(sizeBytes, nowMs()));
    if (this.#throttleMs === 0) return true;
    fetch?.correct(-sizeBytes, nowMs());
    return false;
  }

  /** What may be changed of topics; null without a limit. `strict`: what is too much is refused. */
  mutations(strict: boolean): MutationCharges | null {
    const { limits, nowMs } = this.#request;
    if (limits.controllerMutation === null) return null;
    this.#mutations ??= new MutationCharges(limits.controllerMutation, strict, nowMs);
    return this.#mutations;
  }

  /** Topics were made by themselves: their partitions count, but nobody is refused or throttled for that. */
  autoCreated(partitions: number): void {
    const { limits, nowMs } = this.#request;
    if (limits.controllerMutation !== null) {
      new MutationCharges(limits.controllerMutation, false, nowMs).take(partitions);
    }
  }

  /** The request is over; `answered` false for one that has no response. How long its client is throttled. */
  finish(answered: boolean): number {
    if (answered) this.#chargeTime();
    if (this.#mutations !== null) {
      this.#violate(this.#mutations.sensor, this.#mutations.throttleMs());
    }
    if (this.#violated !== null) this.#violated.throttled(this.#throttleMs, this.#request.nowMs());
    return this.#throttleMs;
  }

  #chargeTime(): void {
    const { limits, nowMs, longestRequestThrottleMs } = this.#request;
    if (this.#timeIsCharged || limits.request === null) return;
    this.#timeIsCharged = true;
    this.pause();
    const forMs = limits.request.record(percentOfASecond(this.#tookMs), nowMs());
    this.#violate(limits.request, Math.min(forMs, longestRequestThrottleMs));
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
