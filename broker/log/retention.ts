/**
 * Removing what is old: segments wholly below the log's start, then the oldest while the log is larger
 * than retention.bytes, then those older than retention.ms. Only what is below the high watermark
 * goes, and the start of the log moves before the files do. (Kafka's UnifiedLog.deleteOldSegments.)
 */
import { int64Difference } from '../int64.ts';
import type { Segment } from './files/segment.ts';
import type { LogState } from './log-state.ts';
import { roll } from './roll.ts';

/** Returns how many segments were removed. */
export function deleteOldSegments(log: LogState): number {
  const byStart = remove(log, (_, next) => next !== undefined && next.baseOffset <= log.startOffset);
  if (!log.config.cleanupPolicy.delete) return byStart;
  return byStart + bySize(log) + byTime(log);
}

/** Moves the start of the log forward; false when it would pass the high watermark. */
export function raiseStartOffset(log: LogState, offset: number): boolean {
  if (offset > log.highWatermark) return false;
  if (offset <= log.startOffset) return true;
  log.startOffset = offset;
  log.epochs.truncateFromStart(offset);
  log.producers.onStartOffset(offset);
  log.refreshFirstUnstable();
  return true;
}

function bySize(log: LogState): number {
  const { retentionBytes } = log.config;
  let surplusBytes = log.segments.sizeBytes - retentionBytes;
  if (retentionBytes < 0 || surplusBytes < 0) return 0;
  return remove(log, (segment) => {
    if (surplusBytes < segment.sizeBytes) return false;
    surplusBytes -= segment.sizeBytes;
    return true;
  });
}

function byTime(log: LogState): number {
  const { retentionMs } = log.config;
  if (retentionMs < 0) return 0;
  const nowMs = log.clock.wallMs();
  return remove(log, (segment) => int64Difference(nowMs, segment.largestTimestampMs) > retentionMs);
}

function remove(log: LogState, isOld: (segment: Segment, next: Segment | undefined) => boolean): number {
  let old = oldestWhile(log, isOld);
  if (old.length === 0) return 0;
  if (old.length === log.segments.count) {
    const fresh = roll(log);
    old = old.filter((segment) => segment.baseOffset !== fresh.baseOffset);
  }
  const last = old.at(-1);
  const next = last === undefined ? undefined : log.segments.after(last.baseOffset);
  if (next === undefined || !raiseStartOffset(log, Math.max(next.baseOffset, log.startOffset))) return 0;
  log.removeSegments(old);
  return old.length;
}

function oldestWhile(
  log: LogState,
  isOld: (segment: Segment, next: Segment | undefined) => boolean,
): Segment[] {
  const old: Segment[] = [];
  const all = log.segments.all;
  for (const [index, segment] of all.entries()) {
    const next = all[index + 1];
    if (log.highWatermark < (next?.baseOffset ?? log.endOffset)) break;
    if ((next === undefined && segment.sizeBytes === 0) || !isOld(segment, next)) break;
    old.push(segment);
  }
  return old;
}
