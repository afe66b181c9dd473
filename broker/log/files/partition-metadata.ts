/**
 * `partition.metadata`: the topic id a log belongs to, so that a topic deleted and made again under
 * the same name is not mistaken for the old one. (Kafka's PartitionMetadataFile.)
 */
import type { Disk } from '../../platform/disk.ts';
import type { Uuid } from '../../types.ts';
import { CorruptFile } from './storage-error.ts';

const PARTITION_METADATA = 'partition.metadata';

/** What stands before the id, and how long that is. */
const BEFORE_ID = 'version: 0\ntopic_id: ';
const ID_LENGTH = 22;

/** null when the log has no topic id, or its id had not become durable. Throws CorruptFile. */
export function readPartitionMetadata(disk: Disk, logPath: string): Uuid | null {
  const path = pathOf(logPath);
  if (disk.stat(path) === null) return null;
  const text = disk.readFile(path).toString('utf8');
  if (isTorn(text)) return null;
  const match = /^version: (\d+)\n+topic_id: (\S+)\s*$/.exec(text);
  if (match === null) throw new CorruptFile(path, 'Malformed partition metadata');
  if (match[1] !== '0') throw new CorruptFile(path, `Unrecognized version ${match[1]}`);
  if (!/^[A-Za-z0-9_-]{22}$/.test(match[2] ?? ''))
    throw new CorruptFile(path, `Invalid topic ID ${match[2]}`);
  return match[2] ?? null;
}

/** What a power failure may leave of a file that had been written, and was still to be synced. */
function isTorn(text: string): boolean {
  const written = text.replace(/\0+$/, '');
  if (written.length >= BEFORE_ID.length + ID_LENGTH) return false;
  return BEFORE_ID.startsWith(written.slice(0, BEFORE_ID.length));
}

/**
 * A first id is written without waiting for the disk, and false returned: {@link syncPartitionMetadata} is to
 * follow. Thousands of partitions may get their first records by one request.
 */
export function writePartitionMetadata(disk: Disk, logPath: string, topicId: Uuid): boolean {
  const path = pathOf(logPath);
  const text = `${BEFORE_ID}${topicId}`;
  if ((disk.stat(path)?.sizeBytes ?? 0) > 0) {
    disk.writeFileAtomically(path, text);
    return true;
  }
  const file = disk.open(path, 'write');
  try {
    file.write(Buffer.from(text), 0, text.length, 0);
  } finally {
    file.close();
  }
  return false;
}

/** On another thread; rejects with the I/O error. */
export async function syncPartitionMetadata(disk: Disk, logPath: string): Promise<void> {
  const file = disk.open(pathOf(logPath), 'write');
  try {
    await file.syncInBackground();
  } finally {
    file.close();
  }
  await disk.syncDirectoryInBackground(logPath);
}

/** The file alone: whoever makes a log durable syncs its folder, too. */
export function syncPartitionMetadataNow(disk: Disk, logPath: string): void {
  const file = disk.open(pathOf(logPath), 'write');
  try {
    file.sync();
  } finally {
    file.close();
  }
}

function pathOf(logPath: string): string {
  return `${logPath}/${PARTITION_METADATA}`;
}
