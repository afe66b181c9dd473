/** A tree as a snapshot keeps it, and the way back to it: the one in this process, or the brokers' part of an ensemble. */
import { ANY_VERSION, type Change, type Coordinator } from '../../coordinator-client/coordinator.ts';
import type { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { commitKnown, pipelined } from '../../coordinator-client/stores/commits.ts';
import { KAFKA_ROOTS } from '../../coordinator-client/znodes/znode-acls.ts';

export interface ZnodePicture {
  readonly path: string;
  /** In base64. */
  readonly data: string;
}

/** ZooKeeper's own. */
const RESERVED = 'zookeeper';

/** Nodes that stay when sessions end; those above come first. */
export function picturedTree(tree: LocalTree): ZnodePicture[] {
  return tree.paths().flatMap((path) => {
    const node = tree.read(path);
    if (isReserved(path) || node === null || node.ephemeralOwner !== 0n) return [];
    return [{ path, data: node.data.toString('base64') }];
  });
}

/** The same of an ensemble. Nobody may write meanwhile. */
export async function picturedEnsemble(coordinator: Coordinator): Promise<ZnodePicture[]> {
  await coordinator.sync();
  const nodes = await pipelined(await pathsOf(coordinator), async (path) => {
    const node = await coordinator.read(path);
    if (node === null || node.ephemeralOwner !== 0n) return [];
    return [{ path, data: node.data.toString('base64') }];
  });
  return nodes.flat();
}

/** Nothing runs that would look. */
export function putTreeBack(tree: LocalTree, znodes: readonly ZnodePicture[]): void {
  const commit = (change: Change): unknown => tree.commit([change], 0n, Date.now());
  for (const path of [...tree.paths()].reverse()) if (!isReserved(path)) commit(removal(path));
  for (const znode of znodes) commit(creation(znode));
}

/** The same of an ensemble. */
export async function putEnsembleBack(
  coordinator: Coordinator,
  znodes: readonly ZnodePicture[],
): Promise<void> {
  const commit = (change: Change) => commitKnown(coordinator, [change]);
  // Commits of one coordinator are applied in call order: children go before those above, and come after.
  const paths = (await pathsOf(coordinator)).reverse();
  const answers = [
    ...(await pipelined(paths, (path) => commit(removal(path)))),
    ...(await pipelined(znodes, (znode) => commit(creation(znode)))),
  ];
  // An ephemeral node may have gone by itself.
  const refused = answers.find((answer) => !answer.ok && answer.reason !== 'missing');
  if (refused?.ok === false) throw new Error(`ZooKeeper can't be put back: ${refused.reason}`);
}

/** Those above come first. */
async function pathsOf(coordinator: Coordinator): Promise<string[]> {
  const found: string[] = [];
  let level = ['/'];
  while (level.length > 0) {
    const below = await pipelined(level, async (path) => {
      const names = (await coordinator.children(path)) ?? [];
      return names.map((name) => `${path === '/' ? '' : path}/${name}`);
    });
    level = below.flat().filter(isOurs);
    found.push(...level);
  }
  return found;
}

function isReserved(path: string): boolean {
  return path === '/' || path.split('/')[1] === RESERVED;
}

function isOurs(path: string): boolean {
  return KAFKA_ROOTS.has(`/${path.split('/')[1] ?? ''}`);
}

function removal(path: string): Change {
  return { op: 'remove', path, version: ANY_VERSION };
}

function creation({ path, data }: ZnodePicture): Change {
  return { op: 'create', path, data: Buffer.from(data, 'base64'), lifetime: 'persistent' };
}
