/** Loading all logs of one log directory, a few at a time, with the offsets its checkpoints hold. */
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Disk } from '../platform/disk.ts';
import type { TopicPartition } from '../types.ts';
import { LOG_START_CHECKPOINT, RECOVERY_POINT_CHECKPOINT } from './files/checkpoint.ts';
import { parseLogDirectoryName } from './files/file-names.ts';
import { loadLog } from './load.ts';
import type { LogDirectories } from './log-directories.ts';
import type { LogDirectory } from './log-directory.ts';
import type { LogState } from './log-state.ts';

interface LoadDirectoryOptions {
  readonly disk: Disk;
  readonly directories: LogDirectories;
  readonly diagnostics: Diagnostics;
  /** How many logs are loaded side by side. */
  readonly concurrency: number;
  readonly newLog: (at: TopicPartition, path: string) => LogState;
}

interface LoadedDirectory {
  readonly logs: readonly LogState[];
  /** Logs that were deleted before the last stop, whose files are still there. */
  readonly toDelete: readonly { readonly path: string; readonly topic: string }[];
}

/** Throws disk errors; a folder whose name is not that of a log is left alone. */
export async function loadDirectory(
  directory: LogDirectory,
  { disk, directories, diagnostics, concurrency, newLog }: LoadDirectoryOptions,
): Promise<LoadedDirectory> {
  const hadCleanShutdown = directory.takeCleanShutdownMarker();
  const recoveryPoints = directories.readOffsets(directory.path, RECOVERY_POINT_CHECKPOINT);
  const startOffsets = directories.readOffsets(directory.path, LOG_START_CHECKPOINT);
  const logs: LogState[] = [];
  const toDelete: { path: string; topic: string }[] = [];
  for (const name of disk.list(directory.path)) {
    const path = `${directory.path}/${name}`;
    if (disk.stat(path)?.isDirectory !== true) continue;
    const parsed = parseLogDirectoryName(name);
    if (parsed === null) {
      diagnostics.warn(`Leaving ${path} alone: its name is not that of a partition's log`);
      continue;
    }
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
