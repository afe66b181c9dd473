/**
 * Reads a partition of a coordinator's topic from its first offset to its end and replays each record
 * into its shard. It reads in slices so that the broker goes on serving.
 * Source: Kafka's CoordinatorLoaderImpl, GroupMetadataManager.loadGroupsAndOffsets.
 */
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import { batchIsControl, batchLastOffset, completeBatches } from '../../records/batch.ts';
import { type RecordData, readRecords } from '../../records/record.ts';
import type { OwnedPartition } from './ownership.ts';
import type { RecordCodec, Shard } from './shard.ts';
import type { StateLog } from './state-log.ts';

interface LoaderOptions<R> {
  readonly log: StateLog;
  readonly codec: RecordCodec<R>;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly bufferSizeBytes: number;
}

/** Replays the partition into `owner.shard`; false when it was lost meanwhile. Throws when the log can't be read. */
export async function loadShard<R, S extends Shard<R>>(
  owner: OwnedPartition<S>,
  options: LoaderOptions<R>,
): Promise<boolean> {
  const { log, clock, bufferSizeBytes } = options;
  let position = log.range(owner.partition)?.startOffset ?? 0;
  for (;;) {
    await new Promise<void>((resolve) => clock.soon(resolve));
    if (owner.state !== 'loading') return false;
    const slice = log.read(owner.partition, position, bufferSizeBytes);
    if (slice === null) return false;
    let next: number;
    try {
      next = replaySlice(slice.bytes, position, owner.shard, options);
    } finally {
      slice.release();
    }
    if (next === position) return true;
    position = next;
  }
}

function replaySlice<R>(bytes: Buffer, from: number, shard: Shard<R>, options: LoaderOptions<R>): number {
  let next = from;
  for (const at of completeBatches(bytes, 0, bytes.length)) {
    next = Math.max(next, batchLastOffset(bytes, at) + 1);
    if (batchIsControl(bytes, at)) continue;
    for (const record of readRecords(bytes, at)) {
      if (record.offset >= from) replayRecord(record, shard, options);
    }
  }
  return next;
}

/** One unreadable record costs itself only. */
function replayRecord<R>(record: RecordData, shard: Shard<R>, options: LoaderOptions<R>): void {
  if (record.key === null) return;
  try {
    const decoded = options.codec.decode({ key: record.key, value: record.value });
    if (decoded !== null) shard.replay(decoded, record.offset);
  } catch (error) {
    const { topic } = options.log;
    options.diagnostics.warn(`Skipped an unreadable record of ${topic} at offset ${record.offset}`, error);
  }
}
