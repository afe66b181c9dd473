/**
 * OffsetFetch (9), versions 0-9: what a group has committed. An unknown group or partition has offset -1
 * and no error, except in v0.
 * v0 from ZooKeeper, at any broker; v0-1 have no error of their own, so it is repeated in each partition;
 * v2+ null topics means all; v8+ asks for several groups at once. v7+ may ask for what is stable: a
 * partition whose commit is still open, as within a transaction, is answered UNSTABLE_OFFSET_COMMIT.
 * Source: KafkaApis.handleOffsetFetchRequest.
 */
import { pipelined } from '../../coordinator-client/stores/commits.ts';
import type { CommittedOffset } from '../coordinators/group/offsets.ts';
import { ErrorCode } from '../errors.ts';
import { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation, topicNamed } from '../security/operations.ts';
import { type PartitionKey, parsePartitionKey, partitionKey } from '../types.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { namedOnce, onceEach } from './shared/named-once.ts';
import { fetchFromZookeeper } from './shared/zookeeper-offsets.ts';

type Response = ResponseInput<typeof OffsetFetch>;
type TopicsAsked = RequestOf<typeof OffsetFetch>['topics'];
type TopicAsked = NonNullable<TopicsAsked>[number];
type GroupAnswer = NonNullable<Response['groups']>[number] & { readonly errorCode: ErrorCode };
type TopicAnswer = NonNullable<GroupAnswer['topics']>[number];
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number];

const FIRST_VERSION_WITH_COORDINATOR = 1;
const FIRST_BATCHED_VERSION = 8;
const FIRST_VERSION_WITH_ERROR = 2;

const SHAPE = {
  partitionsOf: ({ partitionIndexes }: TopicAsked) => partitionIndexes,
  indexOf: (partition: number) => partition,
  topic: (name: string, partitionIndexes: readonly number[]): TopicAsked => ({
    name,
    partitionIndexes: [...partitionIndexes],
  }),
};

const NEEDS = ['diagnostics', 'metadata', 'store', 'groups'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const offsetFetch = defineHandler(OffsetFetch, NEEDS, {
  handle(request, context, services) {
    if (context.apiVersion < FIRST_VERSION_WITH_COORDINATOR) {
      return fetchOld(request.groupId, request.topics ?? [], context, services);
    }
    const { requireStable } = request;
    if (context.apiVersion >= FIRST_BATCHED_VERSION) {
      // A group that is named again and again is answered once: all its offsets are far longer than its name.
      const groups = onceEach(request.groups, ({ groupId }) => groupId);
      return {
        groups: groups.map((group) => fetchGroup({ ...group, requireStable }, context, services)),
      };
    }
    const group = fetchGroup(request, context, services);
    const { errorCode } = group;
    if (errorCode !== ErrorCode.NONE && context.apiVersion < FIRST_VERSION_WITH_ERROR) {
      return { topics: withError(request.topics, errorCode) };
    }
    return { errorCode, topics: group.topics ?? [] };
  },

  refuse: (request, errorCode): Response => ({
    errorCode,
    topics: withError(request.topics, errorCode),
    groups: request.groups.map((group) => ({ groupId: group.groupId, errorCode, topics: [] })),
  }),
});

async function fetchOld(
  groupId: string,
  topics: NonNullable<TopicsAsked>,
  context: RequestContext,
  services: Needed,
): Promise<Response> {
  if (!context.may(Operation.DESCRIBE, groupNamed(groupId))) {
    return { topics: withError(topics, ErrorCode.GROUP_AUTHORIZATION_FAILED) };
  }
  const one = async (topic: string, partition: number): Promise<PartitionAnswer> => {
    const { offset, errorCode } = context.may(Operation.DESCRIBE, topicNamed(topic))
      ? await fetchFromZookeeper(groupId, { topic, partition }, services)
      : { offset: -1, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
    return { ...noOffset(partition), committedOffset: offset, errorCode };
  };
  const answers: TopicAnswer[] = [];
  for (const { name, partitionIndexes } of namedOnce(topics, SHAPE)) {
    answers.push({
      name,
      partitions: await pipelined(partitionIndexes, (partition) => one(name, partition)),
    });
  }
  return { topics: answers };
}

interface GroupAsked {
  readonly groupId: string;
  readonly topics: TopicsAsked;
  readonly requireStable: boolean;
}

function fetchGroup(
  { groupId, topics, requireStable }: GroupAsked,
  context: RequestContext,
  services: Needed,
): GroupAnswer {
  if (!context.may(Operation.DESCRIBE, groupNamed(groupId))) {
    return { groupId, errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, topics: [] };
  }
  const asked =
    topics === null
      ? null
      : namedOnce(topics, SHAPE).flatMap(({ name, partitionIndexes }) =>
          partitionIndexes.map((partition) => ({ topic: name, partition })),
        );
  const keys = asked?.map(({ topic, partition }) => partitionKey(topic, partition)) ?? null;
  const { error, offsets } = services.groups.fetchOffsets(groupId, keys, requireStable);
  if (error !== ErrorCode.NONE) return { groupId, errorCode: error, topics: [] };
  const byTopic = new Map<string, PartitionAnswer[]>();
  for (const { topic, partition } of asked ?? [...offsets.keys()].map(parsePartitionKey)) {
    const key = partitionKey(topic, partition);
    const allowed = context.may(Operation.DESCRIBE, topicNamed(topic));
    if (!allowed && asked === null) continue;
    const answer = allowed
      ? partitionAnswer(partition, key, offsets)
      : { ...noOffset(partition), errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
    const answers = byTopic.get(topic);
    if (answers === undefined) byTopic.set(topic, [answer]);
    else answers.push(answer);
  }
  return {
    groupId,
    errorCode: ErrorCode.NONE,
    topics: [...byTopic].map(([name, partitions]) => ({ name, partitions })),
  };
}

function partitionAnswer(
  partitionIndex: number,
  key: PartitionKey,
  offsets: ReadonlyMap<PartitionKey, CommittedOffset | 'unstable'>,
): PartitionAnswer {
  // A negative number has the key of another topic's partition.
  const commit = partitionIndex < 0 ? undefined : offsets.get(key);
  if (commit === undefined) return noOffset(partitionIndex);
  if (commit === 'unstable') {
    return { ...noOffset(partitionIndex), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT };
  }
  return {
    partitionIndex,
    committedOffset: commit.offset,
    committedLeaderEpoch: commit.leaderEpoch,
    metadata: commit.metadata,
    errorCode: ErrorCode.NONE,
  };
}

function noOffset(partitionIndex: number): PartitionAnswer {
  return {
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: ErrorCode.NONE,
  };
}

function withError(topics: TopicsAsked, errorCode: ErrorCode): TopicAnswer[] {
  return (topics ?? []).map((topic) => ({
    name: topic.name,
    partitions: topic.partitionIndexes.map((index) => ({ ...noOffset(index), errorCode })),
  }));
}
