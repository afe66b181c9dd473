/**
 * Whether a cluster is whole again: every broker answers, all know every partition, and agree on one controller and
 * on every leader, all replicas are in sync, and the files of a partition's replicas are the same, byte for byte.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterMetadata } from '../../cli/admin-client.ts';
import type { TormentedCluster } from './tormented-cluster.ts';

/** What is still wrong; empty when nothing is. */
export async function unsettled(cluster: TormentedCluster): Promise<string[]> {
  const dead = cluster.brokers.flatMap(({ died }) => died ?? []);
  if (dead.length > 0) return dead;
  const views = await Promise.all(
    cluster.brokers.map(async ({ id }) => ({ id, seen: await cluster.seenBy(id, null) })),
  );
  const silent = views.filter(({ seen }) => seen === null).map(({ id }) => `broker ${id} does not answer`);
  if (silent.length > 0) return silent;
  return disagreements(views.flatMap(({ id, seen }) => (seen === null ? [] : [{ id, seen }])));
}

interface View {
  readonly id: number;
  readonly seen: ClusterMetadata;
}

/**
 * Between what the brokers say of the cluster, and with what a whole one is like. `views` are of all its brokers:
 * a partition with a replica on another one can't be whole, and is left out.
 */
export function disagreements(views: readonly View[]): string[] {
  const wrong: string[] = [];
  const ids = views.map(({ id }) => id);
  const controllers = new Set(views.map(({ seen }) => seen.controllerId));
  if (controllers.size !== 1) wrong.push(`brokers take ${[...controllers].join(' and ')} for the controller`);
  if (controllers.has(-1)) wrong.push('there is no controller');
  const leaders = new Map<string, string>();
  for (const { id, seen } of views) {
    const known = new Set(seen.brokers.map(({ nodeId }) => nodeId));
    for (const other of ids) if (!known.has(other)) wrong.push(`broker ${id} does not know broker ${other}`);
    for (const { name, partitions } of seen.topics) {
      for (const { partitionIndex, leaderId, leaderEpoch, isrNodes, replicaNodes } of partitions) {
        if (!replicaNodes.every((replica) => ids.includes(replica))) continue;
        const partition = `${name}-${partitionIndex}`;
        if (leaderId < 0) wrong.push(`broker ${id} knows no leader of ${partition}`);
        if (isrNodes.length !== replicaNodes.length)
          wrong.push(`broker ${id}: in sync of ${partition} are ${isrNodes}, replicas are ${replicaNodes}`);
        const leader = `${leaderId} in epoch ${leaderEpoch}`;
        const other = leaders.get(partition) ?? leader;
        if (other !== leader)
          wrong.push(`brokers take ${other} and ${leader} for the leader of ${partition}`);
        leaders.set(partition, leader);
      }
    }
  }
  return [...wrong, ...unknownPartitions(views)];
}

/** A client that asks such a broker may take the topic for one that does not exist, and not ask again for minutes. */
function unknownPartitions(views: readonly View[]): string[] {
  const known = views.map(({ id, seen }) => {
    const names = seen.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
    );
    return { id, partitions: new Set(names) };
  });
  const all = new Set(known.flatMap(({ partitions }) => [...partitions]));
  return known.flatMap(({ id, partitions }) =>
    [...all]
      .filter((each) => !partitions.has(each))
      .map((partition) => `broker ${id} does not know ${partition}`),
  );
}

/** A broker's directory. */
interface Home {
  readonly id: number;
  readonly home: string;
}

/** Partitions of a topic whose replicas hold different bytes; followers must have everything. */
export function differentLogs(homes: readonly Home[], topic: string, partitions: number): string[] {
  const wrong: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const [first, ...others] = homes.map(({ id, home }) => ({
      id,
      bytes: logBytes(join(home, 'data', `${topic}-${partition}`)),
    }));
    for (const { id, bytes } of others) {
      if (first === undefined || bytes.equals(first.bytes)) continue;
      const at = bytes.findIndex((byte, index) => byte !== first.bytes[index]);
      const sizes = `${first.bytes.length} and ${bytes.length} B`;
      const from = at === -1 ? 'one is the beginning of the other' : `they differ from byte ${at}`;
      wrong.push(`the logs of ${topic}-${partition} on brokers ${first.id} and ${id} have ${sizes}; ${from}`);
    }
  }
  return wrong;
}

function logBytes(directory: string): Buffer {
  if (!existsSync(directory)) return Buffer.alloc(0);
  const segments = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return Buffer.concat(segments.sort().map((name) => readFileSync(join(directory, name))));
}
