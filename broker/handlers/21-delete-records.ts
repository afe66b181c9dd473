/**
 * DeleteRecords (21), versions 0-2: raises the log start offset of partitions that this broker leads
 * and answers when every live replica has followed. Offset -1 means up to the high watermark.
 * Source: KafkaApis.handleDeleteRecordsRequest, ReplicaManager.deleteRecords.
 */

import { ErrorCode } from '../errors.ts';
import { LargeMap } from '../large-map.ts';
import { afterwards, type Steps } from '../platform/turns.ts';
import { DeleteRecords } from '../protocol/messages/21-delete-records.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import type { DeleteRecordsEntry, DeleteRecordsOutcome } from '../replication/requests/delete-records.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { isInternalTopic, partitionKey } from '../types.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { namedOnce } from './shared/named-once.ts';

type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>;
type TopicPartitions = DeleteRecordsRequest['topics'][number];
type DeleteRecordsResponse = ResponseInput<typeof DeleteRecords>;

const NO_WATERMARK = -1;
const SHAPE = {
  partitionsOf: ({ partitions }: TopicPartitions) => partitions,
  indexOf: ({ partitionIndex }: TopicPartitions['partitions'][number]) => partitionIndex,
  topic: (name: string, partitions: TopicPartitions['partitions']): TopicPartitions => ({ name, partitions }),
};

interface Verdict {
  readonly error: ErrorCode;
  readonly lowWatermark: number;
}

const NEEDS = ['metadata', 'replicas'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const deleteRecords = defineHandler(DeleteRecords, NEEDS, {
  async handle(request, context, services) {
    const { topics, entries, verdicts } = await context.turns.take(judged(request, context, services));
    const outcomes: readonly DeleteRecordsOutcome[] = await services.replicas.deleteRecords(
      entries,
      request.timeoutMs,
      context.turns,
    );
    await context.turns.each(outcomes, (outcome) =>
      verdicts.set(partitionKey(outcome.topic, outcome.partition), outcome),
    );
    const verdictOf = (key: string): Verdict => verdicts.get(key) ?? failed(ErrorCode.UNKNOWN_SERVER_ERROR);
    return context.turns.take(answer(topics, verdictOf));
  },
  refuse: ({ topics }, errorCode, { turns }) =>
    afterwards(turns.take(namedOnce(topics, SHAPE)), (named) =>
      turns.take(answer(named, () => failed(errorCode))),
    ),
});

interface Judged {
  readonly topics: readonly TopicPartitions[];
  readonly entries: readonly DeleteRecordsEntry[];
  /** Of those that there are no entries of, by partition; the others' come to them. */
  readonly verdicts: Map<string, Verdict>;
}

function* judged(request: DeleteRecordsRequest, context: RequestContext, services: Needed): Steps<Judged> {
  const verdicts = new LargeMap<string, Verdict>();
  const entries: DeleteRecordsEntry[] = [];
  const topics = yield* namedOnce(request.topics, SHAPE);
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, offset } of partitions) {
      const error = errorOf(name, partitionIndex, context, services);
      const key = partitionKey(name, partitionIndex);
      if (error === ErrorCode.NONE) entries.push({ topic: name, partition: partitionIndex, offset });
      else verdicts.set(key, failed(error));
      yield;
    }
  }
  return { topics, entries, verdicts };
}

function failed(error: ErrorCode): Verdict {
  return { error, lowWatermark: NO_WATERMARK };
}

function* answer(
  topics: readonly TopicPartitions[],
  verdictOf: (partition: string) => Verdict,
): Steps<DeleteRecordsResponse> {
  const answers: NonNullable<DeleteRecordsResponse['topics']>[number][] = [];
  for (const { name, partitions } of topics) {
    const ofTopic: { partitionIndex: number; lowWatermark: number; errorCode: ErrorCode }[] = [];
    for (const { partitionIndex } of partitions) {
      const { error, lowWatermark } = verdictOf(partitionKey(name, partitionIndex));
      ofTopic.push({ partitionIndex, lowWatermark, errorCode: error });
      yield;
    }
    answers.push({ name, partitions: ofTopic });
  }
  return { topics: answers };
}

function errorOf(topic: string, partition: number, context: RequestContext, services: Needed): ErrorCode {
  if (!context.may(Operation.DELETE, topicNamed(topic))) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  if (services.metadata.partition(topic, partition) === undefined) {
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }
  // What coordinators have written is theirs to delete.
  return isInternalTopic(topic) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.NONE;
}
