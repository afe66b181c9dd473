/**
 * What compaction does with a batch that would hold the event loop, as jobs of other threads: its keys are
 * hashed there, looked up here, and what is left of the batch is made there.
 */
import { asBuffer, type Job, ownBytes } from '../../platform/workers.ts';
import { CorruptBatch } from '../../records/batch.ts';
import { decompressUpTo } from '../../records/compression.ts';
import { readRecords } from '../../records/record.ts';
import { type BatchFate, leftOfBatch } from './batch-filter.ts';
import { ENTRY_BYTES, keyHash, writeOffset } from './key-map.ts';

/** Bytes that can be handed over. */
type OwnBytes = Uint8Array<ArrayBuffer>;

interface BatchInput {
  readonly batch: OwnBytes;
  /** What it may decompress to. */
  readonly limitBytes: number;
}

/** Why the batch can't be read, or null. */
interface Problem {
  readonly problem: string | null;
}

/** Entries as of the key map, in the order of the records; those without a key have none. */
interface KeysOutput extends Problem {
  readonly entries: OwnBytes;
}

export const KEYS_JOB: Job<BatchInput, KeysOutput> = {
  name: 'note the keys of a batch',
  run: ({ batch, limitBytes }) =>
    orProblem({ entries: new Uint8Array(0) }, () => {
      const records = readRecords(asBuffer(batch), 0, decompressUpTo(limitBytes));
      const entries = Buffer.from(new ArrayBuffer(records.length * ENTRY_BYTES));
      let end = 0;
      for (const { key, offset } of records) {
        if (key === null) continue;
        keyHash(key).copy(entries, end);
        writeOffset(entries, end, offset);
        end += ENTRY_BYTES;
      }
      return { entries: ownBytes(entries.subarray(0, end)) };
    }),
  handedOver: ({ batch }) => [batch.buffer],
  handedBack: ({ entries }) => [entries.buffer],
};

interface FilterInput extends BatchInput {
  readonly fate: BatchFate;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /** Of the key map. */
  readonly latestOffset: number;
  /** Offsets of records that a later one of their key replaces. */
  readonly replaced: Float64Array<ArrayBuffer>;
}

/** null: nothing is left. */
interface FilterOutput extends Problem {
  readonly left: OwnBytes | null;
}

export const FILTER_JOB: Job<FilterInput, FilterOutput> = {
  name: 'compact a batch',
  run: ({ batch, limitBytes, fate, nowMs, deleteRetentionMs, latestOffset, replaced }) =>
    orProblem({ left: null }, () => {
      const offsets = new Set(replaced);
      const keys = { latestOffset, isReplaced: (_key: Buffer, offset: number) => offsets.has(offset) };
      const rules = { keys, nowMs, deleteRetentionMs, decompress: decompressUpTo(limitBytes) };
      const left = leftOfBatch(asBuffer(batch), 0, fate, rules);
      return { left: left === null ? null : ownBytes(left) };
    }),
  handedOver: ({ batch, replaced }) => [batch.buffer, replaced.buffer],
  handedBack: ({ left }) => (left === null ? [] : [left.buffer]),
};

function orProblem<Output>(otherwise: Output, run: () => Output): Output & Problem {
  try {
    return { ...run(), problem: null };
  } catch (error) {
    if (!(error instanceof CorruptBatch)) throw error;
    return { ...otherwise, problem: error.message };
  }
}
