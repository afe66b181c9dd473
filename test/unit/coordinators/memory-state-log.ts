/** A coordinator's topic in memory. */
import { DamagedLog, type StateLog } from '../../../broker/coordinators/runtime/state-log.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { batchLastOffset, type Codec, setBatchBaseOffset } from '../../../broker/records/batch.ts';
import { decompressUpToDefault } from '../../../broker/records/compression.ts';

/** One log for each partition; appends can be held back or refused. */
export class MemoryStateLog implements StateLog {
  readonly topic: string;
  readonly batches = new Map<number, { batch: Buffer; offset: number }[]>();
  error: ErrorCode = ErrorCode.NONE;
  held: (() => void)[] | null = null;
  largestBytes = 1_048_588;
  /** From this offset on there are no batches, but bytes. */
  unreadableFrom = Number.POSITIVE_INFINITY;
  /** The rest of a segment that can't be read: reading goes on with the next one. */
  missing: { readonly from: number; readonly to: number; readonly what: string } | null = null;
  /** Other replicas are in sync. */
  isCopied = false;
  /** Batches that it was asked to decompress. */
  decompressed = 0;

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

  read(partition: number, offset: number): { bytes: Buffer; lost: string | null; release(): void } {
    if (offset >= this.unreadableFrom) throw new DamagedLog('no batch');
    const { missing } = this;
    const isLost = missing !== null && offset >= missing.from && offset < missing.to;
    const from = isLost ? missing.to : offset;
    const list = this.batches.get(partition) ?? [];
    const next = list.find(({ batch }) => batchLastOffset(batch, 0) >= from);
    return { bytes: next?.batch ?? Buffer.alloc(0), lost: isLost ? missing.what : null, release() {} };
  }

  decompress(codec: Codec, data: Buffer): Promise<Buffer> {
    this.decompressed += 1;
    return Promise.resolve(decompressUpToDefault(codec, data));
  }

  maxBatchBytes(): number {
    return this.largestBytes;
  }

  hasOtherCopies(): boolean {
    return this.isCopied;
  }

  range(partition: number): { startOffset: number; endOffset: number } {
    const last = this.batches.get(partition)?.at(-1);
    return { startOffset: 0, endOffset: last === undefined ? 0 : batchLastOffset(last.batch, 0) + 1 };
  }
}
