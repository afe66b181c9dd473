/**
 * Bringing producer state to where a log ends: from the newest snapshot, by reading the records after
 * it. (Kafka's UnifiedLog.rebuildProducerState.)
 */

import { hasProducerId, lastOffsetOf } from '../files/batch-fields.ts';
import { scanBatches } from '../files/scan.ts';
import type { Segment } from '../files/segment.ts';
import type { LogState } from '../log-state.ts';
import type { ProducerState } from './producer-state.ts';
import { ProducerUpdate } from './producer-update.ts';

interface ReplayTarget {
  readonly producers: ProducerState;
  readonly startOffset: number;
  readonly endOffset: number;
  /** After a clean stop without any snapshot there were no producers to remember. */
  readonly afterCleanStop: boolean;
}

/** Leaves `producers` at `target.endOffset`, with a snapshot there. */
export function rebuildProducers(log: LogState, target: ReplayTarget): void {
  const { producers, startOffset, endOffset } = target;
  const snapshotAt = new Set([...log.segments.all.slice(-2).map((segment) => segment.baseOffset), endOffset]);
  if (producers.snapshots.offsets.length === 0 && target.afterCleanStop) {
    for (const offset of snapshotAt) snapshotNow(producers, offset);
    return;
  }
  const wasEmpty = producers.isEmpty && producers.mapEndOffset >= endOffset;
  producers.truncateAndReload(startOffset, endOffset, log.clock.wallMs());
  if (endOffset > producers.mapEndOffset && !wasEmpty) {
    for (const segment of log.segments.between(producers.mapEndOffset, endOffset)) {
      const fromOffset = Math.max(segment.baseOffset, producers.mapEndOffset, startOffset);
      producers.updateMapEndOffset(fromOffset);
      if (snapshotAt.has(segment.baseOffset)) producers.takeSnapshot(false);
      replaySegment(log, segment, fromOffset, target);
    }
  }
  snapshotNow(producers, endOffset);
}

/** Applies the records of one segment; its aborted transactions are in its index already. */
export function replaySegment(
  log: LogState,
  segment: Segment,
  fromOffset: number,
  target: Pick<ReplayTarget, 'producers' | 'endOffset'>,
): void {
  const start = segment.sizeBytes === 0 ? null : segment.locate(fromOffset);
  if (start === null) return;
  const range = { fromBytes: start.positionBytes, toBytes: segment.sizeBytes };
  scanBatches(segment.file(), range, log.buffers, (buffer, at) => {
    if (lastOffsetOf(buffer, at) >= target.endOffset) return 'stop';
    replayBatch(target.producers, buffer, at, () => {});
    return undefined;
  });
}

/** Applies one batch that is in the log. */
export function replayBatch(
  producers: ProducerState,
  buffer: Buffer,
  at: number,
  onAborted: Parameters<ProducerUpdate['commit']>[0],
): void {
  if (hasProducerId(buffer, at)) {
    const update = new ProducerUpdate(producers, { origin: 'replication' });
    update.add(buffer, at);
    update.commit(onAborted);
  }
  producers.updateMapEndOffset(lastOffsetOf(buffer, at) + 1);
}

function snapshotNow(producers: ProducerState, offset: number): void {
  producers.updateMapEndOffset(offset);
  producers.takeSnapshot(false);
}
