/**
 * Cutting a log back, when it holds records that its leader does not have, or emptying it, when all
 * its leader still has lies further on. A truncation is synced: were it undone by a power failure, the
 * log would hold records that its epochs deny, and nobody would notice that it differs from its
 * leader's. (Kafka's UnifiedLog.truncateTo and truncateFullyAndStartAt, which leave that to chance.)
 */
import type { LogState } from './log-state.ts';
import { rebuildProducers } from './producers/producer-replay.ts';

/** Removes the records from `offset` on. True when there were any. */
export function truncateTo(log: LogState, offset: number): boolean {
  if (offset >= log.endOffset) {
    log.epochs.truncateFromEnd(offset);
    return false;
  }
  if (log.segments.first.baseOffset > offset) {
    truncateFullyAndStartAt(log, offset);
    return true;
  }
  if (log.holeOffset !== null && offset <= log.holeOffset) log.holeOffset = null;
  log.removeSegments(log.segments.all.filter((segment) => segment.baseOffset > offset));
  log.segments.active.truncateTo(offset);
  log.segments.active.sync();
  log.filesChanged();
  log.endOffset = offset;
  log.noteTruncation(offset);
  log.epochs.truncateFromEnd(offset);
  log.startOffset = Math.min(log.startOffset, offset);
  const unreplicated = log.producers.unreplicatedFrom(log.highWatermark);
  rebuildProducers(log, {
    producers: log.producers,
    startOffset: log.startOffset,
    endOffset: offset,
    afterCleanStop: false,
  });
  // A snapshot that was taken after their end does not say of them.
  log.producers.keepUnreplicated(unreplicated.filter(([, markerOffset]) => markerOffset < offset));
  // Last, with the snapshots of what was cut away gone: one that came back after the log has grown past it
  // would say of the new records what was true of the old ones.
  log.disk.syncDirectory(log.directory);
  if (log.highWatermark >= offset) log.setHighWatermark(offset);
  // The replay has found transactions whose markers are committed long since.
  log.producers.onHighWatermark(log.highWatermark);
  log.refreshFirstUnstable();
  return true;
}

/** Empties the log; the next record gets `offset`. */
export function truncateFullyAndStartAt(log: LogState, offset: number): void {
  log.removeSegments([...log.segments.all]);
  log.holeOffset = null;
  log.createSegment(offset);
  log.filesChanged();
  log.endOffset = offset;
  log.startOffset = offset;
  log.noteTruncation(offset);
  log.epochs.clear();
  log.producers.truncateFully(offset);
  log.disk.syncDirectory(log.directory);
  log.highWatermark = offset;
  log.refreshFirstUnstable();
}
