/**
 * Producers whose transactions are to begin in one log, once their coordinator has confirmed them (KIP-890). A guard
 * is given before the coordinator is asked, and permits the first records if it still holds by then.
 * Source: Kafka's VerificationStateEntry, ProducerStateManager.maybeCreateVerificationStateEntry.
 */
import type { Int64 } from '../../int64.ts';

/** Permission to begin a transaction here, once the coordinator has confirmed it. */
export interface VerificationGuard {
  readonly producerId: Int64;
}

interface Verification {
  readonly guard: VerificationGuard;
  epoch: number;
  lowestSequence: number;
  timestampMs: number;
}

export class Verifications {
  /** By producer, of those without an open transaction; until it begins, or they expire. */
  readonly #byProducer = new Map<Int64, Verification>();

  /** The producer has no open transaction. */
  start(producerId: Int64, epoch: number, firstSequence: number, nowMs: number): VerificationGuard {
    const known = this.#byProducer.get(producerId);
    if (known === undefined) {
      const guard: VerificationGuard = { producerId };
      const verification = { guard, epoch, lowestSequence: firstSequence, timestampMs: nowMs };
      this.#byProducer.set(producerId, verification);
      return guard;
    }
    if (epoch > known.epoch) {
      known.epoch = epoch;
      known.lowestSequence = firstSequence;
    } else if (epoch === known.epoch) {
      known.lowestSequence = Math.min(known.lowestSequence, firstSequence);
    }
    return known.guard;
  }

  /**
   * The coordinator has said that there is no such transaction, so that nothing of it comes any more. Without
   * this whoever invents producer ids would fill the memory of a day.
   */
  abandon(guard: VerificationGuard): void {
    if (this.#byProducer.get(guard.producerId)?.guard === guard) this.#byProducer.delete(guard.producerId);
  }

  /**
   * Records of a transaction or its marker have been written: what was asked of the coordinator before
   * them permits nothing after them. Without this a late confirmation could open a transaction again that
   * a marker, here even without records, has ended.
   */
  end(producerId: Int64): void {
    this.#byProducer.delete(producerId);
  }

  isVerified(producerId: Int64, guard: VerificationGuard | null): boolean {
    return guard !== null && this.#byProducer.get(producerId)?.guard === guard;
  }

  /** An earlier batch of the producer is still being verified and must come first. */
  awaitsEarlierSequence(producerId: Int64, firstSequence: number): boolean {
    const verification = this.#byProducer.get(producerId);
    return verification !== undefined && firstSequence > verification.lowestSequence;
  }

  removeExpired(nowMs: number, expirationMs: number): void {
    for (const [producerId, { timestampMs }] of this.#byProducer) {
      if (nowMs - timestampMs >= expirationMs) this.#byProducer.delete(producerId);
    }
  }

  clear(): void {
    this.#byProducer.clear();
  }
}
