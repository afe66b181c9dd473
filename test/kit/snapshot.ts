/**
 * A picture of a whole cluster, and the way back to it. All brokers are in this process, so what is copied
 * without giving up the turn is one moment of all of them: their files and the tree. On the way back the
 * brokers are killed and start again on the copies, as after a power failure that lost nothing.
 */
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ANY_VERSION } from '../../coordinator-client/coordinator.ts';
import type { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import type { Member } from './member.ts';
import { until } from './waits.ts';

/** Where a picture is kept. */
export interface Snapshot {
  readonly directory: string;
}

/** Another number where older pictures can't be read any more. */
const FORMAT = 1;
const MANIFEST = 'snapshot.json';
/** Ending of a directory whose topic is gone. */
const DELETED = '-delete';
/** ZooKeeper's own, which is not the brokers'. */
const RESERVED = '/zookeeper';

interface Manifest {
  readonly format: number;
  readonly brokers: number;
  readonly znodes: readonly { readonly path: string; readonly data: string }[];
  readonly partitions: readonly PartitionPicture[];
}

interface PartitionPicture {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: number;
}

/** Synchronous from the first look to the last file. */
export function takeSnapshot(
  { members, tree, directory }: { members: readonly Member[]; tree: LocalTree; directory: string },
  into: string,
): Snapshot {
  if (existsSync(join(into, MANIFEST))) throw new Error(`there is a snapshot in ${into} already`);
  const manifest: Manifest = {
    format: FORMAT,
    brokers: members.length,
    znodes: persistentZnodes(tree),
    partitions: members.flatMap(ledPartitions),
  };
  mkdirSync(into, { recursive: true });
  for (const { id } of members) copy(join(directory, `broker-${id}`), join(into, `broker-${id}`));
  writeFileSync(join(into, MANIFEST), JSON.stringify(manifest));
  return { directory: into };
}

/** Throws where there is none, or one that this cluster can't be brought back to. */
export function readSnapshot({ directory }: Snapshot, brokers: number): Manifest {
  const file = join(directory, MANIFEST);
  if (!existsSync(file)) throw new Error(`there is no snapshot in ${directory}`);
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  if (manifest.format !== FORMAT)
    throw new Error(
      `the snapshot in ${directory} is of format ${manifest.format}, and only ${FORMAT} can be read`,
    );
  if (manifest.brokers !== brokers)
    throw new Error(
      `the snapshot in ${directory} is of ${manifest.brokers} brokers, and here are ${brokers}`,
    );
  return manifest;
}

/** Puts files and tree in place; no broker runs meanwhile. */
export function putBack(
  { members, tree, directory }: { members: readonly Member[]; tree: LocalTree; directory: string },
  { directory: from }: Snapshot,
  manifest: Manifest,
): void {
  for (const { id } of members) {
    const own = join(directory, `broker-${id}`);
    rmSync(own, { recursive: true, force: true });
    copy(join(from, `broker-${id}`), own);
  }
  for (const path of [...tree.paths()].reverse()) {
    if (isOurs(path)) tree.commit([{ op: 'remove', path, version: ANY_VERSION }], 0n, Date.now());
  }
  for (const { path, data } of manifest.znodes) {
    const bytes = Buffer.from(data, 'base64');
    tree.commit([{ op: 'create', path, data: bytes, lifetime: 'persistent' }], 0n, Date.now());
  }
}

/** Resolves when consumers can read everything that they could when the picture was taken. */
export async function awaitPicture(members: readonly Member[], { partitions }: Manifest): Promise<void> {
  await until('the cluster to be as in the snapshot', {}, () => {
    const now = new Map(
      members.flatMap(ledPartitions).map((each) => [`${each.topic}-${each.partition}`, each.highWatermark]),
    );
    const behind = partitions.find(
      ({ topic, partition, highWatermark }) => (now.get(`${topic}-${partition}`) ?? -1) < highWatermark,
    );
    if (behind === undefined) return { done: undefined };
    const name = `${behind.topic}-${behind.partition}`;
    return { seen: `${name} is read up to ${now.get(name) ?? 'nothing'}, not ${behind.highWatermark}` };
  });
}

function ledPartitions({ state, broker }: Member): PartitionPicture[] {
  if (state !== 'running') return [];
  return [...broker.inside.replicas.partitions()]
    .filter(({ role }) => role === 'leader')
    .map(({ topic, partition, log }) => ({ topic, partition, highWatermark: log?.highWatermark ?? 0 }));
}

function persistentZnodes(tree: LocalTree): { path: string; data: string }[] {
  return tree.paths().flatMap((path) => {
    const node = tree.read(path);
    if (!isOurs(path) || node === null || node.ephemeralOwner !== 0n) return [];
    return [{ path, data: node.data.toString('base64') }];
  });
}

function isOurs(path: string): boolean {
  return path !== '/' && path !== RESERVED && !path.startsWith(`${RESERVED}/`);
}

/** A directory and all in it but what is being deleted; shares the blocks where the file system can. */
function copy(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (!entry.isDirectory()) copyFileSync(source, target, constants.COPYFILE_FICLONE);
    else if (!entry.name.endsWith(DELETED)) copy(source, target);
  }
}
