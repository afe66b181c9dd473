/**
 * Producer ids, unique in the cluster: the controller hands out blocks of 1000, this broker gives
 * them away one by one and asks for the next block before the current one is used up. Ids of a block
 * that a broker did not finish are lost, which is fine.
 * Source: RPCProducerIdManager (KIP-730).
 */

import { ErrorCode, errorName } from '../errors.ts';
import type { AllocateProducerIdsResponse } from '../peers/messages.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';

interface ProducerIdManagerParts {
  /** Asks the controller; rejects when it can't be reached. */
  readonly allocate: () => Promise<AllocateProducerIdsResponse>;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** How long a producer waits for an id before it is told to try again. */
  readonly maxWaitMs: number;
}

/** The next block is asked for when this much of the current one is used. */
const PREFETCH_FRACTION = 0.9;
const RETRY_BACKOFF_MS = 50;

/** `next` to `end`, without `end`, are not given out yet. */
interface Block {
  next: number;
  readonly end: number;
  readonly prefetchAt: number;
}

interface Waiter {
  give(id: number | null): void;
}

export class ProducerIdManager {
  readonly #parts: ProducerIdManagerParts;
  /** What ids are taken from; null before the first block, and once used up without another. */
  #current: Block | null = null;
  /** The block after it, asked for in good time. */
  #following: Block | null = null;
  /** One request at most is under way, or the pause after a failed one. */
  #asking = false;
  /** In the order they came; only while there is no id to give. */
  #waiters: Waiter[] = [];
  #stopped = false;

  constructor(parts: ProducerIdManagerParts) {
    this.#parts = parts;
  }

  /** The next id, or null when the controller has not given any in time. */
  generate(): Promise<number | null> {
    const id = this.#take();
    if (id !== null) return Promise.resolve(id);
    if (this.#stopped) return Promise.resolve(null);
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(this.#parts.maxWaitMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(null);
      });
      const waiter: Waiter = {
        give(given) {
          timer.cancel();
          resolve(given);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** Nobody waits any longer, and nothing more is asked for. */
  shutdown(): void {
    this.#stopped = true;
    for (const waiter of this.#waiters.splice(0)) waiter.give(null);
  }

  #take(): number | null {
    if (this.#current === null || this.#current.next >= this.#current.end) {
      this.#current = this.#following;
      this.#following = null;
    }
    const block = this.#current;
    if (block === null) {
      this.#ask();
      return null;
    }
    const id = block.next;
    block.next += 1;
    if (block.next >= block.prefetchAt && this.#following === null) this.#ask();
    return id;
  }

  #ask(): void {
    if (this.#asking || this.#stopped) return;
    this.#asking = true;
    this.#parts.allocate().then(
      (response) => this.#answered(response),
      (error) => this.#failed(`the controller can't be asked (${String(error)})`),
    );
  }

  #answered(response: AllocateProducerIdsResponse): void {
    const { error, producerIdStart, producerIdLength } = response;
    if (error !== ErrorCode.NONE || producerIdLength <= 0) {
      this.#failed(`the controller answered ${errorName(error)}`);
      return;
    }
    this.#asking = false;
    this.#following = {
      next: producerIdStart,
      end: producerIdStart + producerIdLength,
      prefetchAt: producerIdStart + Math.floor(producerIdLength * PREFETCH_FRACTION),
    };
    while (this.#waiters.length > 0) {
      const id = this.#take();
      if (id === null) return;
      this.#waiters.shift()?.give(id);
    }
  }

  #failed(why: string): void {
    if (this.#stopped) return;
    this.#parts.diagnostics.warn(`no block of producer ids: ${why}; trying again`);
    this.#parts.clock.after(RETRY_BACKOFF_MS, () => {
      this.#asking = false;
      // Without anybody waiting, the next producer asks.
      if (this.#waiters.length > 0) this.#ask();
    });
  }
}
