/**
 * Whole pictures of the database, named after the last zxid in them. A picture is taken at one
 * moment (the process has one thread), written aside, synced and renamed; the newest that is whole
 * counts. Older ones and the logs before them are purged.
 */
import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ZnodeDatabase } from '../tree/database.ts';
import { Tree } from '../tree/tree.ts';
import { JuteReader, JuteWriter } from './jute.ts';
import { MAGIC_BYTES, recordOf, recordsOf, syncDirectory } from './record-file.ts';
import { readZnode, writeZnode } from './transaction-codec.ts';

const SNAPSHOT_MAGIC = Buffer.from('ODRKSNP1', 'latin1');
const PREFIX = 'snapshot.';
/** Nodes go into records of about this size. */
const RECORD_BYTES = 1 << 20;
/** Session id and timeout; a node takes much more. */
const SMALLEST_SESSION_BYTES = 12;

interface Snapshot {
  readonly lastZxid: bigint;
  readonly sessions: readonly { readonly id: bigint; readonly timeoutMs: number }[];
  readonly tree: Tree;
}

/** Hexadecimal with leading zeros: names sort as numbers. */
export function hexOf(zxid: bigint): string {
  return zxid.toString(16).padStart(16, '0');
}

/** The numbers behind a prefix in a directory, in ascending order. */
export async function numbered(directory: string, prefix: string): Promise<readonly bigint[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => name.startsWith(prefix) && /^[0-9a-f]{16}$/.test(name.slice(prefix.length)))
    .sort()
    .map((name) => BigInt(`0x${name.slice(prefix.length)}`));
}

/** Names of the snapshots in the directory, as the last zxid in each, ascending. */
export function snapshotZxids(directory: string): Promise<readonly bigint[]> {
  return numbered(directory, PREFIX);
}

/** The picture as records, taken now. The node count in the first tells whether all are there. */
export function takeSnapshot(database: ZnodeDatabase): readonly Buffer[] {
  const records: Buffer[] = [SNAPSHOT_MAGIC];
  const sessions = [...database.sessions.all()];
  const header = new JuteWriter().long(database.lastZxid).int(database.tree.size).int(sessions.length);
  for (const session of sessions) header.long(session.id).int(session.timeoutMs);
  records.push(recordOf(header.done()));
  let writer = new JuteWriter();
  for (const [path, node] of database.tree.entries()) {
    writeZnode(writer, path, node);
    if (writer.sizeBytes < RECORD_BYTES) continue;
    records.push(recordOf(writer.done()));
    writer = new JuteWriter();
  }
  if (writer.sizeBytes > 0) records.push(recordOf(writer.done()));
  return records;
}

/** Returns when the picture is durable under its name. */
export async function storeSnapshot(
  directory: string,
  lastZxid: bigint,
  records: readonly Buffer[],
): Promise<void> {
  const path = join(directory, PREFIX + hexOf(lastZxid));
  const handle = await open(`${path}.tmp`, 'w');
  try {
    for (const record of records) await handle.appendFile(record);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.tmp`, path);
  await syncDirectory(directory);
}

/** null when the file is not whole. */
export async function loadSnapshot(directory: string, zxid: bigint): Promise<Snapshot | null> {
  const file = await readFile(join(directory, PREFIX + hexOf(zxid)));
  if (!file.subarray(0, MAGIC_BYTES).equals(SNAPSHOT_MAGIC)) return null;
  const [header, ...bodies] = Array.from(recordsOf(file), ({ payload }) => payload);
  if (!header) return null;
  const reader = new JuteReader(header);
  const lastZxid = reader.long();
  const nodeCount = reader.int();
  const sessions = reader.vector(SMALLEST_SESSION_BYTES, () => ({
    id: reader.long(),
    timeoutMs: reader.int(),
  }));
  const tree = new Tree();
  for (const body of bodies) {
    const nodes = new JuteReader(body);
    while (nodes.remaining > 0) {
      const { path, fields } = readZnode(nodes);
      tree.restore(path, fields);
    }
  }
  return tree.size === nodeCount ? { lastZxid, sessions, tree } : null;
}

/** Removes what a crash has left unfinished. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(PREFIX) && name.endsWith('.tmp')) await unlink(join(directory, name));
  }
}

export async function removeSnapshot(directory: string, zxid: bigint): Promise<void> {
  await unlink(join(directory, PREFIX + hexOf(zxid)));
}
