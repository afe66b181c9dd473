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
import type { Agreement } from './agreement.ts';
import type { Member } from './member.ts';
import { until } from './waits.ts';
import {
  picturedEnsemble,
  picturedTree,
  putEnsembleBack,
  putTreeBack,
  type ZnodePicture,
} from './znode-picture.ts';

/** Where a picture is kept. */
export interface Snapshot {
  readonly directory: string;
}

/** Another number where older pictures can't be read any more. */
const FORMAT = 1;
const MANIFEST = 'snapshot.json';
/** Ending of a directory whose topic is gone. */
const DELETED = '-delete';

interface Manifest {
  readonly format: number;
  readonly brokers: number;
  readonly znodes: readonly ZnodePicture[];
  readonly partitions: readonly PartitionPicture[];
}

interface PartitionPicture {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: number;
}

/** What a picture is of. */
interface Pictured {
  readonly members: readonly Member[];
  readonly agreement: Agreement;
  readonly directory: string;
}

/** One moment: without giving up the turn, or, of an ensemble that has to be asked, while all brokers stand still. */
export async function takeSnapshot(pictured: Pictured, into: string): Promise<Snapshot> {
  if (existsSync(join(into, MANIFEST))) throw new Error(`there is a snapshot in ${into} already`);
  const { members, agreement } = pictured;
  if (agreement.tree !== null) return copied(pictured, into, picturedTree(agreement.tree));
  const still = members.filter(({ state }) => state === 'running');
  for (const member of still) member.pause();
  try {
    return copied(pictured, into, await agreement.act(picturedEnsemble));
  } finally {
    for (const member of still) member.resume();
  }
}

function copied({ members, directory }: Pictured, into: string, znodes: readonly ZnodePicture[]): Snapshot {
  const manifest: Manifest = {
    format: FORMAT,
    brokers: members.length,
    znodes,
    partitions: members.flatMap(ledPartitions),
  };
  mkdirSync(into, { recursive: true });
  for (const { id } of members) copy(join(directory, `broker-${id}`), join(into, `broker-${id}`));
  writeFileSync(join(into, MANIFEST), JSON.stringify(manifest));
  return { directory: into };
}

/** Throws where there is none, or one that this cluster can't be brought back to. */
export function readSnapshot({ directory }: Snapshot, brokers: number): Manifest {
  if (typeof directory !== 'string') throw new Error('restore takes what snapshot has given: { directory }');
  const file = join(directory, MANIFEST);
  if (!existsSync(file)) throw new Error(`there is no snapshot in ${directory}`);
  const manifest = manifestIn(file);
  if (manifest?.format === undefined)
    throw new Error(`the snapshot in ${directory} is none, or not whole: ${MANIFEST} can't be read`);
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

/** null: it is cut short, or somebody else's. */
function manifestIn(file: string): Manifest | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Puts files and tree in place; no broker runs meanwhile. */
export async function putBack(
  { members, agreement, directory }: Pictured,
  { directory: from }: Snapshot,
  { znodes }: Manifest,
): Promise<void> {
  for (const { id } of members) {
    const own = join(directory, `broker-${id}`);
    rmSync(own, { recursive: true, force: true });
    copy(join(from, `broker-${id}`), own);
  }
  if (agreement.tree !== null) putTreeBack(agreement.tree, znodes);
  else await agreement.act((coordinator) => putEnsembleBack(coordinator, znodes));
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
  if (state !== 'running' && state !== 'paused') return [];
  return [...broker.inside.replicas.partitions()]
    .filter(({ role }) => role === 'leader')
    .map(({ topic, partition, log }) => ({ topic, partition, highWatermark: log?.highWatermark ?? 0 }));
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
