/**
 * A request that comes while something else is being decided about its transactional id, most often while the
 * partitions of the transaction before are told of its end, would be answered CONCURRENT_TRANSACTIONS, and its
 * client come again after 20 to 100 ms. What it waits for takes a few, so it is kept for a short time instead,
 * and then decided upon as if it had come only then. One request of an id at a time, so that no more are kept
 * than there are ids; the answers to later requests of its connection wait behind it for no longer than that.
 * Kafka answers at once.
 */
import { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TransactionEntry } from './transaction-shard.ts';

interface WaitsParts {
  readonly clock: Clock;
  /** 0: nothing waits. */
  readonly waitMs: number;
}

export class CompletionWaits {
  readonly #parts: WaitsParts;

  constructor(parts: WaitsParts) {
    this.#parts = parts;
  }

  /**
   * What `decide` answers, asked again when nothing is pending for the id any more, as long as the answer is
   * CONCURRENT_TRANSACTIONS and there is time. `entryOf`: null when this broker does not have the id.
   */
  async answer<T extends { readonly error: ErrorCode }>(
    entryOf: () => TransactionEntry | null,
    decide: () => Promise<T> | T,
  ): Promise<T> {
    const { clock, waitMs } = this.#parts;
    const untilMs = clock.nowMs() + waitMs;
    for (;;) {
      const answer = await decide();
      const leftMs = untilMs - clock.nowMs();
      if (answer.error !== ErrorCode.CONCURRENT_TRANSACTIONS || leftMs <= 0) return answer;
      const entry = entryOf();
      // Another one waits, or what there was to wait for is over already, or gone with its partition.
      if (entry === null || entry.settled !== null || entry.pending === null) return answer;
      await this.#settled(entry, leftMs);
    }
  }

  /** Nothing is pending any more, or the time is over. */
  #settled(entry: TransactionEntry, leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const settled = (): void => {
        entry.settled = null;
        timer.cancel();
        resolve();
      };
      const timer = this.#parts.clock.after(leftMs, settled);
      entry.settled = settled;
    });
  }
}

/** Nothing is being decided about the id any more, or this broker does not decide. */
export function settle(entry: TransactionEntry): void {
  entry.pending = null;
  entry.settled?.();
}
