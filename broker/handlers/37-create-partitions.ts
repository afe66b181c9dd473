/**
 * CreatePartitions (37), versions 0-3: raises the number of partitions of topics, on the controller
 * only, and waits until the new ones have leaders in this broker's own metadata.
 * Source: KafkaApis.handleCreatePartitionsRequest, ZkAdminManager.createPartitions.
 */

import { ErrorCode } from '../errors.ts';
import { allHaveLeaders } from '../metadata/image.ts';
import { inTurns } from '../platform/turns.ts';
import { CreatePartitions } from '../protocol/messages/37-create-partitions.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { repeatedNames } from './shared/named-once.ts';
import { partitionAllowance, TOO_MANY_PARTITIONS } from './shared/request-allowances.ts';

type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>;
type Wanted = CreatePartitionsRequest['topics'][number];
type CreatePartitionsResponse = ResponseInput<typeof CreatePartitions>;
type TopicResult = NonNullable<CreatePartitionsResponse['results']>[number];

const NEEDS = ['config', 'clock', 'metadata', 'topicAdmin', 'controller'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const createPartitions = defineHandler(CreatePartitions, NEEDS, {
  async handle(request, context, services) {
    if (!services.controller.isActive) return refuse(request, ErrorCode.NOT_CONTROLLER);
    const deadlineMs = services.clock.nowMs() + request.timeoutMs;
    const wanted = new Map(request.topics.map((topic) => [topic.name, topic]));
    const repeated = repeatedNames(request.topics.map(({ name }) => name));
    const fits = partitionAllowance(services.config.requestMaxNewPartitions);
    const results = await inTurns(services.clock, [...wanted.values()], (topic) => {
      const { name, count } = topic;
      if (repeated.has(name)) {
        return failure(name, ErrorCode.INVALID_REQUEST, 'Duplicate topic in request.');
      }
      const added = count - (services.metadata.topic(name)?.partitions.size ?? 0);
      if (!fits(added)) return { name, ...TOO_MANY_PARTITIONS };
      return extend(topic, request.validateOnly, context, services);
    });
    if (request.validateOnly) return { results };
    const extended = new Map(
      results.flatMap(({ name = '', errorCode }) => {
        const topic = errorCode === ErrorCode.NONE ? wanted.get(name) : undefined;
        return topic === undefined ? [] : [[name, topic] as const];
      }),
    );
    await services.metadata.waitFor(
      (image) => [...extended.values()].every(({ name, count }) => allHaveLeaders(image, name, count)),
      deadlineMs - services.clock.nowMs(),
    );
    return {
      results: results.map((result) => {
        const topic = extended.get(result.name ?? '');
        if (topic === undefined) return result;
        const led = request.timeoutMs > 0 && allHaveLeaders(services.metadata.image, topic.name, topic.count);
        return led ? result : failure(topic.name, ErrorCode.REQUEST_TIMED_OUT, null);
      }),
    };
  },
  refuse,
});

function refuse(request: CreatePartitionsRequest, errorCode: ErrorCode): CreatePartitionsResponse {
  const names = new Set(request.topics.map(({ name }) => name));
  return { results: [...names].map((name) => failure(name, errorCode, null)) };
}

function failure(name: string, errorCode: ErrorCode, errorMessage: string | null): TopicResult {
  return { name, errorCode, errorMessage };
}

async function extend(
  topic: Wanted,
  validateOnly: boolean,
  context: RequestContext,
  services: Needed,
): Promise<TopicResult> {
  const { name, count, assignments } = topic;
  if (!context.may(Operation.ALTER, topicNamed(name))) {
    return failure(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'The topic authorization is failed.');
  }
  const added = await services.topicAdmin.createPartitions({
    name,
    count,
    assignments: assignments === null ? null : assignments.map(({ brokerIds }) => brokerIds),
    validateOnly,
  });
  return added.ok ? failure(name, ErrorCode.NONE, null) : failure(name, added.error, added.message ?? null);
}
