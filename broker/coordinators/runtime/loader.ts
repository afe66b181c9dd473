/**
 * Reads a partition of a coordinator's topic from its first offset to its end and replays each record
 * into its shard. It reads in slices so that the broker goes on serving.
 * Source: Kafka's CoordinatorLoaderImpl, GroupMetadataManager.loadGroupsAndOffsets.
 */

import type { Int64 } from '../../int64.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import {
  batchBaseOffset,
  batchIsControl,
  batchIsTransactional,
  batchLastOffset,
  batchProducerId,
  completeBatches,
} from '../../records/batch.ts';
import { readControl } from '../../records/control.ts';
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
    if (batchIsControl(bytes, at)) {
      replayMarker(bytes, at, shard);
      continue;
    }
    const producerId = batchIsTransactional(bytes, at) ? batchProducerId(bytes, at) : undefined;
    for (const record of readRecords(bytes, at)) {
      if (record.offset >= from) replayRecord(record, producerId, shard, options);
    }
  }
  return next;
}

function replayMarker<R>(bytes: Buffer, at: number, shard: Shard<R>): void {
  const control = readControl(bytes, at);
  if (control === null || (control.type !== 'COMMIT' && control.type !== 'ABORT')) return;
  const end = { committed: control.type === 'COMMIT', markerOffset: batchBaseOffset(bytes, at) };
  shard.endTransaction?.(batchProducerId(bytes, at), end);
}

/** One unreadable record costs itself only. */
function replayRecord<R>(
  record: RecordData,
  producerId: Int64 | undefined,
  shard: Shard<R>,
  options: LoaderOptions<R>,
): void {
  if (record.key === null) return;
  try {
    const decoded = options.codec.decode({ key: record.key, value: record.value });
    if (decoded !== null) shard.replay(decoded, record.offset, producerId);
  } catch (error) {
    const { topic } = options.log;
    options.diagnostics.warn(`Skipped an unreadable record of ${topic} at offset ${record.offset}`, error);
  }
}
