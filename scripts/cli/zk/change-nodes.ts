/** `odradek zk create|set|delete`. */
import {
  ANY_VERSION,
  type Change,
  type Coordinator,
  type Rejected,
} from '../../../coordinator-client/coordinator.ts';
import { print } from '../output.ts';

const REASONS: Readonly<Record<Rejected['reason'], string>> = {
  exists: 'it is there already',
  missing: 'it, or the node above it, is not there',
  version: 'it has another version by now',
  'not-empty': 'there are nodes below it; --recursive deletes them too',
  'ephemeral-parent': 'the node above it belongs to a session, and such a node has none below it',
  denied: 'its ACL does not allow that',
  invalid: 'ZooKeeper refuses the path, or the data is too large',
};
/** As many as fit into a message of ZooKeeper's with room to spare. */
const CHANGES_A_COMMIT = 500;

export async function createNode(coordinator: Coordinator, path: string, data: string): Promise<void> {
  await commit(coordinator, path, [{ op: 'create', path, data: Buffer.from(data), lifetime: 'persistent' }]);
  await print(`Created ${path}`);
}

/** Null: whatever version it has. */
export async function setNode(
  coordinator: Coordinator,
  path: string,
  { data, version }: { readonly data: string; readonly version: number | null },
): Promise<void> {
  await commit(coordinator, path, [
    { op: 'put', path, data: Buffer.from(data), version: version ?? ANY_VERSION },
  ]);
}

/** `paths`: from the top down, so that they are taken away from the bottom up. */
export async function deleteNodes(
  coordinator: Coordinator,
  paths: readonly string[],
  version: number | null,
): Promise<void> {
  const changes = paths
    .toReversed()
    .map((path) => ({ op: 'remove', path, version: version ?? ANY_VERSION }) as const);
  for (let from = 0; from < changes.length; from += CHANGES_A_COMMIT)
    await commit(coordinator, paths[0] ?? '/', changes.slice(from, from + CHANGES_A_COMMIT));
}

async function commit(coordinator: Coordinator, path: string, changes: readonly Change[]): Promise<void> {
  const outcome = await coordinator.commit(changes);
  if (!outcome.ok) throw new Error(`${changes[outcome.index]?.path ?? path}: ${REASONS[outcome.reason]}`);
}
