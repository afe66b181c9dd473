/** A coordinator's topic in memory. */
import type { StateLog } from '../../../broker/coordinators/runtime/state-log.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { batchLastOffset, setBatchBaseOffset } from '../../../broker/records/batch.ts';

/** One log for each partition; appends can be held back or refused. */
export class MemoryStateLog implements StateLog {
  readonly topic: string;
  readonly batches = new Map<number, { batch: Buffer; offset: number }[]>();
  error: ErrorCode = ErrorCode.NONE;
  held: (() => void)[] | null = null;
  largestBytes = 1_048_588;

  constructor(topic: string) {
    this.topic = topic;
  }

  append(partition: number, batch: Buffer): Promise<{ error: ErrorCode; baseOffset: number }> {
    if (this.error !== ErrorCode.NONE) return Promise.resolve({ error: this.error, baseOffset: -1 });
    if (batch.length > this.largestBytes) {
      return Promise.resolve({ error: ErrorCode.MESSAGE_TOO_LARGE, baseOffset: -1 });
    }
    const list = this.batches.get(partition) ?? [];
    this.batches.set(partition, list);
    const last = list.at(-1);
    const offset = last === undefined ? 0 : batchLastOffset(last.batch, 0) + 1;
    setBatchBaseOffset(batch, 0, offset);
    list.push({ batch, offset });
    const { held } = this;
    if (held === null) return Promise.resolve({ error: 0, baseOffset: offset });
    return new Promise((resolve) => held.push(() => resolve({ error: 0, baseOffset: offset })));
  }

  read(partition: number, offset: number): { bytes: Buffer; release(): void } {
    const list = this.batches.get(partition) ?? [];
    const next = list.find(({ batch }) => batchLastOffset(batch, 0) >= offset);
    return { bytes: next?.batch ?? Buffer.alloc(0), release() {} };
  }

  maxBatchBytes(): number {
    return this.largestBytes;
  }

  range(partition: number): { startOffset: number; endOffset: number } {
    const last = this.batches.get(partition)?.at(-1);
    return { startOffset: 0, endOffset: last === undefined ? 0 : batchLastOffset(last.batch, 0) + 1 };
  }
}
