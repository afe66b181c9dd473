/** What the console changes when it may: leaders elected, partitions moved, moves given up. */
import type { AdminClient } from '../cli/admin-client.ts';
import { elect } from '../cli/elections.ts';
import type { TopicPartition } from '../cli/partitions.ts';
import { alterReassignments } from '../cli/reassign/reassignments.ts';

/** Throws with the reason when nobody is elected; that the leader is the right one already is no failure. */
export async function electLeader(
  admin: AdminClient,
  place: TopicPartition,
  type: 'preferred' | 'unclean',
): Promise<void> {
  for (const { reason } of await elect(admin, type, [place])) if (reason !== null) throw new Error(reason);
}

/** Null replicas give up the move that is under way. */
export function movePartition(
  admin: AdminClient,
  place: TopicPartition,
  replicas: readonly number[] | null,
): Promise<void> {
  return alterReassignments(admin, [{ ...place, replicas }]);
}
