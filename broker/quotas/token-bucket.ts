/**
 * Tokens that come at a rate and are spent in bursts. Who takes more than there are brings the bucket
 * below nothing, and it has to fill up again before anybody takes more. Starts full.
 * Source: org.apache.kafka.common.metrics.stats.TokenBucket (KIP-599).
 */
import type { SampleWindow } from './sampled-rate.ts';

export class TokenBucket {
  readonly #burstSeconds: number;
  /** As Kafka's: empty since long ago, therefore full. */
  #tokens = 0;
  #updatedMs = Number.NEGATIVE_INFINITY;

  constructor({ samples, sampleMs }: SampleWindow) {
    this.#burstSeconds = (samples * sampleMs) / 1000;
  }

  /** Tokens there are; negative after somebody has taken too many. */
  tokens(ratePerSecond: number, nowMs: number): number {
    const most = this.#burstSeconds * ratePerSecond;
    const earned = ratePerSecond === 0 ? 0 : (ratePerSecond * (nowMs - this.#updatedMs)) / 1000;
    this.#tokens = Math.min(most, this.#tokens + earned);
    this.#updatedMs = nowMs;
    return this.#tokens;
  }

  take(count: number, ratePerSecond: number, nowMs: number): void {
    const most = this.#burstSeconds * ratePerSecond;
    this.#tokens = Math.min(most, this.tokens(ratePerSecond, nowMs) - count);
  }

  /** How long until there is something again; 0 while there is. */
  throttleMs(ratePerSecond: number, nowMs: number): number {
    const tokens = this.tokens(ratePerSecond, nowMs);
    return tokens >= 0 ? 0 : Math.min(Math.round((-tokens / ratePerSecond) * 1000), 2 ** 31 - 1);
  }
}
