/**
 * Making a log durable. Normally that is left to the operating system and to replication; a sync
 * happens when flush.messages or flush.ms ask for it, for sealed segments (in the background), and on
 * a clean stop. The recovery point moves after the sync, and a recovery begins there.
 */

import { syncPartitionMetadataNow } from './files/partition-metadata.ts';
import { asStorageError, isDiskError, StorageError } from './files/storage-error.ts';
import type { LogState } from './log-state.ts';

/** Everything up to the end of the log is on the disk when this returns. */
export function flush(log: LogState): void {
  const upTo = log.endOffset;
  log.unflushedRecords = 0;
  log.lastFlushMs = log.clock.nowMs();
  if (upTo <= log.recoveryPoint) return;
  const hasNewName = log.topicIdSync !== null;
  if (hasNewName) syncPartitionMetadataNow(log.disk, log.directory);
  log.topicIdSync = null;
  const segments = log.segments.between(log.recoveryPoint, upTo + 1);
  for (const segment of segments) segment.sync();
  if (hasNewName || segments.some((segment) => segment.baseOffset >= log.recoveryPoint)) {
    syncNames(log);
  }
  // A recovery would not read the epochs below its beginning out of the batches.
  log.epochs.save();
  log.recoveryPoint = upTo;
}

/** flush.ms: begins a background sync when the last one was too long ago. */
export function flushWhenDue(log: LogState): void {
  if (log.clock.nowMs() - log.lastFlushMs < log.config.flushMs) return;
  log.unflushedRecords = 0;
  log.lastFlushMs = log.clock.nowMs();
  flushInBackground(log, log.endOffset, null);
}

/**
 * Syncs what lies below `upTo` on another thread, then moves the recovery point there. One at a time: each
 * closes the files that it is done with, and would close them under another.
 */
export function flushInBackground(log: LogState, upTo: number, snapshotPath: string | null): void {
  if (upTo <= log.recoveryPoint) return;
  const before = log.backgroundFlush ?? Promise.resolve();
  const flushing = before
    .then(() => syncBelow(log, upTo, snapshotPath))
    .catch((error: unknown) => {
      const failure = asStorageError(log.logDirectory, `flushing log for ${log.name}`, error);
      if (log.closed) return;
      if (failure instanceof StorageError) log.services.onStorageError(failure);
      else log.services.diagnostics.error(`flushing ${log.name} failed`, failure);
    })
    .then(() => {
      if (log.backgroundFlush === flushing) log.backgroundFlush = null;
    });
  log.backgroundFlush = flushing;
}

async function syncBelow(log: LogState, upTo: number, snapshotPath: string | null): Promise<void> {
  if (log.closed || upTo <= log.recoveryPoint) return;
  const { changes } = log;
  await log.topicIdSync;
  // It could not be synced: nothing counts as durable without it.
  if (log.topicIdSync !== null) return;
  if (snapshotPath !== null) await syncSnapshot(log, snapshotPath);
  for (const segment of log.segments.between(log.recoveryPoint, upTo)) {
    if (log.closed) return;
    if (segment.removed) continue;
    await segment.syncInBackground();
    // A sealed segment needs its descriptor again only when someone reads it.
    if (!log.closed && segment !== log.segments.active) segment.close();
  }
  // A truncation or compaction meanwhile may have replaced what was synced.
  if (log.closed || log.changes !== changes) return;
  await syncNamesInBackground(log);
  if (log.closed || log.changes !== changes) return;
  log.epochs.save();
  log.recoveryPoint = Math.max(log.recoveryPoint, Math.min(upTo, log.endOffset));
}

/** Without this a power failure could leave synced data without a name. */
function syncNames(log: LogState): void {
  log.disk.syncDirectory(log.directory);
  if (log.folderIsDurable) return;
  log.disk.syncDirectory(log.logDirectory);
  log.folderIsDurable = true;
}

/** The same on another thread: the disk may take a tenth of a second, in which nobody else must wait for it. */
async function syncNamesInBackground(log: LogState): Promise<void> {
  const { disk, directory } = log;
  try {
    await disk.syncDirectoryInBackground(directory);
    if (log.folderIsDurable) return;
    await disk.syncDirectoryInBackground(log.logDirectory);
    log.folderIsDurable = true;
  } catch (error) {
    // The folder was renamed meanwhile, to take its place.
    const isElsewhere = isDiskError(error) && error.code === 'ENOENT' && log.directory !== directory;
    if (!isElsewhere) throw error;
    await syncNamesInBackground(log);
  }
}

async function syncSnapshot(log: LogState, path: string): Promise<void> {
  if (log.disk.stat(path) === null) return;
  const file = log.disk.open(path, 'write');
  try {
    await file.syncInBackground();
  } finally {
    file.close();
  }
}
