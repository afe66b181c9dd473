/**
 * What a consumer of committed data leaves out of an answer to a Fetch: markers, and what belongs to a
 * transaction that the answer lists as aborted, from its first offset to its marker.
 * Source: Kafka's CompletedFetch.
 */
import type { Int64 } from '../../broker/int64.ts';
import {
  batchIsControl,
  batchIsTransactional,
  batchLastOffset,
  batchProducerId,
} from '../../broker/records/batch.ts';
import { readControl } from '../../broker/records/control.ts';

interface Aborted {
  readonly producerId: Int64;
  readonly firstOffset: number;
}

export class AbortedTransactions {
  /** Those that begin behind the batches seen so far, the first first. */
  readonly #ahead: Aborted[];
  /** Producers whose transaction has begun and whose marker has not come. */
  readonly #open = new Set<Int64>();

  /** `listed`: by the answer, in any order; null where it lists none. */
  constructor(listed: readonly Aborted[] | null) {
    this.#ahead = [...(listed ?? [])].sort((one, other) => one.firstOffset - other.firstOffset);
  }

  /** To be asked of each batch of the answer, in order. */
  leaveOut(bytes: Buffer, at: number): boolean {
    this.#reach(batchLastOffset(bytes, at));
    const producerId = batchProducerId(bytes, at);
    if (batchIsControl(bytes, at)) {
      if (readControl(bytes, at)?.type === 'ABORT') this.#open.delete(producerId);
      return true;
    }
    return batchIsTransactional(bytes, at) && this.#open.has(producerId);
  }

  /** By offsets, for the records of a transaction may lie before the answer, and only its marker in it. */
  #reach(offset: number): void {
    for (let next = this.#ahead[0]; next !== undefined && next.firstOffset <= offset; next = this.#ahead[0]) {
      this.#ahead.shift();
      this.#open.add(next.producerId);
    }
  }
}
