/**
 * AlterPartitionReassignments (45), version 0: begins to move partitions to other brokers, or calls a
 * move off (replicas null); on the controller only. It answers when the moves have begun.
 * Source: KafkaApis.handleAlterPartitionReassignmentsRequest (KIP-455).
 */

import type { ReassignmentAnswer, ReassignmentRequest } from '../controller/reassignment-events.ts';
import { ErrorCode } from '../errors.ts';
import { afterwards, type Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { AlterPartitionReassignments } from '../protocol/messages/45-alter-partition-reassignments.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler, type Refusing } from './handler.ts';
import { byTopic } from './shared/by-topic.ts';
import { namedOnce } from './shared/named-once.ts';
import { ofPartitions } from './shared/refusals.ts';

type Response = ResponseInput<typeof AlterPartitionReassignments>;
type Request = RequestOf<typeof AlterPartitionReassignments>;
type TopicPartitions = Request['topics'][number];

const SHAPE = {
  partitionsOf: ({ partitions }: TopicPartitions) => partitions,
  indexOf: ({ partitionIndex }: TopicPartitions['partitions'][number]) => partitionIndex,
  topic: (name: string, partitions: TopicPartitions['partitions']): TopicPartitions => ({ name, partitions }),
};

export const alterPartitionReassignments = defineHandler(AlterPartitionReassignments, ['controller'], {
  async handle(request, context, services) {
    if (!context.may(Operation.ALTER, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    const wanted = await context.turns.take(wantedBy(request));
    const answers = await services.controller.alterReassignments(wanted);
    if (!answers.ok) return refuseAll(answers.error);
    return context.turns.take(answer(answers.value));
  },
  refuse,
});

function* wantedBy(request: Request): Steps<readonly ReassignmentRequest[]> {
  const wanted: ReassignmentRequest[] = [];
  for (const { name, partitions } of yield* namedOnce(request.topics, SHAPE)) {
    for (const { partitionIndex, replicas } of partitions) {
      wanted.push({ topic: name, partition: partitionIndex, replicas });
      yield;
    }
  }
  return wanted;
}

function* answer(answers: readonly ReassignmentAnswer[]): Steps<Response> {
  const responses = yield* byTopic(
    answers,
    ({ partition, error, message }) => ({
      partitionIndex: partition,
      errorCode: error,
      errorMessage: message,
    }),
    (name, partitions) => ({ name, partitions }),
  );
  return { errorCode: ErrorCode.NONE, errorMessage: '', responses };
}

/** With the same error for everything that was to be moved. */
function refuse(
  { topics }: Request,
  errorCode: ErrorCode,
  { turns }: Refusing,
): Response | Promise<Response> {
  const error = { errorCode, errorMessage: errorText(errorCode) };
  const named = ofPartitions(topics, {
    partitionsOf: ({ partitions }) => partitions,
    answer: ({ partitionIndex }) => ({ partitionIndex, ...error }),
    topic: ({ name }, partitions) => ({ name, partitions }),
  });
  return afterwards(turns.take(named), (responses) => ({ ...error, responses }));
}

function refuseAll(errorCode: ErrorCode): Response {
  return { errorCode, errorMessage: errorText(errorCode) };
}
