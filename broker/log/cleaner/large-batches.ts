/**
 * Single batches that are too much for a slice: another thread reads them (batch-jobs.ts), and what is looked
 * up in the map of keys, which is here, is looked up in turns.
 */
import { asBuffer, doneAnyway, type Job, type Workers } from '../../platform/workers.ts';
import { CorruptBatch } from '../../records/batch.ts';
import type { Segment } from '../files/segment.ts';
import type { LogState } from '../log-state.ts';
import type { BatchFate } from './batch-filter.ts';
import { FILTER_JOB, KEYS_JOB } from './batch-jobs.ts';
import type { Guard } from './guard.ts';
import { ENTRY_BYTES, type KeyMap, readOffset } from './key-map.ts';
import type { SliceLimits } from './slices.ts';

interface Context {
  readonly log: LogState;
  readonly guard: Guard;
  readonly keys: KeyMap;
  readonly workers: Workers;
  readonly limits: SliceLimits;
}

/** Where it is. It is read when a job of it begins, so that what waits takes no memory. */
interface SingleBatch {
  readonly segment: Segment;
  readonly positionBytes: number;
  readonly sizeBytes: number;
}

/** Notes the keys of its records from `fromOffset` on; false when the map has no room for another. Throws CompactionGivenUp. */
export async function noteApart(batch: SingleBatch, fromOffset: number, context: Context): Promise<boolean> {
  const { keys } = context;
  let isFull = false;
  await eachKey(batch, context, (entries, at, offset) => {
    if (offset < fromOffset || isFull) return;
    isFull = keys.isFull;
    if (isFull) return;
    keys.putHash(entries, at, offset);
    keys.updateLatestOffset(offset);
  });
  return !isFull;
}

interface Compacting extends Context {
  readonly fate: BatchFate;
  readonly nowMs: number;
}

/** What is left of it, or null. Throws CompactionGivenUp. */
export async function compactApart(batch: SingleBatch, context: Compacting): Promise<Buffer | null> {
  const { log, keys, fate, nowMs } = context;
  const replaced: number[] = [];
  await eachKey(batch, context, (entries, at, offset) => {
    if (offset <= keys.latestOffset && offset < keys.getHash(entries, at)) replaced.push(offset);
  });
  const { latestOffset } = keys;
  const { deleteRetentionMs } = log.config;
  const rules = { fate, nowMs, deleteRetentionMs, latestOffset };
  const { left } = await elsewhere(FILTER_JOB, context, () => ({
    ...inputOf(batch, log),
    ...rules,
    replaced: new Float64Array(replaced),
  }));
  return left === null ? null : asBuffer(left);
}

async function eachKey(
  batch: SingleBatch,
  context: Context,
  visit: (entries: Buffer, at: number, offset: number) => void,
): Promise<void> {
  const { log, guard, limits } = context;
  const output = await elsewhere(KEYS_JOB, context, () => inputOf(batch, log));
  const entries = asBuffer(output.entries);
  const bytesPerTurn = limits.records * ENTRY_BYTES;
  for (let from = 0; from < entries.length; from += bytesPerTurn) {
    if (from > 0) await guard.pause(0);
    const to = Math.min(from + bytesPerTurn, entries.length);
    for (let at = from; at < to; at += ENTRY_BYTES) visit(entries, at, readOffset(entries, at));
  }
}

function inputOf({ segment, positionBytes, sizeBytes }: SingleBatch, log: LogState) {
  const batch = new Uint8Array(sizeBytes);
  segment.file().read(asBuffer(batch), 0, sizeBytes, positionBytes);
  return { batch, limitBytes: log.services.config.compressedBatchMaxDecompressedBytes };
}

/** Throws CompactionGivenUp: what was to be read may be gone meanwhile. */
async function elsewhere<Input, Output extends { readonly problem: string | null }>(
  job: Job<Input, Output>,
  { log, guard, workers }: Context,
  input: () => Input,
): Promise<Output> {
  const from = `compaction of ${log.name}`;
  const output = await doneAnyway(workers, job, { input, from, check: () => guard.check() });
  if (output.problem !== null) throw new CorruptBatch(output.problem);
  return output;
}
