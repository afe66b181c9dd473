/** OffsetDelete (key 47): forgets committed offsets of topics that no live member subscribes to. */
import { ErrorCode } from '../protocol/errors.ts';
import { OffsetDelete } from '../protocol/messages/47-offset-delete.ts';
import { partitionKey } from '../types.ts';
import { mayOnGroup, mayOnTopic, Operation } from './authorization.ts';
import type { Handler } from './handler.ts';

export const offsetDelete: Handler<typeof OffsetDelete> = {
  api: OffsetDelete,

  async handle(request, context, services) {
    if (!mayOnGroup(services, context, Operation.DELETE, request.groupId)) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
    }
    const errors = new Map<string, number>();
    const keys: string[] = [];
    for (const topic of request.topics) {
      for (const { partitionIndex } of topic.partitions) {
        const key = partitionKey(topic.name, partitionIndex);
        if (!mayOnTopic(services, context, Operation.READ, topic.name)) {
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
      topics: request.topics.map((topic) => ({
        name: topic.name,
        partitions: topic.partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errors.get(partitionKey(topic.name, partitionIndex)) ?? ErrorCode.NONE,
        })),
      })),
    };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
};
