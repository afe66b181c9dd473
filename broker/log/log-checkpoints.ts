/**
 * The checkpoint files of all log directories as seen from the logs: recovery points, log starts and
 * high watermarks, each in the directory its logs lie in.
 */
import { type PartitionKey, partitionKey } from '../types.ts';
import {
  HIGH_WATERMARK_CHECKPOINT,
  LOG_START_CHECKPOINT,
  RECOVERY_POINT_CHECKPOINT,
} from './files/checkpoint.ts';
import type { LogDirectories } from './log-directories.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Tasks } from './tasks.ts';

/** `in-background`: nobody waits for the disk, and what is written `now` in the meantime stays. */
export type CheckpointWhen = 'now' | 'in-background';

export class LogCheckpoints {
  readonly #directories: LogDirectories;
  readonly #logs: ReadonlyMap<PartitionKey, PartitionLog>;
  readonly #tasks: Tasks;
  /** Directories whose checkpoints are written in the next turn. */
  readonly #due = new Set<string>();

  constructor(directories: LogDirectories, logs: ReadonlyMap<PartitionKey, PartitionLog>, tasks: Tasks) {
    this.#directories = directories;
    this.#logs = logs;
    this.#tasks = tasks;
  }

  writeRecoveryPoints(path: string, when: CheckpointWhen): void {
    const offsets = this.#logsIn(path).map((log) => [keyOf(log), log.recoveryPoint] as const);
    this.#write(path, RECOVERY_POINT_CHECKPOINT, new Map(offsets), when);
  }

  /** One kind, of all directories that work. */
  writeEverywhereInBackground(kind: 'recovery-points' | 'log-starts'): void {
    for (const { path } of this.#directories.online) {
      if (kind === 'recovery-points') this.writeRecoveryPoints(path, 'in-background');
      else this.writeLogStarts(path, 'in-background');
    }
  }

  /** Only of logs that begin within a segment; the others' first file says it. */
  writeLogStarts(path: string, when: CheckpointWhen): void {
    const offsets = new Map<PartitionKey, number>();
    for (const log of this.#logsIn(path)) {
      const offset = log.startOffsetToCheckpoint();
      if (offset !== null) offsets.set(keyOf(log), offset);
    }
    this.#write(path, LOG_START_CHECKPOINT, offsets, when);
  }

  /**
   * After a deletion or truncation, what the files say is wrong and must not outlive the moment. Many
   * logs are deleted or truncated at once; one write is enough for them.
   */
  writeSoon(path: string): void {
    if (this.#due.has(path)) return;
    this.#due.add(path);
    this.#tasks.later(0, () => {
      this.#due.delete(path);
      if (this.#directories.get(path)?.online !== true) return;
      this.writeRecoveryPoints(path, 'now');
      this.writeLogStarts(path, 'now');
    });
  }

  readHighWatermarks(): Map<PartitionKey, number> {
    return new Map(
      this.#directories.online.flatMap(({ path }) => [
        ...this.#directories.readOffsets(path, HIGH_WATERMARK_CHECKPOINT),
      ]),
    );
  }

  writeHighWatermarks(offsets: ReadonlyMap<PartitionKey, number>, when: CheckpointWhen): void {
    for (const { path } of this.#directories.online) {
      const here = [...offsets].filter(([key]) => this.#logs.get(key)?.logDirectory === path);
      this.#write(path, HIGH_WATERMARK_CHECKPOINT, new Map(here), when);
    }
  }

  #write(path: string, checkpoint: string, offsets: ReadonlyMap<PartitionKey, number>, when: CheckpointWhen) {
    // Before all logs are loaded, what the file says of the others is all that is known of them.
    if (this.#directories.get(path)?.loaded !== true) return;
    if (when === 'now') this.#directories.writeOffsets(path, checkpoint, offsets);
    else this.#directories.writeOffsetsInBackground(path, checkpoint, offsets);
  }

  #logsIn(path: string): PartitionLog[] {
    return [...this.#logs.values()].filter((log) => log.logDirectory === path);
  }
}

function keyOf(log: PartitionLog): PartitionKey {
  return partitionKey(log.topic, log.partition);
}
