/** Reassignments as the controller knows them: which are under way; new ones, and their ends. */
import { ErrorCode } from '../../../broker/errors.ts';
import { AlterPartitionReassignments } from '../../../broker/protocol/messages/45-alter-partition-reassignments.ts';
import { ListPartitionReassignments } from '../../../broker/protocol/messages/46-list-partition-reassignments.ts';
import { type AdminClient, REQUEST_TIMEOUT_MS, reasonOf } from '../admin-client.ts';
import { byTopic, comparePartitions, type TopicPartition } from '../partitions.ts';

export interface Reassignment extends TopicPartition {
  /** All that there are while it moves. */
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

export async function runningReassignments(admin: AdminClient): Promise<Reassignment[]> {
  const request = { topics: null, timeoutMs: REQUEST_TIMEOUT_MS };
  const answer = await admin.askController(ListPartitionReassignments, request, (response) => [response]);
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(reasonOf(answer));
  const found = answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
      topic: name,
      partition: partitionIndex,
      replicas,
      adding: addingReplicas,
      removing: removingReplicas,
    })),
  );
  return found.sort(comparePartitions);
}

/** Null replicas end the reassignment of a partition. Throws with a line for each that was refused. */
export async function alterReassignments(
  admin: AdminClient,
  partitions: readonly (TopicPartition & { readonly replicas: readonly number[] | null })[],
): Promise<void> {
  const topics = [...byTopic(partitions)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      replicas: replicas === null ? null : [...replicas],
    })),
  }));
  const request = { topics, timeoutMs: REQUEST_TIMEOUT_MS };
  const answer = await admin.askController(AlterPartitionReassignments, request, (response) => [response]);
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(reasonOf(answer));
  const failed = answer.responses.flatMap(({ name, partitions: results }) =>
    results
      .filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
      .map((result) => `partition ${name}-${result.partitionIndex}: ${reasonOf(result)}`),
  );
  if (failed.length > 0) throw new Error(failed.join('\n'));
}
