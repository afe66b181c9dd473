/**
 * OffsetDelete (47), version 0: forgets committed offsets of topics that no live member subscribes to.
 * Source: KafkaApis.handleOffsetDeleteRequest.
 */

import { ErrorCode } from '../errors.ts';
import { LargeMap } from '../large-map.ts';
import type { Steps } from '../platform/turns.ts';
import { OffsetDelete } from '../protocol/messages/47-offset-delete.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation, topicNamed } from '../security/operations.ts';
import { partitionKey } from '../types.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { namedOnce } from './shared/named-once.ts';

type Request = RequestOf<typeof OffsetDelete>;
type TopicPartitions = Request['topics'][number];

const SHAPE = {
  partitionsOf: ({ partitions }: TopicPartitions) => partitions,
  indexOf: ({ partitionIndex }: TopicPartitions['partitions'][number]) => partitionIndex,
  topic: (name: string, partitions: TopicPartitions['partitions']): TopicPartitions => ({ name, partitions }),
};

export const offsetDelete = defineHandler(OffsetDelete, ['metadata', 'groups'], {
  async handle(request, context, services) {
    if (!context.may(Operation.DELETE, groupNamed(request.groupId))) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
    }
    if (request.groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID };
    const { topics, errors, keys } = await context.turns.take(judged(request, context, services));
    const outcome = await services.groups.deleteOffsets(request.groupId, keys);
    if (outcome.error !== ErrorCode.NONE) return { errorCode: outcome.error };
    for (const [index, key] of keys.entries()) errors.set(key, outcome.partitions[index] ?? ErrorCode.NONE);
    return context.turns.take(answer(topics, errors));
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});

interface Judged {
  readonly topics: readonly TopicPartitions[];
  /** By partition, of those that are not to be deleted. */
  readonly errors: Map<string, ErrorCode>;
  readonly keys: readonly string[];
}

function* judged(request: Request, context: RequestContext, services: Needs<'metadata'>): Steps<Judged> {
  const topics = yield* namedOnce(request.topics, SHAPE);
  const errors = new LargeMap<string, ErrorCode>();
  const keys: string[] = [];
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      yield;
      const key = partitionKey(name, partitionIndex);
      if (!context.may(Operation.READ, topicNamed(name))) {
        errors.set(key, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
      } else if (services.metadata.partition(name, partitionIndex) === undefined) {
        errors.set(key, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      } else keys.push(key);
    }
  }
  return { topics, errors, keys };
}

function* answer(
  topics: readonly TopicPartitions[],
  errors: ReadonlyMap<string, ErrorCode>,
): Steps<ResponseInput<typeof OffsetDelete>> {
  const answers: { name: string; partitions: { partitionIndex: number; errorCode: ErrorCode }[] }[] = [];
  for (const { name, partitions } of topics) {
    const ofTopic: { partitionIndex: number; errorCode: ErrorCode }[] = [];
    for (const { partitionIndex } of partitions) {
      const errorCode = errors.get(partitionKey(name, partitionIndex)) ?? ErrorCode.NONE;
      ofTopic.push({ partitionIndex, errorCode });
      yield;
    }
    answers.push({ name, partitions: ofTopic });
  }
  return { topics: answers };
}
