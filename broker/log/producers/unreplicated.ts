/**
 * A transaction whose marker is not replicated holds the last stable offset back as an open one does. No
 * snapshot says of it, so whoever starts from a snapshot at the end of the log would show its records as
 * decided, and take that back if the marker is cut off. What is known only from reading is read again: the
 * headers above the high watermark, and, if a marker is among them, what leads up to it. Of neither more than
 * the last two segments. Kafka forgets such transactions at a restart.
 */
import { batchIsControl, batchMagic } from '../../records/batch.ts';
import { scanHeaders } from '../files/scan.ts';
import type { LogState } from '../log-state.ts';
import { replaySegment } from './producer-replay.ts';
import { ProducerState } from './producer-state.ts';

/** Once the high watermark is what the checkpoint says. */
export function restoreUnreplicated(log: LogState): void {
  const { producers, highWatermark, endOffset } = log;
  if (highWatermark >= endOffset || producers.isEmpty) return;
  if (!hasMarkerFrom(log, highWatermark)) return;
  const snapshotOffsets = producers.snapshots.offsets;
  const replayed = new ProducerState({
    disk: log.disk,
    directory: log.directory,
    expirationMs: () => log.services.liveConfig.now.producerIdExpirationMs,
  });
  const snapshots = snapshotOffsets.filter((offset) => offset <= highWatermark);
  replayed.loadFrom(snapshots, log.startOffset, log.clock.wallMs());
  for (const segment of lastSegments(log, replayed.mapEndOffset)) {
    const fromOffset = Math.max(segment.baseOffset, replayed.mapEndOffset);
    replaySegment(log, segment, fromOffset, { producers: replayed, endOffset });
  }
  producers.keepUnreplicated(replayed.unreplicatedFrom(highWatermark));
  log.refreshFirstUnstable();
}

function hasMarkerFrom(log: LogState, offset: number): boolean {
  for (const segment of lastSegments(log, offset)) {
    // The first batch that ends at the offset or after it; so do all behind it.
    const start = segment.locate(Math.max(segment.baseOffset, offset));
    if (start === null) continue;
    let found = false;
    scanHeaders(
      segment.file(),
      { fromBytes: start.positionBytes, toBytes: segment.sizeBytes },
      (buffer, at) => {
        found = batchMagic(buffer, at) >= 2 && batchIsControl(buffer, at);
        return found ? 'stop' : undefined;
      },
    );
    if (found) return true;
  }
  return false;
}

function lastSegments(log: LogState, fromOffset: number) {
  const last = log.segments.all.slice(-2);
  return log.segments
    .between(fromOffset, log.endOffset)
    .filter((segment) => segment.sizeBytes > 0 && last.includes(segment));
}
