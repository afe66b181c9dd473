/**
 * Metadata (3), versions 0-12: brokers, controller, and the leaders of topics, from the metadata
 * cache alone. Which topics: v0 an empty list means all; from v1 null means all and empty none; v12
 * also by topic id. A named topic that does not exist is created when both sides allow it (v4+ asks
 * the client; earlier versions always allow). v0 leaves dead replicas out, later versions list them.
 * Source: KafkaApis.handleTopicMetadataRequest, ZkMetadataCache.getTopicMetadata.
 */

import { ErrorCode } from '../errors.ts';
import type { PartitionImage, TopicImage } from '../metadata/image.ts';
import { validateTopicName } from '../metadata/topic-rules.ts';
import { afterwards, FEW, type Steps } from '../platform/turns.ts';
import { Metadata } from '../protocol/messages/03-metadata.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { allowedOperations, mayCreateTopic } from '../security/authorizer.ts';
import { CLUSTER, Operation, topicNamed } from '../security/operations.ts';
import { isInternalTopic, NO_LEADER, ZERO_UUID } from '../types.ts';
import { defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { onceEach } from './shared/named-once.ts';
import { aliveNode, aliveNodes } from './shared/nodes.ts';
import { refuseEach } from './shared/refusals.ts';

type MetadataRequest = RequestOf<typeof Metadata>;
type MetadataResponse = ResponseInput<typeof Metadata>;
type TopicEntry = NonNullable<MetadataResponse['topics']>[number];
type PartitionEntry = NonNullable<TopicEntry['partitions']>[number];

const FIRST_WITH_IDS = 12;

const NEEDS = ['clusterId', 'config', 'metadata', 'autoTopics'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const metadata = defineHandler(Metadata, NEEDS, {
  handle(request, context, services) {
    const { topics } = request;
    if (topics === null || (context.apiVersion === 0 && topics.length === 0)) {
      const all = context.turns.take(allTopics(request, context, services));
      return afterwards(all, (entries) => answer(request, context, services, entries));
    }
    const named = context.turns.take(namedTopics(topics, request, { context, services }));
    return afterwards(named, (all) =>
      all === null
        ? refuse(request, ErrorCode.INVALID_REQUEST, context)
        : withMissing(all, request, context, services),
    );
  },
  refuse,
});

/** What came of the topics that are named. */
interface LookedUp {
  readonly found: TopicEntry[];
  /** Names of those that are to be created. */
  readonly missing: readonly string[];
}

/** null: they are not named as this version may. */
function* namedTopics(
  topics: NonNullable<MetadataRequest['topics']>,
  request: MetadataRequest,
  { context, services }: { context: RequestContext; services: Needed },
): Steps<LookedUp | null> {
  const named = yield* meantBy(topics, context.apiVersion);
  if (named === null) return null;
  // The answer of a topic may be far larger than its name.
  const once = yield* onceEach(named, ({ topicId, name }) =>
    topicId === ZERO_UUID ? (name ?? '') : topicId,
  );
  const found: TopicEntry[] = [];
  const missing: string[] = [];
  for (const { name, topicId } of once) {
    const entry = yield* lookUp(name, topicId, request, { context, services });
    if (entry === 'create') missing.push(name ?? '');
    else found.push(entry);
    yield;
  }
  return { found, missing };
}

/** Names may be missing, and ids may be asked for, from v12 only; names beside ids are passed over. */
function* meantBy(
  topics: NonNullable<MetadataRequest['topics']>,
  apiVersion: number,
): Steps<NonNullable<MetadataRequest['topics']> | null> {
  const byId: NonNullable<MetadataRequest['topics']>[number][] = [];
  for (const [index, topic] of topics.entries()) {
    if (index >= FEW) yield;
    if (topic.topicId !== ZERO_UUID) byId.push(topic);
    else if (topic.name === null && apiVersion < FIRST_WITH_IDS) return null;
  }
  if (byId.length === 0) return topics;
  return apiVersion < FIRST_WITH_IDS ? null : byId;
}

/** Creates the topics of which there is no entry but the name. */
function withMissing(
  { found, missing }: LookedUp,
  request: MetadataRequest,
  context: RequestContext,
  services: Needed,
): MetadataResponse | Promise<MetadataResponse> {
  if (missing.length === 0) return answer(request, context, services, found);
  return services.autoTopics.create(missing, context).then(async (errors) => {
    await context.turns.each(missing, (name) => {
      const errorCode = errors.get(name) ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      found.push(withOperations(emptyEntry(name, errorCode), request, context));
    });
    return answer(request, context, services, found);
  });
}

function refuse(
  request: MetadataRequest,
  errorCode: ErrorCode,
  context: Refusing,
): MetadataResponse | Promise<MetadataResponse> {
  return refuseEach(
    request.topics ?? [],
    context,
    ({ name, topicId }) => ({ errorCode, name: name ?? '', topicId, isInternal: false }),
    (topics) => ({ topics }),
  );
}

function answer(
  request: MetadataRequest,
  context: RequestContext,
  services: Needed,
  topics: readonly TopicEntry[],
): MetadataResponse {
  const brokers = aliveNodes(services.metadata, context.listener).map(({ id, host, port, rack }) => ({
    nodeId: id,
    host,
    port,
    rack,
  }));
  const response = {
    brokers,
    clusterId: services.clusterId,
    controllerId: services.metadata.image.controllerId,
    topics,
  };
  if (!request.includeClusterAuthorizedOperations) return response;
  const allowed = context.may(Operation.DESCRIBE, CLUSTER);
  return {
    ...response,
    clusterAuthorizedOperations: allowed ? allowedOperations(context, CLUSTER) : 0,
  };
}

/** Topics that the principal may not see are left out without a word. */
function* allTopics(
  request: MetadataRequest,
  context: RequestContext,
  services: Needed,
): Steps<TopicEntry[]> {
  const entries: TopicEntry[] = [];
  // As it is now: an image never changes.
  for (const topic of services.metadata.image.topics.values()) {
    if (context.couldDo(Operation.DESCRIBE, topicNamed(topic.name))) {
      entries.push(yield* describe(topic, request, context, services));
    }
    yield;
  }
  return entries;
}

function* lookUp(
  name: string | null,
  topicId: string,
  request: MetadataRequest,
  { context, services }: { context: RequestContext; services: Needed },
): Steps<TopicEntry | 'create'> {
  if (topicId !== ZERO_UUID) return yield* lookUpById(topicId, request, context, services);
  const topicName = name ?? '';
  if (!context.may(Operation.DESCRIBE, topicNamed(topicName))) {
    return emptyEntry(topicName, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  }
  const topic = services.metadata.topic(topicName);
  if (topic !== undefined) return yield* describe(topic, request, context, services);
  const mayCreate = request.allowAutoTopicCreation && services.config.autoCreateTopicsEnable;
  if (mayCreate) {
    if (mayCreateTopic(context, topicName)) return 'create';
    return emptyEntry(topicName, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  }
  const valid = validateTopicName(topicName) === null;
  const errorCode = valid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
  return withOperations(emptyEntry(topicName, errorCode), request, context);
}

function* lookUpById(
  topicId: string,
  request: MetadataRequest,
  context: RequestContext,
  services: Needed,
): Steps<TopicEntry> {
  const name = services.metadata.topicName(topicId);
  const topic = name === undefined ? undefined : services.metadata.topic(name);
  if (topic === undefined) return { ...emptyEntry(null, ErrorCode.UNKNOWN_TOPIC_ID), topicId };
  if (!context.may(Operation.DESCRIBE, topicNamed(topic.name))) {
    // The name behind an id is not given away.
    return { ...emptyEntry(null, ErrorCode.TOPIC_AUTHORIZATION_FAILED), topicId };
  }
  return yield* describe(topic, request, context, services);
}

function emptyEntry(name: string | null, errorCode: ErrorCode): TopicEntry {
  return { errorCode, name, isInternal: isInternalTopic(name ?? '') };
}

function* describe(
  topic: TopicImage,
  request: MetadataRequest,
  context: RequestContext,
  services: Needed,
): Steps<TopicEntry> {
  const partitions: PartitionEntry[] = [];
  for (const partition of topic.partitions.values()) {
    partitions.push(describePartition(partition, context, services));
    yield;
  }
  const entry: TopicEntry = {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: isInternalTopic(topic.name),
    partitions,
  };
  return withOperations(entry, request, context);
}

/** What the principal may do is told of every topic that it may name, whether or not there is one. */
function withOperations(entry: TopicEntry, request: MetadataRequest, context: RequestContext): TopicEntry {
  if (!request.includeTopicAuthorizedOperations) return entry;
  const operations = allowedOperations(context, topicNamed(entry.name ?? ''));
  return { ...entry, topicAuthorizedOperations: operations };
}

function describePartition(
  partition: PartitionImage,
  context: RequestContext,
  services: Needed,
): PartitionEntry {
  const { apiVersion, listener } = context;
  const reachable = (id: number): boolean => aliveNode(services.metadata, id, listener) !== undefined;
  // v0 clients can't cope with replicas that the answer's broker list does not hold.
  const replicaNodes = apiVersion === 0 ? partition.replicas.filter(reachable) : partition.replicas;
  const isrNodes = apiVersion === 0 ? partition.isr.filter(reachable) : partition.isr;
  const complete =
    replicaNodes.length === partition.replicas.length && isrNodes.length === partition.isr.length;
  const common = {
    partitionIndex: partition.partition,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas: partition.offlineReplicas,
  };
  if (!reachable(partition.leader)) {
    const lacksListener = services.metadata.isAlive(partition.leader) && apiVersion >= 6;
    const errorCode = lacksListener ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE;
    return { ...common, errorCode, leaderId: NO_LEADER };
  }
  const errorCode = complete ? ErrorCode.NONE : ErrorCode.REPLICA_NOT_AVAILABLE;
  return { ...common, errorCode, leaderId: partition.leader };
}
