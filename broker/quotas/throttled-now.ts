/**
 * How many requests' clients are being throttled at a moment: what Kafka reads off the queue that its muted
 * channels stand in. Nobody has to say when a throttle is over, because each says beforehand.
 * Source: the metric queue-size of ClientQuotaManager.
 */

/** Ends are swept when so many more are there than at the last sweep, so that each is looked at a few times. */
const SWEEP_AT_LEAST = 64;

export class ThrottledNow {
  #untilMs: number[] = [];
  #sweepAt = SWEEP_AT_LEAST;

  add(untilMs: number, nowMs: number): void {
    this.#untilMs.push(untilMs);
    if (this.#untilMs.length < this.#sweepAt) return;
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, 2 * this.count(nowMs));
  }

  count(nowMs: number): number {
    this.#untilMs = this.#untilMs.filter((untilMs) => untilMs > nowMs);
    return this.#untilMs.length;
  }
}
