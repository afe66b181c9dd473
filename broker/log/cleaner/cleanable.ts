/**
 * What of a log may be compacted, and whether it is worth it: from the first dirty offset up to the
 * active segment, the last stable offset, or records younger than min.compaction.lag.ms.
 * (Kafka's LogCleanerManager.cleanableOffsets and LogToClean.)
 */
import { type Int64, int64Difference } from '../../int64.ts';
import type { Segment } from '../files/segment.ts';
import type { LogState } from '../log-state.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { CompactionRange } from './compaction.ts';

export interface Cleanable {
  readonly log: PartitionLog;
  readonly range: CompactionRange;
  /** The share of dirty bytes. */
  readonly ratio: number;
}

/** null when there is nothing to do, or too little to be worth it. */
export function cleanableRange(log: PartitionLog, checkpointedOffset: number | null): Cleanable | null {
  const { state, config } = log;
  const nowMs = state.clock.wallMs();
  const firstDirtyOffset = firstDirty(log, checkpointedOffset);
  const sealed = sealedFrom(state, firstDirtyOffset);
  const youngest = sealed.find((segment) => segment.largestTimestampMs > nowMs - config.minCompactionLagMs);
  const limits = [log.lastStableOffset, state.segments.active.baseOffset];
  if (config.minCompactionLagMs > 0 && youngest !== undefined) limits.push(youngest.baseOffset);
  const limit = Math.max(firstDirtyOffset, Math.min(...limits));
  // Only whole segments are compacted: the one that holds the limit stays.
  const firstUncleanable = sealedFrom(state, limit)[0] ?? state.segments.active;
  const firstUncleanableOffset = firstUncleanable.baseOffset;
  let cleanBytes = 0;
  let dirtyBytes = 0;
  for (const segment of state.segments.all) {
    if (segment.baseOffset >= firstUncleanableOffset) break;
    if (segment.baseOffset < firstDirtyOffset && !holds(state, segment, firstDirtyOffset))
      cleanBytes += segment.sizeBytes;
    else dirtyBytes += segment.sizeBytes;
  }
  if (dirtyBytes === 0) return null;
  const ratio = dirtyBytes / (cleanBytes + dirtyBytes);
  const overdue = isOverdue(sealed, int64Difference(nowMs, config.maxCompactionLagMs));
  if (ratio <= config.minCleanableDirtyRatio && !overdue) return null;
  return { log, range: { firstDirtyOffset, firstUncleanableOffset }, ratio };
}

function firstDirty(log: PartitionLog, checkpointedOffset: number | null): number {
  const offset = checkpointedOffset ?? log.startOffset;
  return offset < log.startOffset || offset > log.endOffset ? log.startOffset : offset;
}

/** The segments but the active one, from the one that holds `offset` on. */
function sealedFrom(log: LogState, offset: number): Segment[] {
  return log.segments.between(offset, log.segments.active.baseOffset);
}

function holds(log: LogState, segment: Segment, offset: number): boolean {
  const end = log.segments.after(segment.baseOffset)?.baseOffset ?? log.endOffset;
  return segment.baseOffset <= offset && offset < end;
}

function isOverdue(dirty: readonly Segment[], limitMs: Int64): boolean {
  return dirty.some((segment) => {
    const firstMs = segment.firstTimestampMs();
    return firstMs > 0 && firstMs < limitMs;
  });
}
