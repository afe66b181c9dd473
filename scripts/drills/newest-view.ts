/** Which of the brokers is believed, where they say different things of their cluster. Pure. */
import type { ClusterMetadata } from '../cli/admin-client.ts';

type Partition = ClusterMetadata['topics'][number]['partitions'][number];

/**
 * Leader epochs only rise. Who is in sync changes without them: of views that are as new, the one that shows the
 * fewest is taken, so that a broker that is cut off does not make a partition whole. Null: there are none.
 */
export function newestOf(views: readonly ClusterMetadata[]): ClusterMetadata | null {
  const sum = ({ topics }: ClusterMetadata, of: (partition: Partition) => number): number =>
    topics.flatMap(({ partitions }) => partitions).reduce((all, partition) => all + of(partition), 0);
  const epochs = (view: ClusterMetadata): number => sum(view, ({ leaderEpoch }) => leaderEpoch);
  const inSync = (view: ClusterMetadata): number => sum(view, ({ isrNodes }) => isrNodes.length);
  return [...views].sort((a, b) => epochs(b) - epochs(a) || inSync(a) - inSync(b))[0] ?? null;
}
