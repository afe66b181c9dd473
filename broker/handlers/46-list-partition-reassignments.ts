/**
 * ListPartitionReassignments (46), version 0: the moves of partitions that are under way, of the named
 * partitions or (null) of all; on the controller only.
 * Source: KafkaApis.handleListPartitionReassignmentsRequest (KIP-455).
 */

import { ErrorCode } from '../errors.ts';
import { errorText } from '../protocol/error-texts.ts';
import { ListPartitionReassignments } from '../protocol/messages/46-list-partition-reassignments.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

type Request = RequestOf<typeof ListPartitionReassignments>;
type Response = ResponseInput<typeof ListPartitionReassignments>;

export const listPartitionReassignments = defineHandler(ListPartitionReassignments, ['controller'], {
  async handle(request, context, services) {
    if (!context.may(Operation.DESCRIBE, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
    const asked = request.topics?.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map((partition) => ({ topic: name, partition })),
    );
    const ongoing = await services.controller.listReassignments(asked ?? null);
    if (!ongoing.ok) return refuseAll(ongoing.error);
    const byTopic = Map.groupBy(ongoing.value, ({ topic }) => topic);
    const topics = [...byTopic].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, replicas, addingReplicas, removingReplicas }) => ({
        partitionIndex: partition,
        replicas,
        addingReplicas,
        removingReplicas,
      })),
    }));
    return { errorCode: ErrorCode.NONE, errorMessage: '', topics };
  },
  refuse,
});

/** With what was asked for, as if nothing of it moved. */
function refuse({ topics }: Request, errorCode: ErrorCode): Response {
  const named = topics?.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex })),
  }));
  return { ...refuseAll(errorCode), topics: named ?? [] };
}

function refuseAll(errorCode: ErrorCode): Response {
  return { errorCode, errorMessage: errorText(errorCode) };
}
