/**
 * Reads of a log that several followers can share. Followers in sync want the same bytes at the same
 * moment; as long as a read is still being sent to one of them, the next that stands at the same offset
 * gets the same buffer, and it goes back to the pool when the last has sent it.
 */

import { type ErrorCode, isError } from '../../errors.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { ReadRecords } from '../../log/read.ts';
import type { PartitionKey } from '../../types.ts';

/** Whole batches of one log, held by whoever has asked for them. */
export interface SharedRead {
  readonly bytes: Buffer;
  /** The offset after the last record. */
  readonly nextOffset: number;
  /** Must be called once by each that was given the read. */
  release(): void;
}

interface Held extends SharedRead {
  readonly log: PartitionLog;
  readonly offset: number;
  holders: number;
}

type SharedReadResult = SharedRead | ErrorCode | null;

export class SharedReads {
  /**
   * The latest read of each partition that somebody still holds. An earlier one lives on with its
   * holders alone.
   */
  readonly #held = new Map<PartitionKey, Held>();

  /**
   * Whole batches from `offset` to the log's end, at most `maxBytes` but one batch at least. null when
   * there is nothing. Throws what the log throws.
   */
  read(key: PartitionKey, log: PartitionLog, offset: number, maxBytes: number): SharedReadResult {
    const held = this.#held.get(key);
    if (held !== undefined && held.log === log && held.offset === offset && held.bytes.length <= maxBytes) {
      held.holders += 1;
      return held;
    }
    const read = log.read({ offset, maxBytes, upToOffset: log.endOffset, minOneBatch: true });
    if (isError(read)) return read;
    const made = this.#hold(key, log, offset, read);
    if (made === null) read.release();
    return made;
  }

  /** Another epoch begins: what was read before may not be what is in the log afterwards. */
  forget(key: PartitionKey): void {
    this.#held.delete(key);
  }

  #hold(key: PartitionKey, log: PartitionLog, offset: number, read: ReadRecords): Held | null {
    if (read.bytes.length === 0) return null;
    const held: Held = {
      log,
      offset,
      bytes: read.bytes,
      nextOffset: read.nextOffset,
      holders: 1,
      release: () => {
        held.holders -= 1;
        if (held.holders > 0) return;
        if (this.#held.get(key) === held) this.#held.delete(key);
        read.release();
      },
    };
    this.#held.set(key, held);
    return held;
  }
}
