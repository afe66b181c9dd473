/**
 * OffsetDelete (47), version 0: forgets committed offsets of topics that no live member subscribes to.
 * Source: KafkaApis.handleOffsetDeleteRequest.
 */
import { ErrorCode } from '../errors.ts';
import { OffsetDelete } from '../protocol/messages/47-offset-delete.ts';
import type { RequestOf } from '../protocol/schema.ts';
import { groupNamed, Operation, topicNamed } from '../security/operations.ts';
import { partitionKey } from '../types.ts';
import { defineHandler } from './handler.ts';
import { namedOnce } from './shared/named-once.ts';

type TopicPartitions = RequestOf<typeof OffsetDelete>['topics'][number];

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
    const topics = namedOnce(request.topics, SHAPE);
    const errors = new Map<string, ErrorCode>();
    const keys: string[] = [];
    for (const topic of topics) {
      for (const { partitionIndex } of topic.partitions) {
        const key = partitionKey(topic.name, partitionIndex);
        if (!context.may(Operation.READ, topicNamed(topic.name))) {
          errors.set(key, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
        } else if (services.metadata.partition(topic.name, partitionIndex) === undefined) {
          errors.set(key, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        } else keys.push(key);
      }
    }
    const outcome = await services.groups.deleteOffsets(request.groupId, keys);
    if (outcome.error !== ErrorCode.NONE) return { errorCode: outcome.error };
    for (const [index, key] of keys.entries()) errors.set(key, outcome.partitions[index] ?? ErrorCode.NONE);
    return {
      topics: topics.map((topic) => ({
        name: topic.name,
        partitions: topic.partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errors.get(partitionKey(topic.name, partitionIndex)) ?? ErrorCode.NONE,
        })),
      })),
    };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});
