/**
 * ListPartitionReassignments (46), version 0: the moves of partitions that are under way, of the named
 * partitions or (null) of all; on the controller only.
 * Source: KafkaApis.handleListPartitionReassignmentsRequest (KIP-455).
 */

import type { OngoingReassignment } from '../controller/reassignment-events.ts';
import { ErrorCode } from '../errors.ts';
import { afterwards, type Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { ListPartitionReassignments } from '../protocol/messages/46-list-partition-reassignments.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import type { TopicPartition } from '../types.ts';
import { defineHandler, type Refusing } from './handler.ts';
import { byTopic } from './shared/by-topic.ts';
import { ofPartitions } from './shared/refusals.ts';

type Request = RequestOf<typeof ListPartitionReassignments>;
type Response = ResponseInput<typeof ListPartitionReassignments>;

export const listPartitionReassignments = defineHandler(ListPartitionReassignments, ['controller'], {
  async handle(request, context, services) {
    if (!context.may(Operation.DESCRIBE, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    const asked = request.topics === null ? null : await context.turns.take(namedBy(request.topics));
    const ongoing = await services.controller.listReassignments(asked);
    if (!ongoing.ok) return refuseAll(ongoing.error);
    return context.turns.take(answer(ongoing.value));
  },
  refuse,
});

function* namedBy(topics: NonNullable<Request['topics']>): Steps<readonly TopicPartition[]> {
  const named: TopicPartition[] = [];
  for (const { name, partitionIndexes } of topics) {
    for (const partition of partitionIndexes) {
      named.push({ topic: name, partition });
      yield;
    }
  }
  return named;
}

function* answer(ongoing: readonly OngoingReassignment[]): Steps<Response> {
  const topics = yield* byTopic(
    ongoing,
    ({ partition: partitionIndex, replicas, addingReplicas, removingReplicas }) => {
      return { partitionIndex, replicas, addingReplicas, removingReplicas };
    },
    (name, partitions) => ({ name, partitions }),
  );
  return { errorCode: ErrorCode.NONE, errorMessage: '', topics };
}

/** With what was asked for, as if nothing of it moved. */
function refuse(
  { topics }: Request,
  errorCode: ErrorCode,
  { turns }: Refusing,
): Response | Promise<Response> {
  const named = ofPartitions(topics ?? [], {
    partitionsOf: ({ partitionIndexes }) => partitionIndexes,
    answer: (partitionIndex) => ({ partitionIndex }),
    topic: ({ name }, partitions) => ({ name, partitions }),
  });
  return afterwards(turns.take(named), (all) => ({ ...refuseAll(errorCode), topics: all }));
}

function refuseAll(errorCode: ErrorCode): Response {
  return { errorCode, errorMessage: errorText(errorCode) };
}
