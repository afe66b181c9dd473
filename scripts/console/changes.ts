/** What the console changes when it may: leaders elected, partitions moved, moves slowed down or given up. */
import { ErrorCode } from '../../broker/errors.ts';
import { ElectLeaders } from '../../broker/protocol/messages/43-elect-leaders.ts';
import { type AdminClient, REQUEST_TIMEOUT_MS, reasonOf } from '../cli/admin-client.ts';
import type { TopicPartition } from '../cli/partitions.ts';
import { alterReassignments } from '../cli/reassign/reassignments.ts';

const ELECTIONS = { preferred: 0, unclean: 1 } as const;

/** Throws with the reason when nobody is elected; that the leader is the right one already is no failure. */
export async function electLeader(
  admin: AdminClient,
  { topic, partition }: TopicPartition,
  type: keyof typeof ELECTIONS,
): Promise<void> {
  const topicPartitions = [{ topic, partitions: [partition] }];
  const request = { electionType: ELECTIONS[type], topicPartitions, timeoutMs: REQUEST_TIMEOUT_MS };
  const answer = await admin.askController(ElectLeaders, request, (response) => [response]);
  const result = answer.replicaElectionResults[0]?.partitionResult[0] ?? answer;
  if (result.errorCode !== ErrorCode.NONE && result.errorCode !== ErrorCode.ELECTION_NOT_NEEDED)
    throw new Error(reasonOf(result));
}

/** Null replicas give up the move that is under way. */
export function movePartition(
  admin: AdminClient,
  place: TopicPartition,
  replicas: readonly number[] | null,
): Promise<void> {
  return alterReassignments(admin, [{ ...place, replicas }]);
}
