/**
 * OffsetForLeaderEpoch (23), versions 0-4: where a leader epoch ends in the leader's log, by which
 * consumers find out whether what they have read was truncated since. Who acts for the cluster sees all topics.
 * Source: KafkaApis.handleOffsetForLeaderEpochRequest, ReplicaManager.lastOffsetForLeaderEpoch.
 */
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { OffsetForLeaderEpoch } from '../protocol/messages/23-offset-for-leader-epoch.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation, topicNamed } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

type Request = RequestOf<typeof OffsetForLeaderEpoch>;
type Response = ResponseInput<typeof OffsetForLeaderEpoch>;
type Wanted = Request['topics'][number]['partitions'][number];
type TopicResponse = NonNullable<Response['topics']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];

/** v3+; may ask any replica. The default of earlier versions, who may not. */
const DEBUGGING_CONSUMER = -2;

export const offsetForLeaderEpoch = defineHandler(OffsetForLeaderEpoch, ['replicas'], {
  handle(request, context, services) {
    const seesAll = context.couldDo(Operation.CLUSTER_ACTION, CLUSTER);
    const steps = answer(request, (topic, { partition, currentLeaderEpoch, leaderEpoch }) => {
      if (!seesAll && !context.may(Operation.DESCRIBE, topicNamed(topic))) {
        return { partition, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
      }
      const end = services.replicas.endOffsetForEpoch(topic, partition, {
        currentLeaderEpoch,
        leaderEpoch,
        fetchOnlyLeader: request.replicaId !== DEBUGGING_CONSUMER || context.apiVersion < 3,
      });
      return { partition, errorCode: end.error, leaderEpoch: end.epoch, endOffset: end.endOffset };
    });
    return context.turns.take(steps);
  },
  refuse: (request, errorCode, { turns }) =>
    turns.take(answer(request, (_topic, { partition }) => ({ partition, errorCode }))),
});

function* answer(
  request: Request,
  one: (topic: string, wanted: Wanted) => PartitionResponse,
): Steps<Response> {
  const topics: TopicResponse[] = [];
  for (const { topic, partitions } of request.topics) {
    const answers: PartitionResponse[] = [];
    for (const wanted of partitions) {
      answers.push(one(topic, wanted));
      yield;
    }
    topics.push({ topic, partitions: answers });
    yield;
  }
  return { topics };
}
