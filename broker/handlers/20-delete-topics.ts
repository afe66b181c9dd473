/**
 * DeleteTopics (20), versions 0-6: on the controller only. A topic counts as deleted when it is gone
 * from this broker's own metadata, for which the request waits up to its timeout.
 * A topic of which a replica is on a dead broker is gone from metadata at once, and from disks later.
 * v0-2 know no error for "deletion is disabled" and get INVALID_REQUEST; v6 names topics by name or id.
 * Source: KafkaApis.handleDeleteTopicsRequest, DelayedDeleteTopics.
 */

import { ErrorCode } from '../errors.ts';
import { afterwards, type Steps } from '../platform/turns.ts';
import { DeleteTopics } from '../protocol/messages/20-delete-topics.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { type Uuid, ZERO_UUID } from '../types.ts';
import { defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { refuseEach } from './shared/refusals.ts';

type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>;
type DeleteTopicsResponse = ResponseInput<typeof DeleteTopics>;
type TopicResult = NonNullable<DeleteTopicsResponse['responses']>[number];

interface Named {
  readonly name: string | null;
  readonly topicId: Uuid;
}

/** From here on clients know THROTTLING_QUOTA_EXCEEDED. */
const FIRST_WITH_STRICT_QUOTA = 5;

const NEEDS = ['config', 'clock', 'metadata', 'topicAdmin', 'controller'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const deleteTopics = defineHandler(DeleteTopics, NEEDS, {
  async handle(request, context, services) {
    if (!services.controller.isActive) return refuse(request, ErrorCode.NOT_CONTROLLER, context);
    if (!services.config.deleteTopicEnable) {
      const error = context.apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED;
      return refuse(request, error, context);
    }
    const named = await context.turns.take(namedTopics(request));
    if (named.some(({ name, topicId }) => name !== null && topicId !== ZERO_UUID)) {
      return refuse(request, ErrorCode.INVALID_REQUEST, context);
    }
    const deadlineMs = services.clock.nowMs() + request.timeoutMs;
    const wanted = await context.turns.each(named, (one) => resolve(one, context, services));
    const results = await deleteEach(wanted, context, services);
    const going = await context.turns.take(allowedNames(results));
    await services.metadata.waitFor(
      (image) => going.every((name) => !image.topics.has(name)),
      deadlineMs - services.clock.nowMs(),
    );
    const responses = await context.turns.each(results, (result) => {
      if (result.errorCode !== ErrorCode.NONE) return result;
      const gone = request.timeoutMs > 0 && services.metadata.topic(result.name ?? '') === undefined;
      return gone ? result : { ...result, errorCode: ErrorCode.REQUEST_TIMED_OUT };
    });
    return { responses };
  },
  refuse,
});

function refuse(
  request: DeleteTopicsRequest,
  errorCode: ErrorCode,
  context: Refusing,
): DeleteTopicsResponse | Promise<DeleteTopicsResponse> {
  return afterwards(context.turns.take(namedTopics(request)), (named) =>
    refuseEach(
      named,
      context,
      ({ name, topicId }) => ({ name, topicId, errorCode }),
      (responses) => ({ responses }),
    ),
  );
}

/** In request order; what is named twice is answered twice. A version has one of the two lists. */
function* namedTopics({ topics, topicNames }: DeleteTopicsRequest): Steps<readonly Named[]> {
  if (topicNames.length === 0) return topics;
  const named: Named[] = [...topics];
  for (const name of topicNames) {
    named.push({ name, topicId: ZERO_UUID });
    yield;
  }
  return named;
}

/** Of those that are not refused, each once. */
function* allowedNames(results: readonly TopicResult[]): Steps<readonly string[]> {
  const names = new Set<string>();
  for (const { name, errorCode } of results) {
    if (errorCode === ErrorCode.NONE) names.add(name ?? '');
    yield;
  }
  return [...names];
}

/** The topic that is meant, or why it can't be deleted. */
function resolve({ name, topicId }: Named, context: RequestContext, services: Needed): TopicResult {
  if (name !== null) return permitted({ name, topicId }, context, services);
  // Neither a name nor an id: nobody may delete that.
  if (topicId === ZERO_UUID) return { name, topicId, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
  const found = services.metadata.topicName(topicId);
  if (found === undefined) return { name: null, topicId, errorCode: ErrorCode.UNKNOWN_TOPIC_ID };
  if (!context.may(Operation.DESCRIBE, topicNamed(found))) {
    // The name behind an id is not given away.
    return { name: null, topicId, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
  }
  return permitted({ name: found, topicId }, context, services);
}

function permitted(
  { name, topicId }: { name: string; topicId: Uuid },
  context: RequestContext,
  services: Needed,
): TopicResult {
  const result = { name, topicId };
  if (!context.may(Operation.DELETE, topicNamed(name))) {
    return { ...result, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
  }
  const topic = services.metadata.topic(name);
  if (topic === undefined) return { ...result, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  return { name, topicId: topic.topicId, errorCode: ErrorCode.NONE };
}

/** Asks for each topic's deletion once, however often it is named. */
async function deleteEach(
  wanted: readonly TopicResult[],
  { charges, apiVersion, turns }: RequestContext,
  services: Needed,
): Promise<TopicResult[]> {
  const quota = charges?.mutations(apiVersion >= FIRST_WITH_STRICT_QUOTA) ?? null;
  const deleted = async (name: string): Promise<ErrorCode> => {
    const partitions = services.metadata.topic(name)?.partitions.size ?? 0;
    if (quota?.take(partitions) === false) return ErrorCode.THROTTLING_QUOTA_EXCEEDED;
    return services.topicAdmin.deleteTopic(name);
  };
  const names = await turns.take(allowedNames(wanted));
  const errors = new Map(await turns.begin(names, async (name) => [name, await deleted(name)] as const));
  return turns.each(wanted, (one) =>
    one.errorCode === ErrorCode.NONE
      ? { ...one, errorCode: errors.get(one.name ?? '') ?? ErrorCode.UNKNOWN_SERVER_ERROR }
      : one,
  );
}
