/**
 * CreatePartitions (37), versions 0-3: raises the number of partitions of topics, on the controller
 * only, and waits until the new ones have leaders in this broker's own metadata.
 * Source: KafkaApis.handleCreatePartitionsRequest, ZkAdminManager.createPartitions.
 */

import { ErrorCode } from '../errors.ts';
import { allHaveLeaders } from '../metadata/image.ts';
import { afterwards, filtered } from '../platform/turns.ts';
import { CreatePartitions } from '../protocol/messages/37-create-partitions.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { onceEach, repeatedNames } from './shared/named-once.ts';
import { refuseEach } from './shared/refusals.ts';
import { partitionAllowance, TOO_MANY_PARTITIONS } from './shared/request-allowances.ts';

type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>;
type Wanted = CreatePartitionsRequest['topics'][number];
type CreatePartitionsResponse = ResponseInput<typeof CreatePartitions>;
type TopicResult = NonNullable<CreatePartitionsResponse['results']>[number];

/** From here on clients know THROTTLING_QUOTA_EXCEEDED. */
const FIRST_WITH_STRICT_QUOTA = 3;

const NEEDS = ['config', 'clock', 'metadata', 'topicAdmin', 'controller'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const createPartitions = defineHandler(CreatePartitions, NEEDS, {
  async handle(request, context, services) {
    if (!services.controller.isActive) return refuse(request, ErrorCode.NOT_CONTROLLER, context);
    const deadlineMs = services.clock.nowMs() + request.timeoutMs;
    const wanted = await context.turns.take(onceEach(request.topics, ({ name }) => name));
    const repeated = await context.turns.take(repeatedNames(request.topics, ({ name }) => name));
    const fits = partitionAllowance(services.config.requestMaxNewPartitions);
    const results = await context.turns.begin(wanted, (topic) => {
      const { name, count } = topic;
      if (repeated.has(name)) {
        return failure(name, ErrorCode.INVALID_REQUEST, 'Duplicate topic in request.');
      }
      const added = count - (services.metadata.topic(name)?.partitions.size ?? 0);
      if (!fits(added)) return { name, ...TOO_MANY_PARTITIONS };
      return extend(topic, request.validateOnly, context, services);
    });
    if (request.validateOnly) return { results };
    const extended = await context.turns.take(
      filtered(wanted, (_, index) => results[index]?.errorCode === ErrorCode.NONE),
    );
    await services.metadata.waitFor(
      (image) => extended.every(({ name, count }) => allHaveLeaders(image, name, count)),
      deadlineMs - services.clock.nowMs(),
    );
    const { image } = services.metadata;
    const isLed = ({ name, count }: Wanted): boolean =>
      request.timeoutMs > 0 && allHaveLeaders(image, name, count);
    const topics = wanted.values();
    const settled = await context.turns.each(results, (result) => {
      const topic = topics.next().value;
      if (topic === undefined || result.errorCode !== ErrorCode.NONE || isLed(topic)) return result;
      return failure(topic.name, ErrorCode.REQUEST_TIMED_OUT, null);
    });
    return { results: settled };
  },
  refuse,
});

function refuse(
  request: CreatePartitionsRequest,
  errorCode: ErrorCode,
  context: Refusing,
): CreatePartitionsResponse | Promise<CreatePartitionsResponse> {
  return afterwards(context.turns.take(onceEach(request.topics, ({ name }) => name)), (named) =>
    refuseEach(
      named,
      context,
      ({ name }) => failure(name, errorCode, null),
      (results) => ({ results }),
    ),
  );
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
    allows: (more) =>
      context.charges?.mutations(context.apiVersion >= FIRST_WITH_STRICT_QUOTA).take(more) !== false,
  });
  return added.ok ? failure(name, ErrorCode.NONE, null) : failure(name, added.error, added.message ?? null);
}
