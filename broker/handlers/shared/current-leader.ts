/**
 * The leader that Produce v10+ and Fetch v16+ name along with "not me", so that clients go on without
 * asking for metadata first (KIP-951).
 */
import { type BrokerId, NO_EPOCH, NO_LEADER } from '../../types.ts';
import type { Needs } from '../services.ts';

export interface CurrentLeader {
  readonly leaderId: BrokerId;
  readonly leaderEpoch: number;
}

/** As this broker's metadata cache knows it; -1 and -1 when it does not. */
export function currentLeader(services: Needs<'metadata'>, topic: string, partition: number): CurrentLeader {
  const known = services.metadata.partition(topic, partition);
  if (known === undefined) return { leaderId: NO_LEADER, leaderEpoch: NO_EPOCH };
  return { leaderId: known.leader, leaderEpoch: known.leaderEpoch };
}

/** Those that there are: -1 is nobody. */
export function leadersOf(leaders: readonly CurrentLeader[]): ReadonlySet<BrokerId> {
  return new Set(leaders.map(({ leaderId }) => leaderId).filter((id) => id >= 0));
}
