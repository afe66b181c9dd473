/**
 * Bringing a log up from its files: what an interrupted deletion or compaction left is finished or
 * undone, indexes that are missing or damaged are rebuilt, and after anything but a clean stop every
 * segment from the recovery point on is checked batch by batch. (Kafka's LogLoader.)
 */
import { EPOCH_CHECKPOINT, EpochHistory } from './files/epoch-history.ts';
import {
  ABORTED_INDEX_SUFFIX,
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetName,
  offsetOfName,
  SEGMENT_SUFFIXES,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
} from './files/file-names.ts';
import { readPartitionMetadata } from './files/partition-metadata.ts';
import { Segment } from './files/segment.ts';
import { CorruptFile } from './files/storage-error.ts';
import type { LogState } from './log-state.ts';
import { rebuildProducers } from './producers/producer-replay.ts';
import { rebuildEpochs, recoverSegment } from './recovery.ts';

/** What is known of a log before any of its files is read. */
interface LoadOptions {
  readonly hadCleanShutdown: boolean;
  /** From the checkpoints; 0 when they don't name this log. */
  readonly recoveryPoint: number;
  readonly startOffset: number;
}

/** Makes the files of a log that does not exist yet. */
export function createLog(log: LogState): void {
  log.disk.makeDirectory(log.directory);
  log.createSegment(0);
}

/** Loads what there is; between segments that need recovery others may run. */
export async function loadLog(log: LogState, options: LoadOptions): Promise<void> {
  const { diagnostics } = log.services;
  finishInterruptedWork(log);
  log.producers.snapshots.rescan();
  const newestSnapshot = Math.max(0, ...log.producers.snapshots.offsets);
  const damaged = openSegments(log);
  const epochsLost = loadEpochs(log);
  log.topicId = readPartitionMetadata(log.disk, log.directory);
  for (const [segment, why] of damaged) {
    diagnostics.warn(`[${log.name}] rebuilding the indexes of segment ${segment.baseOffset}: ${why}`);
    recoverSegment(log, segment, options.startOffset);
    await breathe(log);
  }
  if (!options.hadCleanShutdown) await recoverFrom(log, options);
  settleEnd(log, options);
  if (epochsLost) rebuildEpochs(log);
  log.epochs.truncateFromEnd(log.endOffset);
  log.startOffset = Math.max(options.startOffset, log.segments.first.baseOffset);
  log.epochs.truncateFromStart(log.startOffset);
  log.producers.snapshots.rescan();
  log.producers.snapshots.removeStray(new Set(log.segments.all.map((segment) => segment.baseOffset)));
  rebuildProducers(log, {
    producers: log.producers,
    startOffset: log.startOffset,
    endOffset: log.endOffset,
    afterCleanStop: options.hadCleanShutdown,
  });
  // Of records that are lost, and gone by now: it must not come back once there are others in their place.
  if (newestSnapshot > log.endOffset) log.disk.syncDirectory(log.directory);
  log.highWatermark = log.startOffset;
  log.refreshFirstUnstable();
  // Descriptors are for logs in use; the files are opened again when they are needed.
  for (const segment of log.segments.all) segment.close();
}

/** Removes what was on its way out, and ends or undoes the swap of a compaction. */
function finishInterruptedWork(log: LogState): void {
  const { disk, directory } = log;
  const names = disk.list(directory);
  let firstCleaned = Number.POSITIVE_INFINITY;
  for (const name of names) {
    if (name.endsWith(CLEANED_SUFFIX)) firstCleaned = Math.min(firstCleaned, offsetOfName(name) ?? 0);
    if (name.endsWith(DELETED_SUFFIX) || name.endsWith(CLEANED_SUFFIX)) disk.remove(`${directory}/${name}`);
  }
  const swaps = names.filter((name) => name.endsWith(SWAP_SUFFIX));
  // Names change from .cleaned to .swap before anything is removed: with one .cleaned left, all sources are there.
  const unfinished = swaps.filter((name) => (offsetOfName(name) ?? 0) >= firstCleaned);
  for (const name of unfinished) disk.remove(`${directory}/${name}`);
  finishSwap(
    log,
    swaps.filter((name) => !unfinished.includes(name)),
  );
}

function finishSwap(log: LogState, swaps: readonly string[]): void {
  const { disk, directory } = log;
  let from = Number.POSITIVE_INFINITY;
  let to = -1;
  for (const name of swaps.filter((swap) => swap.endsWith(LOG_SUFFIX + SWAP_SUFFIX))) {
    const baseOffset = offsetOfName(name) ?? 0;
    from = Math.min(from, baseOffset);
    to = Math.max(to, endOfSwap(log, baseOffset));
  }
  for (const name of disk.list(directory)) {
    const offset = offsetOfName(name);
    const replaced = offset !== null && offset >= from && offset < to;
    if (replaced && SEGMENT_SUFFIXES.some((suffix) => name.endsWith(suffix))) {
      disk.remove(`${directory}/${name}`);
    }
  }
  for (const name of swaps) {
    disk.rename(`${directory}/${name}`, `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`);
  }
}

