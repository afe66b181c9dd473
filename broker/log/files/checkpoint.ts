/**
 * Checkpoint files: line 1 the version `0`, line 2 the number of entries, then one entry a line. Used
 * for offsets by partition (recovery points, log starts, high watermarks, first dirty offsets) and for
 * the epochs of one log. A reader sees the old file or the new one, never a mixture.
 * (Kafka's CheckpointFile.)
 */
import type { Disk } from '../../platform/disk.ts';
import { type PartitionKey, parsePartitionKey, partitionKey } from '../../types.ts';
import { CorruptFile } from './storage-error.ts';

const VERSION = '0';

export const RECOVERY_POINT_CHECKPOINT = 'recovery-point-offset-checkpoint';
export const LOG_START_CHECKPOINT = 'log-start-offset-checkpoint';
export const HIGH_WATERMARK_CHECKPOINT = 'replication-offset-checkpoint';
export const CLEANER_CHECKPOINT = 'cleaner-offset-checkpoint';

/** The entry lines of a checkpoint file; none when the file is missing or empty. Throws CorruptFile. */
export function readCheckpoint(disk: Disk, path: string): string[] {
  if (disk.stat(path) === null) return [];
  const text = disk.readFile(path).toString('utf8');
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines[0]?.trim() !== VERSION) throw new CorruptFile(path, `unknown version ${lines[0]}`);
  if (!/^\d+$/.test(lines[1] ?? '')) throw new CorruptFile(path, `malformed count ${lines[1]}`);
  const expected = Number(lines[1]);
  const entries = lines.slice(2);
  if (entries.length !== expected) {
    throw new CorruptFile(
      path,
      `Expected ${expected} entries in checkpoint file, but found ${entries.length}`,
    );
  }
  return entries;
}

/** All of it or nothing: readers never see half of a checkpoint. */
export function writeCheckpoint(disk: Disk, path: string, entries: readonly string[]): void {
  disk.writeFileAtomically(path, checkpointText(entries));
}

function checkpointText(entries: readonly string[]): string {
  return `${[VERSION, entries.length, ...entries].join('\n')}\n`;
}

/**
 * Offsets by partition: `topic partition offset` a line. A line of another form is shown to `malformed`
 * and costs its own partition only; Kafka's broker would give up the directory. Throws CorruptFile.
 */
export function readOffsetCheckpoint(
  disk: Disk,
  path: string,
  malformed: (line: string) => void,
): Map<PartitionKey, number> {
  const offsets = new Map<PartitionKey, number>();
  for (const line of readCheckpoint(disk, path)) {
    const match = /^(\S+)\s+(\d+)\s+(-?\d+)$/.exec(line.trim());
    if (match === null) malformed(line);
    else offsets.set(partitionKey(match[1] ?? '', Number(match[2])), Number(match[3]));
  }
  return offsets;
}

/** The text of an offset checkpoint, as {@link readOffsetCheckpoint} reads it. */
export function offsetCheckpointText(offsets: ReadonlyMap<PartitionKey, number>): string {
  const lines: string[] = [];
  for (const [key, offset] of offsets) {
    const { topic, partition } = parsePartitionKey(key);
    lines.push(`${topic} ${partition} ${offset}`);
  }
  return checkpointText(lines);
}
