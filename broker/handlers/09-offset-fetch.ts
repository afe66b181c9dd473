/**
 * OffsetFetch (9), versions 0-9: what a group has committed. An unknown group or partition has offset -1
 * and no error, except in v0.
 * v0 from ZooKeeper, at any broker; v0-1 have no error of their own, so it is repeated in each partition;
 * v2+ null topics means all; v8+ asks for several groups at once. v7+ may ask for what is stable: a
 * partition whose commit is still open, as within a transaction, is answered UNSTABLE_OFFSET_COMMIT.
 * Source: KafkaApis.handleOffsetFetchRequest.
 */

import { pipelined } from '../../coordinator-client/stores/commits.ts';
import { NameMap } from '../bounded-name.ts';
import type { CommittedOffset } from '../coordinators/group/offsets.ts';
import { ErrorCode } from '../errors.ts';
import { afterwards, gathered, type Steps } from '../platform/turns.ts';
import { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation, topicNamed } from '../security/operations.ts';
import { type PartitionKey, parsePartitionKey, partitionKey, type TopicPartition } from '../types.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { namedOnce, onceEach } from './shared/named-once.ts';
import { ofPartitions } from './shared/refusals.ts';
import { fetchFromZookeeper } from './shared/zookeeper-offsets.ts';

type Response = ResponseInput<typeof OffsetFetch>;
type Answered = Response | Promise<Response>;
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
    if (context.apiVersion >= FIRST_BATCHED_VERSION) {
      return context.turns.take(fetchGroups(request, context, services));
    }
    return afterwards(context.turns.take(fetchGroup(request, context, services)), (group): Answered => {
      const { errorCode } = group;
      if (errorCode !== ErrorCode.NONE && context.apiVersion < FIRST_VERSION_WITH_ERROR) {
        return afterwards(context.turns.take(withError(request.topics, errorCode)), (topics) => ({ topics }));
      }
      return { errorCode, topics: group.topics ?? [] };
    });
  },

  refuse: (request, errorCode, { turns }): Answered => turns.take(refusal(request, errorCode)),
});

function* refusal(request: RequestOf<typeof OffsetFetch>, errorCode: ErrorCode): Steps<Response> {
  const groups: GroupAnswer[] = [];
  for (const { groupId } of request.groups) {
    groups.push({ groupId, errorCode, topics: [] });
    yield;
  }
  return { errorCode, topics: yield* withError(request.topics, errorCode), groups };
}

async function fetchOld(
  groupId: string,
  topics: NonNullable<TopicsAsked>,
  context: RequestContext,
  services: Needed,
): Promise<Response> {
  if (!context.may(Operation.DESCRIBE, groupNamed(groupId))) {
    return { topics: await context.turns.take(withError(topics, ErrorCode.GROUP_AUTHORIZATION_FAILED)) };
  }
  const one = async (topic: string, partition: number): Promise<PartitionAnswer> => {
    const { offset, errorCode } = context.may(Operation.DESCRIBE, topicNamed(topic))
      ? await fetchFromZookeeper(groupId, { topic, partition }, services)
      : { offset: -1, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
    return { ...noOffset(partition), committedOffset: offset, errorCode };
  };
  const answers: TopicAnswer[] = [];
  for (const { name, partitionIndexes } of await context.turns.take(namedOnce(topics, SHAPE))) {
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

function* fetchGroups(
  { groups, requireStable }: RequestOf<typeof OffsetFetch>,
  context: RequestContext,
  services: Needed,
): Steps<Response> {
  const answers: GroupAnswer[] = [];
  // A group that is named again and again is answered once: all its offsets are far longer than its name.
  for (const group of yield* onceEach(groups, ({ groupId }) => groupId)) {
    answers.push(yield* fetchGroup({ ...group, requireStable }, context, services));
    yield;
  }
  return { groups: answers };
}

function* fetchGroup(
  { groupId, topics, requireStable }: GroupAsked,
  context: RequestContext,
  services: Needed,
): Steps<GroupAnswer> {
  if (!context.may(Operation.DESCRIBE, groupNamed(groupId))) {
    return { groupId, errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, topics: [] };
  }
  const asked = topics === null ? null : yield* partitionsOf(yield* namedOnce(topics, SHAPE));
  // All at one moment.
  const { error, offsets } = services.groups.fetchOffsets(groupId, asked?.keys ?? null, requireStable);
  if (error !== ErrorCode.NONE) return { groupId, errorCode: error, topics: [] };
  const byTopic = new NameMap<{ readonly name: string; readonly partitions: PartitionAnswer[] }>();
  for (const { topic, partition } of asked?.partitions ?? [...offsets.keys()].map(parsePartitionKey)) {
    yield;
    const key = partitionKey(topic, partition);
    const allowed = context.may(Operation.DESCRIBE, topicNamed(topic));
    if (!allowed && asked === null) continue;
    const answer = allowed
      ? partitionAnswer(partition, key, offsets)
      : { ...noOffset(partition), errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
    const ofTopic = byTopic.get(topic);
    if (ofTopic === undefined) byTopic.set(topic, { name: topic, partitions: [answer] });
    else ofTopic.partitions.push(answer);
  }
  return {
    groupId,
    errorCode: ErrorCode.NONE,
    topics: yield* gathered(byTopic.values()),
  };
}

function* partitionsOf(topics: readonly TopicAsked[]): Steps<{
  readonly partitions: readonly TopicPartition[];
  readonly keys: readonly PartitionKey[];
}> {
  const partitions: TopicPartition[] = [];
  const keys: PartitionKey[] = [];
  for (const { name, partitionIndexes } of topics) {
    for (const partition of partitionIndexes) {
      partitions.push({ topic: name, partition });
      keys.push(partitionKey(name, partition));
      yield;
    }
  }
  return { partitions, keys };
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

function withError(topics: TopicsAsked, errorCode: ErrorCode): Steps<TopicAnswer[]> {
  return ofPartitions(topics ?? [], {
    partitionsOf: ({ partitionIndexes }) => partitionIndexes,
    answer: (index) => ({ ...noOffset(index), errorCode }),
    topic: ({ name }, partitions) => ({ name, partitions }),
  });
}