function endOfSwap(log: LogState, baseOffset: number): number {
  const segment = Segment.open(log, baseOffset, SWAP_SUFFIX);
  const { nextOffset } = segment.end();
  segment.close();
  return nextOffset;
}

/** Opens every segment; returns those whose indexes must be made anew, with the reason. */
function openSegments(log: LogState): Map<Segment, string> {
  const { disk, directory } = log;
  const names = new Set(disk.list(directory));
  const damaged = new Map<Segment, string>();
  for (const name of names) {
    const baseOffset = offsetOfName(name);
    if (baseOffset === null) continue;
    if (name.endsWith(LOG_SUFFIX)) {
      const segment = Segment.open(log, baseOffset);
      log.segments.add(segment);
      try {
        segment.indexes.load();
      } catch (error) {
        if (!(error instanceof CorruptFile)) throw error;
        damaged.set(segment, error.message);
      }
      continue;
    }
    const isIndex = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORTED_INDEX_SUFFIX].some((suffix) =>
      name.endsWith(suffix),
    );
    if (isIndex && !names.has(offsetName(baseOffset) + LOG_SUFFIX)) disk.remove(`${directory}/${name}`);
  }
  return damaged;
}

/** True when the history can't be read and has to come from the batches. */
function loadEpochs(log: LogState): boolean {
  try {
    log.epochs = EpochHistory.load(log.disk, `${log.directory}/${EPOCH_CHECKPOINT}`);
    return false;
  } catch (error) {
    if (!(error instanceof CorruptFile)) throw error;
    log.services.diagnostics.warn(`[${log.name}] rebuilding the leader epochs`, error);
    return true;
  }
}

/**
 * Checks every segment from the one that holds the recovery point on. The epochs of that stretch come
 * from its batches: a power failure can bring records back that were truncated, under epochs that the
 * checkpoint no longer has.
 */
async function recoverFrom(log: LogState, options: LoadOptions): Promise<void> {
  const suspects = log.segments.between(options.recoveryPoint, Number.POSITIVE_INFINITY);
  const [first] = suspects;
  if (first !== undefined) log.epochs.truncateFromEnd(first.baseOffset);
  for (const [index, segment] of suspects.entries()) {
    const cutBytes = recoverSegment(log, segment, options.startOffset);
    const later = suspects.slice(index + 1);
    if (cutBytes === 0) noteHole(log, segment, later[0]);
    else {
      log.services.diagnostics.warn(
        `[${log.name}] cut ${cutBytes} bytes without a valid batch from segment ${segment.baseOffset}, removing ${later.length} segments after it`,
      );
      log.removeSegments(later);
      segment.sync();
      log.disk.syncDirectory(log.directory);
      return;
    }
    await breathe(log);
  }
}

/**
 * The next segment does not continue this one, which only lost writes can explain: offsets are contiguous
 * unless compaction has been at work, and never overlap. As in Kafka all is kept, as nobody else may have it;
 * a replica that has a leader goes back there, and gets what is missing (follower-log.ts).
 */
function noteHole(log: LogState, segment: Segment, next: Segment | undefined): void {
  if (next === undefined || log.holeOffset !== null) return;
  const { nextOffset } = segment.end();
  if (nextOffset === next.baseOffset) return;
  if (nextOffset < next.baseOffset && log.config.cleanupPolicy.compact) return;
  log.holeOffset = Math.min(nextOffset, next.baseOffset);
  log.services.diagnostics.warn(
    `[${log.name}] segment ${segment.baseOffset} ends at ${nextOffset}, and the next one begins at ${next.baseOffset}`,
  );
}

/** Finds the end of the log, and where a recovery would have to begin. */
function settleEnd(log: LogState, options: LoadOptions): void {
  let endOffset = endOfLog(log, options.startOffset);
  if (endOffset !== null && endOffset < options.startOffset) {
    log.services.diagnostics.warn(
      `[${log.name}] removing all segments: the log ends at ${endOffset}, before its start ${options.startOffset}`,
    );
    log.removeSegments([...log.segments.all]);
    log.epochs.clear();
    log.producers.truncateFully(options.startOffset);
    endOffset = null;
  }
  if (log.segments.count === 0) log.createSegment(options.startOffset);
  log.endOffset = endOffset ?? log.segments.active.baseOffset;
  const trusted = options.hadCleanShutdown && endOffset !== null;
  log.recoveryPoint = trusted ? log.endOffset : Math.min(options.recoveryPoint, log.endOffset);
}

/** null when there is no segment. A file that does not end with a batch is repaired on the way. */
function endOfLog(log: LogState, startOffset: number): number | null {
  if (log.segments.count === 0) return null;
  const { active } = log.segments;
  const { nextOffset, clean } = active.end();
  if (clean) return nextOffset;
  const cutBytes = recoverSegment(log, active, startOffset);
  log.services.diagnostics.warn(`[${log.name}] cut ${cutBytes} bytes from segment ${active.baseOffset}`);
  return active.end().nextOffset;
}

/** Lets timers and sockets have their turn. */
function breathe(log: LogState): Promise<void> {
  return new Promise((resolve) => {
    log.clock.soon(resolve);
  });
}
