/**
 * The partitions that a follower has asked its leader to hold back, since it has taken more of throttled
 * replicas than it may: each of them is behind, or it would not be held. When the rate is down again all
 * are asked for anew, together. What was on its way when the leader was asked still arrives, and counts.
 * Source: AbstractFetcherThread.shouldFollowerThrottle, by which Kafka's followers leave them out of a fetch.
 */
import type { Clock, Timer } from '../../platform/clock.ts';
import { THROTTLE_CHECK_MS, type Throttle } from '../throttles.ts';
import type { Followed } from './followed-partition.ts';

interface HoldingOptions {
  readonly clock: Clock;
  readonly throttle: Throttle;
  readonly tell: (type: 'hold' | 'resume', ids: readonly number[]) => void;
}

export class HeldPartitions {
  readonly #options: HoldingOptions;
  /** Ids of subscriptions. */
  readonly #held = new Set<number>();
  #timer: Timer | null = null;

  constructor(options: HoldingOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Records of a partition have come, up to the leader's `highWatermark` or not. */
  received({ id, partition }: Followed, sizeBytes: number, highWatermark: number): void {
    const { throttle } = this.#options;
    if (!throttle.isThrottled(partition)) return;
    throttle.record(sizeBytes);
    const isBehind = highWatermark > (partition.log?.endOffset ?? 0);
    if (isBehind && throttle.isExceeded()) this.#hold([id]);
  }

  /** Subscribed anew: whoever is over the rate already does not begin with a burst. */
  subscribed(followed: readonly Followed[]): void {
    const { throttle } = this.#options;
    if (!throttle.isExceeded()) return;
    this.#hold(followed.filter(({ partition }) => throttle.isThrottled(partition)).map(({ id }) => id));
  }

  /** The subscription is over. */
  drop(id: number): void {
    this.#held.delete(id);
  }

  /** All subscriptions are over. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#held.clear();
  }

  #hold(ids: readonly number[]): void {
    const newly = ids.filter((id) => !this.#held.has(id));
    if (newly.length === 0) return;
    for (const id of newly) this.#held.add(id);
    this.#options.tell('hold', newly);
    this.#timer ??= this.#options.clock.after(THROTTLE_CHECK_MS, () => this.#look());
  }

  #look(): void {
    const { clock, throttle, tell } = this.#options;
    this.#timer = null;
    if (throttle.isExceeded()) {
      this.#timer = clock.after(THROTTLE_CHECK_MS, () => this.#look());
      return;
    }
    const ids = [...this.#held];
    this.#held.clear();
    if (ids.length > 0) tell('resume', ids);
  }
}
