/** Somebody who looks by the console: a client that acts as him, what it sees, and what he may see besides. */
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import type { ValueReader } from './avro/value-reader.ts';
import { ClusterRights } from './cluster-rights.ts';
import type { DrillDesk } from './drill-desk.ts';
import type { EventFeed } from './event-feed.ts';
import { type Watched, WatchedCluster } from './watched-cluster.ts';

/** What all readers have in common, each as far as he may see it. */
export interface CommonSources {
  readonly drills: DrillDesk;
  /** Of records, once who reads them has got them. */
  readonly values: ValueReader;
  readonly events: EventFeed;
  /** Null where ZooKeeper can't be reached or is not to be. */
  readonly coordinator: Coordinator | null;
  /** Changes that are kept for each reader, as partitions named by them. */
  readonly mostEntries: number;
  readonly nowMs: () => number;
  /** The cluster does not take the reader's login any more; the reason is its own. */
  readonly refused?: (reason: string) => void;
}

export interface Reader {
  /** Null: nobody logs in here. */
  readonly user: string | null;
  readonly admin: AdminClient;
  readonly rights: ClusterRights;
  readonly watched: Watched;
  readonly events: EventFeed;
  readonly drills: DrillDesk;
  readonly values: ValueReader;
  readonly coordinator: Coordinator | null;
  /** Aborted by `close`: his streams end. */
  readonly ended: AbortSignal;
  close(): void;
}

/** Resolves when the cluster has been seen once; rejects when it can't be, with `admin` still open. */
export async function openReader(
  { drills, values, events, coordinator, mostEntries, nowMs, refused }: CommonSources,
  admin: AdminClient,
  user: string | null,
): Promise<Reader> {
  const rights = new ClusterRights(admin, nowMs);
  const watched = new WatchedCluster({ admin, coordinator, rights, nowMs, mostEntries, refused });
  await watched.start();
  const end = new AbortController();
  return {
    user,
    admin,
    rights,
    watched,
    events,
    drills,
    values,
    coordinator,
    ended: end.signal,
    close() {
      end.abort();
      watched.stop();
      admin.close();
    },
  };
}
