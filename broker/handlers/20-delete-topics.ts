/**
 * DeleteTopics (20), versions 0-6: on the controller only. A topic counts as deleted when it is gone
 * from this broker's own metadata, for which the request waits up to its timeout.
 * v0-2 know no error for "deletion is disabled" and get INVALID_REQUEST; v6 names topics by name or id.
 * Source: KafkaApis.handleDeleteTopicsRequest, DelayedDeleteTopics.
 */
import { ErrorCode } from '../protocol/errors.ts';
import { DeleteTopics } from '../protocol/messages/20-delete-topics.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { type Uuid, ZERO_UUID } from '../types.ts';
import { mayOnTopic, Operation } from './authorization.ts';
import type { Handler, RequestContext } from './handler.ts';
import type { Services } from './services.ts';

type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>;
type DeleteTopicsResponse = ResponseInput<typeof DeleteTopics>;
type TopicResult = NonNullable<DeleteTopicsResponse['responses']>[number];

interface Named {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export const deleteTopics: Handler<typeof DeleteTopics> = {
  api: DeleteTopics,
  async handle(request, context, services) {
    if (!services.controller.isActive) return refuse(request, ErrorCode.NOT_CONTROLLER);
    if (!services.config.deleteTopicEnable) {
      const error = context.apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED;
      return refuse(request, error);
    }
    const deadlineMs = services.clock.nowMs() + request.timeoutMs;
    const results = await Promise.all(
      namedTopics(request).map((named) => deleteOne(resolve(named, context, services), services)),
    );
    const going = results
      .filter(({ errorCode }) => errorCode === ErrorCode.NONE)
      .map(({ name }) => name ?? '');
    await services.metadata.waitFor(
      (image) => going.every((name) => !image.topics.has(name)),
      deadlineMs - services.clock.nowMs(),
    );
    return {
      responses: results.map((result) => {
        if (result.errorCode !== ErrorCode.NONE) return result;
        const gone = request.timeoutMs > 0 && services.metadata.topic(result.name ?? '') === undefined;
        return gone ? result : { ...result, errorCode: ErrorCode.REQUEST_TIMED_OUT };
      }),
    };
  },
  refuse,
};

function refuse(request: DeleteTopicsRequest, errorCode: number): DeleteTopicsResponse {
  return { responses: namedTopics(request).map(({ name, topicId }) => ({ name, topicId, errorCode })) };
}

/** Each topic once. */
function namedTopics({ topics, topicNames }: DeleteTopicsRequest): Named[] {
  const all = [...topics, ...topicNames.map((name) => ({ name, topicId: ZERO_UUID }))];
  const seen = new Map(all.map((named) => [`${named.topicId} ${named.name}`, named]));
  return [...seen.values()];
}

/** The topic that is meant, or why it can't be deleted. */
function resolve(named: Named, context: RequestContext, services: Services): TopicResult {
  const { name, topicId } = named;
  if (topicId === ZERO_UUID) return permitted({ name: name ?? '', topicId }, context, services);
  if (name !== null) {
    const errorMessage = 'Topic name and topic ID can not both be specified.';
    return { name, topicId, errorCode: ErrorCode.INVALID_REQUEST, errorMessage };
  }
  const found = services.metadata.topicName(topicId);
  if (found === undefined) return { name: null, topicId, errorCode: ErrorCode.UNKNOWN_TOPIC_ID };
  if (!mayOnTopic(services, context, Operation.DESCRIBE, found)) {
    // The name behind an id is not given away.
    return { name: null, topicId, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
  }
  return permitted({ name: found, topicId }, context, services);
}

function permitted(
  { name, topicId }: { name: string; topicId: Uuid },
  context: RequestContext,
  services: Services,
): TopicResult {
  const result = { name, topicId };
  if (!mayOnTopic(services, context, Operation.DELETE, name)) {
    return { ...result, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };
  }
  const topic = services.metadata.topic(name);
  if (topic === undefined) return { ...result, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  return { name, topicId: topic.topicId, errorCode: ErrorCode.NONE };
}

async function deleteOne(result: TopicResult, services: Services): Promise<TopicResult> {
  if (result.errorCode !== ErrorCode.NONE) return result;
  return { ...result, errorCode: await services.topicAdmin.deleteTopic(result.name ?? '') };
}
