/**
 * Repairing a segment from its records alone: every batch is checked, the indexes, the aborted
 * transactions, the epochs and the producers are made anew, and the file is cut at the first bytes
 * that are not a valid batch. Nothing complete before them is lost. (Kafka's LogSegment.recover.)
 */
import {
  batchBaseOffset,
  batchCrcIsValid,
  batchLeaderEpoch,
  batchMagic,
  batchSizeBytes,
} from '../records/batch.ts';
import { lastOffsetOf, maxTimestampOf } from './files/batch-fields.ts';
import { scanBatches, scanHeaders } from './files/scan.ts';
import type { Segment } from './files/segment.ts';
import type { LogState } from './log-state.ts';
import { rebuildProducers, replayBatch } from './producers/producer-replay.ts';
import { ProducerState } from './producers/producer-state.ts';

/** Returns how many bytes were cut off. */
export function recoverSegment(log: LogState, segment: Segment, startOffset: number): number {
  const producers = new ProducerState({
    disk: log.disk,
    directory: log.directory,
    expirationMs: () => log.services.liveConfig.now.producerIdExpirationMs,
  });
  producers.snapshots.rescan();
  rebuildProducers(log, { producers, startOffset, endOffset: segment.baseOffset, afterCleanStop: false });
  segment.indexes.reset();
  let previousOffset = segment.baseOffset - 1;
  const range = { fromBytes: 0, toBytes: segment.sizeBytes };
  const validBytes = scanBatches(segment.file(), range, log.buffers, (buffer, at, positionBytes) => {
    const lastOffset = lastOffsetOf(buffer, at);
    if (lastOffset <= previousOffset || !segment.holdsRelative(lastOffset) || !batchCrcIsValid(buffer, at)) {
      return 'stop';
    }
    previousOffset = lastOffset;
    const maxTimestampMs = maxTimestampOf(buffer, at);
    const noted = { lastOffset, maxTimestampMs, offsetOfMaxTimestamp: lastOffset };
    segment.indexes.note(noted, positionBytes, batchSizeBytes(buffer, at));
    noteNewEpoch(log, buffer, at);
    replayBatch(producers, buffer, at, (aborted, lastStableOffset) => {
      const { producerId, firstOffset, lastOffset: markerOffset } = aborted;
      segment.indexes.aborted.append({ producerId, firstOffset, lastOffset: markerOffset, lastStableOffset });
    });
    return undefined;
  });
  const cutBytes = segment.sizeBytes - validBytes;
  segment.cutFile(validBytes);
  segment.seal();
  // Below the recovery point nothing else would: the next recovery begins after what has been made anew here.
  segment.indexes.aborted.sync();
  producers.takeSnapshot(false);
  return cutBytes;
}

/** Makes the epoch history anew from the batches, when its file is unusable. */
export function rebuildEpochs(log: LogState): void {
  log.epochs.clear();
  for (const segment of log.segments.all) {
    scanHeaders(segment.file(), { fromBytes: 0, toBytes: segment.sizeBytes }, (buffer, at) => {
      noteNewEpoch(log, buffer, at);
      return undefined;
    });
  }
}

function noteNewEpoch(log: LogState, buffer: Buffer, at: number): void {
  if (batchMagic(buffer, at) < 2) return;
  const epoch = batchLeaderEpoch(buffer, at);
  if (epoch > log.epochs.latestEpoch()) log.epochs.assign(epoch, batchBaseOffset(buffer, at));
}
