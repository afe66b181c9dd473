/** Beginning a new segment: when the active one is full, old, or can't express the next offset. */
import type { LogConfig } from '../config/topic-config.ts';
import { type Int64, int64Difference, lesserInt64 } from '../int64.ts';
import type { Segment } from './files/segment.ts';
import { flushInBackground } from './flusher.ts';
import type { LogState } from './log-state.ts';

interface NextAppend {
  readonly sizeBytes: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: Int64;
  readonly nowMs: number;
}

/** The segment the append goes to. */
export function segmentFor(log: LogState, next: NextAppend): Segment {
  const active = log.segments.active;
  return shouldRoll(log, active, next) ? roll(log, next.firstOffset) : active;
}

/** Begins a new segment at the end of the log, or at `expectedOffset` when that is later. */
export function roll(log: LogState, expectedOffset = 0): Segment {
  const baseOffset = Math.max(expectedOffset, log.endOffset);
  const active = log.segments.active;
  if (active.baseOffset === baseOffset) {
    if (active.sizeBytes > 0) throw new Error(`${log.name} has a segment with data at ${baseOffset} already`);
    active.close();
    log.segments.remove(active);
    log.filesChanged();
  } else {
    active.seal();
  }
  const segment = log.createSegment(baseOffset);
  log.producers.updateMapEndOffset(baseOffset);
  const snapshotPath = log.producers.takeSnapshot(false);
  flushInBackground(log, baseOffset, snapshotPath);
  log.redrawJitter();
  return segment;
}

function shouldRoll(log: LogState, active: Segment, next: NextAppend): boolean {
  const { config } = log;
  if (active.sizeBytes > config.segmentBytes - next.sizeBytes) return true;
  if (active.indexes.isFull || !active.holdsRelative(next.lastOffset)) return true;
  if (active.sizeBytes === 0) return false;
  return (
    active.timeWaitedMs(next.nowMs, next.maxTimestampMs) >
    int64Difference(maxSegmentMs(config), log.rollJitterMs)
  );
}

/** What must be compacted in time must be in a sealed segment in time. */
function maxSegmentMs({ cleanupPolicy, segmentMs, maxCompactionLagMs }: LogConfig): Int64 {
  return cleanupPolicy.compact ? lesserInt64(maxCompactionLagMs, segmentMs) : segmentMs;
}
