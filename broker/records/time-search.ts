/** The first record of a batch that is as late as asked for; in this thread, or as a job in another. */
import { type Int64, int64Sum } from '../int64.ts';
import { asBuffer, type Job } from '../platform/workers.ts';
import {
  batchBaseOffset,
  batchBaseTimestampMs,
  batchIsLogAppendTime,
  batchLeaderEpoch,
  batchMaxTimestampMs,
  CorruptBatch,
  DecompressedTooLarge,
} from './batch.ts';
import type { Decompress } from './compression.ts';
import { DecompressionAllowance, type DecompressionLimits } from './decompression-allowance.ts';
import { walkRecords } from './record.ts';

export interface RecordAtTime {
  readonly offset: number;
  readonly timestampMs: Int64;
  readonly leaderEpoch: number;
}

interface WantedTime {
  readonly timestampMs: Int64;
  /** Records before it don't count. */
  readonly fromOffset: number;
}

/** null when none is late enough. */
export function findInBatch(
  buffer: Buffer,
  at: number,
  { timestampMs, fromOffset }: WantedTime,
  decompress: Decompress,
): RecordAtTime | null {
  const baseOffset = batchBaseOffset(buffer, at);
  const baseTimestampMs = batchBaseTimestampMs(buffer, at);
  const appendTimeMs = batchIsLogAppendTime(buffer, at) ? batchMaxTimestampMs(buffer, at) : null;
  let found: RecordAtTime | null = null;
  walkRecords(buffer, at, decompress, ({ offsetDelta, timestampDeltaMs }) => {
    const offset = baseOffset + offsetDelta;
    const ofRecordMs = appendTimeMs ?? int64Sum(baseTimestampMs, timestampDeltaMs);
    if (offset < fromOffset || ofRecordMs < timestampMs) return undefined;
    found = { offset, timestampMs: ofRecordMs, leaderEpoch: batchLeaderEpoch(buffer, at) };
    return 'stop';
  });
  return found;
}

interface SearchInput {
  readonly batch: Uint8Array<ArrayBuffer>;
  readonly wanted: WantedTime;
  readonly limits: DecompressionLimits;
}

interface SearchOutput {
  readonly found: RecordAtTime | null;
  /** What has come of the limits. */
  readonly left: DecompressionLimits;
  /** Why the batch could not be searched. */
  readonly problem: { readonly tooLarge: boolean; readonly message: string } | null;
}

export const SEARCH_JOB: Job<SearchInput, SearchOutput> = {
  name: 'search a batch by time',
  run({ batch, wanted, limits }) {
    const allowance = new DecompressionAllowance(limits);
    try {
      const found = findInBatch(asBuffer(batch), 0, wanted, allowance.decompress);
      return { found, left: allowance.left, problem: null };
    } catch (error) {
      if (!(error instanceof CorruptBatch)) throw error;
      const tooLarge = error instanceof DecompressedTooLarge;
      return { found: null, left: allowance.left, problem: { tooLarge, message: error.message } };
    }
  },
  handedOver: ({ batch }) => [batch.buffer],
};
