/**
 * `meta.properties`, which ties a log directory to one broker of one cluster, so that a disk mounted in
 * the wrong place is refused instead of served. In ZooKeeper mode: version 0, broker.id, cluster.id,
 * and an optional directory.id; a directory formatted for KRaft has version 1 and is refused.
 * (Kafka's MetaProperties and MetaPropertiesEnsemble.)
 */
import { parseProperties } from '../../config/java-properties.ts';
import type { Disk } from '../../platform/disk.ts';
import type { BrokerId, Uuid } from '../../types.ts';
import { CorruptFile } from './storage-error.ts';

const META_PROPERTIES = 'meta.properties';

/** null: the file does not say. */
export interface MetaProperties {
  readonly clusterId: string | null;
  readonly brokerId: BrokerId | null;
  readonly directoryId: Uuid | null;
}

/** The directory belongs to another broker or cluster, or its directories disagree; the broker must not start. */
export class InconsistentMetaProperties extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InconsistentMetaProperties';
  }
}

/**
 * null when the directory has no such file yet. What is missing in it may be written anew: of a file that
 * a crash left empty, all is. Throws CorruptFile where something is there that can't be.
 */
export function readMetaProperties(disk: Disk, directory: string): MetaProperties | null {
  const path = metaPropertiesPath(directory);
  if (disk.stat(path) === null) return null;
  const values = parseProperties(disk.readFile(path).toString('latin1'));
  const version = values.get('version')?.trim() ?? '0';
  if (version === '1') {
    throw new InconsistentMetaProperties(
      `Found unexpected version in ${path}. Brokers with ZooKeeper only support version 0 (which is implicit when the \`version\` field is missing).`,
    );
  }
  if (version !== '0') throw new CorruptFile(path, `Unknown meta.properties version number ${version}`);
  const id = values.get('broker.id')?.trim();
  if (id !== undefined && !/^[+-]?\d{1,10}$/.test(id)) {
    throw new CorruptFile(path, `Unable to read broker.id as a base-10 number: ${id}`);
  }
  return {
    clusterId: values.get('cluster.id') ?? null,
    brokerId: id === undefined ? null : Number(id),
    directoryId: values.get('directory.id') ?? null,
  };
}

type ByDirectory = ReadonlyMap<string, MetaProperties | null>;

/**
 * What all directories agree on; throws InconsistentMetaProperties when they don't. Directories
 * without the file agree with everything.
 */
export function agreedMetaProperties(byDirectory: ByDirectory): {
  clusterId: string | null;
  brokerId: BrokerId | null;
} {
  let clusterId: string | null = null;
  let brokerId: BrokerId | null = null;
  for (const [directory, meta] of byDirectory) {
    verify(directory, meta, { clusterId, brokerId });
    clusterId ??= meta?.clusterId ?? null;
    brokerId ??= meta?.brokerId ?? null;
  }
  return { clusterId, brokerId };
}

/** Throws InconsistentMetaProperties unless the directories belong to this broker of this cluster. */
export function verifyMetaProperties(
  byDirectory: ByDirectory,
  own: { clusterId: string; brokerId: BrokerId },
): void {
  for (const [directory, meta] of byDirectory) verify(directory, meta, own);
}

function verify(
  directory: string,
  meta: MetaProperties | null,
  expected: { clusterId: string | null; brokerId: BrokerId | null },
): void {
  const path = metaPropertiesPath(directory);
  const { clusterId, brokerId } = meta ?? { clusterId: null, brokerId: null };
  if (clusterId !== null && expected.clusterId !== null && clusterId !== expected.clusterId) {
    throw new InconsistentMetaProperties(
      `Invalid cluster.id in: ${path}. Expected ${expected.clusterId}, but read ${clusterId}`,
    );
  }
  if (brokerId !== null && expected.brokerId !== null && brokerId !== expected.brokerId) {
    throw new InconsistentMetaProperties(
      `Stored broker id ${brokerId} doesn't match previous broker id ${expected.brokerId} in ${path}. ` +
        'If you moved your data, make sure your configured broker id matches. If you intend to create a new ' +
        'broker, you should remove all data in your data directories.',
    );
  }
}

/** Durable when this returns. */
export function writeMetaProperties(
  disk: Disk,
  directory: string,
  meta: { clusterId: string; brokerId: BrokerId; directoryId: Uuid | null },
): void {
  const lines = ['#', `broker.id=${meta.brokerId}`, `cluster.id=${meta.clusterId}`];
  if (meta.directoryId !== null) lines.push(`directory.id=${meta.directoryId}`);
  lines.push('version=0', '');
  disk.writeFileAtomically(metaPropertiesPath(directory), lines.join('\n'));
}

export function metaPropertiesPath(directory: string): string {
  return `${directory}/${META_PROPERTIES}`;
}
