/**
 * OffsetCommit (key 8): stores how far a group has read, in `__consumer_offsets`; v0 in ZooKeeper, at any
 * broker. v1 may name the time of the commit, v2-4 how long to keep it.
 * Per partition: not authorised, unknown partition, metadata too large, then the group's own errors.
 * Source: KafkaApis.handleOffsetCommitRequest.
 */
import type { OffsetToCommit } from '../coordinators/group/offset-store.ts';
import { ErrorCode } from '../errors.ts';
import { int64Sum } from '../int64.ts';
import { OffsetCommit } from '../protocol/messages/08-offset-commit.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import type { Handler, RequestContext } from './handler.ts';
import type { Services } from './services.ts';
import { mayOnGroup, mayOnTopic, Operation } from './shared/authorization.ts';
import { commitToZookeeper } from './shared/zookeeper-offsets.ts';

const FIRST_VERSION_WITH_COORDINATOR = 1;

/** What a client leaves to the broker. */
const UNSET = -1;

type Request = RequestOf<typeof OffsetCommit>;

export const offsetCommit: Handler<typeof OffsetCommit> = {
  api: OffsetCommit,

  async handle(request, context, services) {
    if (!mayOnGroup(services, context, Operation.READ, request.groupId)) {
      return answer(request, () => ErrorCode.GROUP_AUTHORIZATION_FAILED);
    }
    const commits: OffsetToCommit[] = [];
    const errors = new Map<object, number>();
    const positions = new Map<object, number>();
    for (const topic of request.topics) {
      for (const partition of topic.partitions) {
        const error = check(topic.name, partition.partitionIndex, context, services);
        if (error !== ErrorCode.NONE) {
          errors.set(partition, error);
          continue;
        }
        positions.set(partition, commits.length);
        commits.push(toCommit(request, topic.name, partition, services));
      }
    }
    if (commits.length === 0) return answer(request, (partition) => errors.get(partition) ?? ErrorCode.NONE);
    const { groupId } = request;
    const outcome =
      context.apiVersion < FIRST_VERSION_WITH_COORDINATOR
        ? await commitToZookeeper(groupId, commits, services)
        : await services.groups.commitOffsets({
            groupId,
            memberId: request.memberId,
            instanceId: request.groupInstanceId,
            generationId: request.generationIdOrMemberEpoch,
            commits,
          });
    return answer(
      request,
      (partition) => errors.get(partition) ?? outcome[positions.get(partition) ?? -1] ?? 0,
    );
  },

  refuse: (request, errorCode) => answer(request, () => errorCode),
};

function check(topic: string, partition: number, context: RequestContext, services: Services): number {
  if (!mayOnTopic(services, context, Operation.READ, topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  if (services.metadata.partition(topic, partition) === undefined)
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return ErrorCode.NONE;
}

function toCommit(
  request: Request,
  topic: string,
  partition: Request['topics'][number]['partitions'][number],
  services: Services,
): OffsetToCommit {
  const nowMs = services.clock.wallMs();
  return {
    topic,
    partition: partition.partitionIndex,
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? '',
    commitTimestampMs: partition.commitTimestamp === UNSET ? nowMs : partition.commitTimestamp,
    expireTimestampMs: request.retentionTimeMs === UNSET ? null : int64Sum(nowMs, request.retentionTimeMs),
  };
}

function answer(
  request: Request,
  errorOf: (partition: object) => number,
): ResponseInput<typeof OffsetCommit> {
  return {
    topics: request.topics.map((topic) => ({
      name: topic.name,
      partitions: topic.partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errorOf(partition),
      })),
    })),
  };
}
