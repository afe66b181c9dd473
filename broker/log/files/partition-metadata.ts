/**
 * `partition.metadata`: the topic id a log belongs to, so that a topic deleted and made again under
 * the same name is not mistaken for the old one. (Kafka's PartitionMetadataFile.)
 */
import type { Disk } from '../../platform/disk.ts';
import type { Uuid } from '../../types.ts';
import { CorruptFile } from './storage-error.ts';

const PARTITION_METADATA = 'partition.metadata';

/** null when the log has no topic id. Throws CorruptFile. */
export function readPartitionMetadata(disk: Disk, logPath: string): Uuid | null {
  const path = `${logPath}/${PARTITION_METADATA}`;
  if (disk.stat(path) === null) return null;
  const match = /^version: (\d+)\n+topic_id: (\S+)\s*$/.exec(disk.readFile(path).toString('utf8'));
  if (match === null) throw new CorruptFile(path, 'Malformed partition metadata');
  if (match[1] !== '0') throw new CorruptFile(path, `Unrecognized version ${match[1]}`);
  if (!/^[A-Za-z0-9_-]{22}$/.test(match[2] ?? ''))
    throw new CorruptFile(path, `Invalid topic ID ${match[2]}`);
  return match[2] ?? null;
}

export function writePartitionMetadata(disk: Disk, logPath: string, topicId: Uuid): void {
  disk.writeFileAtomically(`${logPath}/${PARTITION_METADATA}`, `version: 0\ntopic_id: ${topicId}`);
}
