/**
 * `meta.properties`, which ties a log directory to one broker of one cluster, so that a disk mounted in
 * the wrong place is refused instead of served. In ZooKeeper mode: version 0, broker.id, cluster.id,
 * and an optional directory.id. (Kafka's MetaProperties and MetaPropertiesEnsemble.)
 */
import type { Disk } from '../platform/disk.ts';
import type { BrokerId, Uuid } from '../types.ts';
import { CorruptFile } from './storage-error.ts';

export const META_PROPERTIES = 'meta.properties';

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

/** null when the directory has no such file yet. Throws CorruptFile. */
export function readMetaProperties(disk: Disk, directory: string): MetaProperties | null {
  const path = `${directory}/${META_PROPERTIES}`;
  if (disk.stat(path) === null) return null;
  const values = new Map<string, string>();
  for (const line of disk.readFile(path).toString('latin1').split(/\r?\n/)) {
    if (/^\s*([#!].*)?$/.test(line)) continue;
    const match = /^\s*([^=:\s]+)\s*[=:\s]\s*(.*?)\s*$/.exec(line);
    if (match !== null) values.set(match[1] ?? '', (match[2] ?? '').replace(/\\(.)/g, '$1'));
  }
  const version = values.get('version');
  if (version !== '0' && version !== '1') throw new CorruptFile(path, `version is ${version ?? 'missing'}`);
  const idText = values.get(version === '0' ? 'broker.id' : 'node.id');
  if (idText !== undefined && !/^-?\d+$/.test(idText)) throw new CorruptFile(path, `broker.id is ${idText}`);
  return {
    clusterId: values.get('cluster.id') ?? null,
    brokerId: idText === undefined ? null : Number(idText),
    directoryId: values.get('directory.id') ?? null,
  };
}

/**
 * What all directories agree on; throws InconsistentMetaProperties when they don't. Directories
 * without the file agree with everything.
 */
export function agreedMetaProperties(byDirectory: ReadonlyMap<string, MetaProperties | null>): {
  clusterId: string | null;
  brokerId: BrokerId | null;
} {
  let clusterId: string | null = null;
  let brokerId: BrokerId | null = null;
  for (const [directory, meta] of byDirectory) {
    if (meta?.clusterId != null) {
      if (clusterId !== null && clusterId !== meta.clusterId) {
        throw new InconsistentMetaProperties(
          `Invalid cluster.id in: ${directory}/${META_PROPERTIES}. Expected ${clusterId}, but read ${meta.clusterId}`,
        );
      }
      clusterId = meta.clusterId;
    }
    if (meta?.brokerId != null) {
      if (brokerId !== null && brokerId !== meta.brokerId) {
        throw new InconsistentMetaProperties(
          `Stored broker.id ${meta.brokerId} in ${directory} doesn't match previous value: ${brokerId}`,
        );
      }
      brokerId = meta.brokerId;
    }
  }
  return { clusterId, brokerId };
}

/** Throws InconsistentMetaProperties unless the directories belong to this broker of this cluster. */
export function verifyMetaProperties(
  stored: { clusterId: string | null; brokerId: BrokerId | null },
  own: { clusterId: string; brokerId: BrokerId },
): void {
  if (stored.clusterId !== null && stored.clusterId !== own.clusterId) {
    throw new InconsistentMetaProperties(
      `The Cluster ID ${own.clusterId} doesn't match stored clusterId ${stored.clusterId} in meta.properties. ` +
        'The broker is trying to join the wrong cluster. Configured zookeeper.connect may be wrong.',
    );
  }
  if (stored.brokerId !== null && stored.brokerId !== own.brokerId) {
    throw new InconsistentMetaProperties(
      `Configured broker.id ${own.brokerId} doesn't match stored broker.id ${stored.brokerId} in meta.properties. ` +
        'If you moved your data, make sure your configured broker.id matches. If you intend to create a new ' +
        'broker, you should remove all data in your data directories (log.dirs).',
    );
  }
}

export function writeMetaProperties(
  disk: Disk,
  directory: string,
  meta: { clusterId: string; brokerId: BrokerId; directoryId: Uuid | null },
): void {
  const lines = ['#', `broker.id=${meta.brokerId}`, `cluster.id=${meta.clusterId}`];
  if (meta.directoryId !== null) lines.push(`directory.id=${meta.directoryId}`);
  lines.push('version=0', '');
  disk.writeFileAtomically(`${directory}/${META_PROPERTIES}`, lines.join('\n'));
}
