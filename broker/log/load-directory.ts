/** Loading all logs of one log directory, a few at a time, with the offsets its checkpoints hold. */
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Disk } from '../platform/disk.ts';
import type { PartitionKey, TopicPartition } from '../types.ts';
import { LOG_START_CHECKPOINT, RECOVERY_POINT_CHECKPOINT } from './checkpoint.ts';
import { parseLogDirectoryName } from './file-names.ts';
import { loadLog } from './load.ts';
import type { LogDirectory } from './log-directory.ts';
import type { LogState } from './log-state.ts';
import { CorruptFile } from './storage-error.ts';

export interface LoadDirectoryOptions {
  readonly disk: Disk;
  readonly diagnostics: Diagnostics;
  /** How many logs are loaded side by side. */
  readonly concurrency: number;
  readonly newLog: (at: TopicPartition, path: string) => LogState;
}

export interface LoadedDirectory {
  readonly logs: readonly LogState[];
  /** Logs that were deleted before the last stop, whose files are still there. */
  readonly toDelete: readonly { readonly path: string; readonly topic: string }[];
}

export async function loadDirectory(
  directory: LogDirectory,
  { disk, diagnostics, concurrency, newLog }: LoadDirectoryOptions,
): Promise<LoadedDirectory> {
  const hadCleanShutdown = directory.takeCleanShutdownMarker();
  const recoveryPoints = offsetsOrNone(directory, RECOVERY_POINT_CHECKPOINT, diagnostics);
  const startOffsets = offsetsOrNone(directory, LOG_START_CHECKPOINT, diagnostics);
  const logs: LogState[] = [];
  const toDelete: { path: string; topic: string }[] = [];
  for (const name of disk.list(directory.path)) {
    const path = `${directory.path}/${name}`;
    const parsed = parseLogDirectoryName(name);
    if (parsed === null || disk.stat(path)?.isDirectory !== true) continue;
    const { topic, partition, kind } = parsed;
    if (kind === 'log') logs.push(newLog({ topic, partition }, path));
    else if (kind === 'delete') toDelete.push({ path, topic });
    else diagnostics.warn(`Leaving ${path} alone: it is a ${kind} replica`);
  }
  const how = hadCleanShutdown ? 'after a clean stop' : 'with recovery';
  diagnostics.info(`Loading ${logs.length} logs in ${directory.path} ${how}`);
  await eachLimited(logs, concurrency, (log) =>
    loadLog(log, {
      hadCleanShutdown,
      recoveryPoint: recoveryPoints.get(log.name) ?? 0,
      startOffset: startOffsets.get(log.name) ?? 0,
    }),
  );
  return { logs, toDelete };
}

/** A checkpoint that can't be read costs time, not data: everything is recovered. */
function offsetsOrNone(
  directory: LogDirectory,
  checkpoint: string,
  diagnostics: Diagnostics,
): Map<PartitionKey, number> {
  try {
    return directory.readOffsets(checkpoint);
  } catch (error) {
    if (!(error instanceof CorruptFile)) throw error;
    diagnostics.warn(
      `Error occurred while reading ${checkpoint} of directory ${directory.path}, resetting to 0`,
      error,
    );
    return new Map();
  }
}

async function eachLimited<T>(
  items: readonly T[],
  limit: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await run(item);
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker));
}
