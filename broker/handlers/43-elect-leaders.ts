/**
 * ElectLeaders (43), versions 0-2: preferred or (v1+) unclean elections, on the controller only. The
 * answer waits until this broker's own metadata shows the new leaders, up to the timeout.
 * Asked for all partitions, it names only those for which an election was needed.
 * Source: KafkaApis.handleElectLeaders, ReplicaManager.electLeaders, DelayedElectLeader.
 */
import type { ElectionAnswer, ElectionType } from '../controller/election-events.ts';
import { ErrorCode } from '../errors.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { filtered, type Steps } from '../platform/turns.ts';
import { ElectLeaders } from '../protocol/messages/43-elect-leaders.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { partitionKey, type TopicPartition } from '../types.ts';
import { defineHandler, type Refusing } from './handler.ts';
import type { Needs } from './services.ts';
import { byTopic } from './shared/by-topic.ts';
import { onceEach } from './shared/named-once.ts';

type ElectLeadersRequest = RequestOf<typeof ElectLeaders>;
type ElectLeadersResponse = ResponseInput<typeof ElectLeaders>;

const ELECTION_TYPES: readonly ElectionType[] = ['preferred', 'unclean'];

const NEEDS = ['clock', 'metadata', 'controller'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const electLeaders = defineHandler(ElectLeaders, NEEDS, {
  async handle(request, context, services) {
    const { apiVersion } = context;
    const refuseAll = (error: ErrorCode) => refuse(request, error, context);
    if (!context.may(Operation.ALTER, CLUSTER)) {
      return refuseAll(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
    const type = ELECTION_TYPES[request.electionType];
    // Kafka's own check of the type is an exception that nobody expects.
    if (type === undefined) return refuseAll(ErrorCode.UNKNOWN_SERVER_ERROR);
    const deadlineMs = services.clock.nowMs() + request.timeoutMs;
    const wanted = await context.turns.take(named(request));
    const answers = await services.controller.electLeaders(type, wanted);
    if (!answers.ok) return context.turns.take(elsewhere(request, services, answers.error, apiVersion));
    const elected = await context.turns.take(
      filtered(answers.value, ({ error }) => error === ErrorCode.NONE),
    );
    await services.metadata.waitFor(
      (image) => elected.every((one) => isLed(one, type, image)),
      deadlineMs - services.clock.nowMs(),
    );
    const results = await context.turns.each(answers.value, (one) =>
      one.error === ErrorCode.NONE && !isLed(one, type, services.metadata.image)
        ? { ...one, error: ErrorCode.REQUEST_TIMED_OUT, message: null }
        : one,
    );
    const needed = filtered(results, ({ error }) => error !== ErrorCode.ELECTION_NOT_NEEDED);
    const told = request.topicPartitions === null ? await context.turns.take(needed) : results;
    return context.turns.take(respond(told, ErrorCode.NONE, apiVersion));
  },
  refuse,
});

function refuse(
  request: ElectLeadersRequest,
  error: ErrorCode,
  { apiVersion, turns }: Refusing,
): ElectLeadersResponse | Promise<ElectLeadersResponse> {
  return turns.take(refusal(request, error, apiVersion));
}

function* refusal(
  request: ElectLeadersRequest,
  error: ErrorCode,
  apiVersion: number,
): Steps<ElectLeadersResponse> {
  const answers: ElectionAnswer[] = [];
  for (const one of (yield* named(request)) ?? []) {
    answers.push({ ...one, error, message: null });
    yield;
  }
  return yield* respond(answers, error, apiVersion);
}

/** Another broker is the controller: that is said of each partition, and of the request nothing. */
function* elsewhere(
  request: ElectLeadersRequest,
  { metadata }: Needed,
  error: ErrorCode,
  apiVersion: number,
): Steps<ElectLeadersResponse> {
  const asked = (yield* named(request)) ?? allOf(metadata.image);
  const once = yield* onceEach(asked, ({ topic, partition }) => partitionKey(topic, partition));
  const answers: ElectionAnswer[] = [];
  for (const one of once) {
    answers.push({ ...one, error, message: null });
    yield;
  }
  return yield* respond(answers, ErrorCode.NONE, apiVersion);
}

function allOf({ topics }: MetadataImage): TopicPartition[] {
  return [...topics].flatMap(([topic, { partitions }]) =>
    [...partitions.keys()].map((partition) => ({ topic, partition })),
  );
}

/** Null: all partitions. */
function* named({ topicPartitions }: ElectLeadersRequest): Steps<readonly TopicPartition[] | null> {
  if (topicPartitions === null) return null;
  const all: TopicPartition[] = [];
  for (const { topic, partitions } of topicPartitions) {
    for (const partition of partitions) {
      all.push({ topic, partition });
      yield;
    }
  }
  return all;
}

function isLed({ topic, partition }: TopicPartition, type: ElectionType, image: MetadataImage): boolean {
  const state = image.topics.get(topic)?.partitions.get(partition);
  if (state === undefined) return false;
  return type === 'preferred' ? state.leader === state.replicas[0] : state.leader >= 0;
}

/** v0 has no error at the top. */
function* respond(
  answers: readonly ElectionAnswer[],
  errorCode: ErrorCode,
  apiVersion: number,
): Steps<ElectLeadersResponse> {
  const replicaElectionResults = yield* byTopic(
    answers,
    ({ partition, error, message }) => ({ partitionId: partition, errorCode: error, errorMessage: message }),
    (topic, partitionResult) => ({ topic, partitionResult }),
  );
  return apiVersion === 0 ? { replicaElectionResults } : { errorCode, replicaElectionResults };
}
