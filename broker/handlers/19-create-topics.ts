/**
 * CreateTopics (19), versions 0-7: on the controller only, NOT_CONTROLLER elsewhere. A topic counts as
 * created when every partition has a leader in this broker's own metadata, for which the request waits
 * up to its timeout; then it is REQUEST_TIMED_OUT, although the topic comes to be.
 * Partitions beyond the client's quota are refused from v6 on, and made all the same before.
 * v1+ validateOnly; v4+ -1 for the broker's defaults; v5+ the resulting configs; v7 the topic id.
 * Source: KafkaApis.handleCreateTopicsRequest, ZkAdminManager.createTopics, DelayedCreatePartitions.
 */

import { NameMap } from '../bounded-name.ts';
import { topicProperty } from '../config/topic-config.ts';
import { ErrorCode } from '../errors.ts';
import { allHaveLeaders } from '../metadata/image.ts';
import type { TopicCreation } from '../metadata/topic-creation.ts';
import type { Steps } from '../platform/turns.ts';
import { CreateTopics } from '../protocol/messages/19-create-topics.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { mayCreateTopic } from '../security/authorizer.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { createdConfigs } from './shared/config-entries.ts';
import { type DynamicLevels, dynamicLevels } from './shared/config-resources.ts';
import { repeatedNames } from './shared/named-once.ts';
import { refuseEach } from './shared/refusals.ts';
import { partitionAllowance, TOO_MANY_PARTITIONS } from './shared/request-allowances.ts';

type CreateTopicsRequest = RequestOf<typeof CreateTopics>;
type CreatableTopic = CreateTopicsRequest['topics'][number];
type CreateTopicsResponse = ResponseInput<typeof CreateTopics>;
type TopicResult = NonNullable<CreateTopicsResponse['topics']>[number];

/** From here on clients know THROTTLING_QUOTA_EXCEEDED. */
const FIRST_WITH_STRICT_QUOTA = 6;
const BROKER_DEFAULT = -1;
/** KRaft's own topic, which no client may claim. */
const CLUSTER_METADATA_TOPIC = '__cluster_metadata';

const NEEDS = ['brokerId', 'config', 'clock', 'metadata', 'topicAdmin', 'controller', 'store'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const createTopics = defineHandler(CreateTopics, NEEDS, {
  async handle(request, context, services) {
    if (!services.controller.isActive) return refuse(request, ErrorCode.NOT_CONTROLLER, context);
    const deadlineMs = services.clock.nowMs() + request.timeoutMs;
    const repeated = await context.turns.take(repeatedNames(request.topics, ({ name }) => name));
    const fits = partitionAllowance(services.config.requestMaxNewPartitions);
    const creating = {
      creation: await services.topicAdmin.creation(),
      configsOf: configsOnce(await dynamicLevels(services), services),
      validateOnly: request.validateOnly,
      context,
      services,
    };
    const results = await context.turns.begin(request.topics, (topic) => {
      if (repeated.has(topic.name)) {
        const complaint = 'Found multiple entries for this topic.';
        return {
          ...failure(topic.name, ErrorCode.INVALID_REQUEST, complaint),
          ...configError(topic, context),
        };
      }
      if (!fits(partitionsOf(topic, services))) {
        return { ...failure(topic.name, ErrorCode.POLICY_VIOLATION, null), ...TOO_MANY_PARTITIONS };
      }
      return createOne(topic, creating);
    });
    if (request.validateOnly) return { topics: await context.turns.each(results, withoutHidden) };
    const created = await context.turns.take(createdOf(results));
    await services.metadata.waitFor(
      (image) => created.every(({ name, partitions }) => allHaveLeaders(image, name, partitions)),
      deadlineMs - services.clock.nowMs(),
    );
    const settled = await context.turns.each(results, (result) =>
      withoutHidden(timedOutUnlessLed(result, request.timeoutMs, services)),
    );
    return { topics: settled };
  },
  refuse,
});

function refuse(
  request: CreateTopicsRequest,
  errorCode: ErrorCode,
  context: Refusing,
): CreateTopicsResponse | Promise<CreateTopicsResponse> {
  return refuseEach(
    request.topics,
    context,
    ({ name }) => failure(name, errorCode, ''),
    (topics) => ({ topics }),
  );
}

/** Of very many that were refused few are made: each once, as repeated ones are refused. */
function* createdOf(
  results: readonly TopicResult[],
): Steps<readonly { readonly name: string; readonly partitions: number }[]> {
  const created: { name: string; partitions: number }[] = [];
  for (const { name = '', errorCode, numPartitions = 0 } of results) {
    if (errorCode === ErrorCode.NONE) created.push({ name, partitions: numPartitions });
    yield;
  }
  return created;
}

/** The configs of new topics by their overrides: most topics of a request have the same. */
function configsOnce(levels: DynamicLevels, services: Needed): Creating['configsOf'] {
  const known = new NameMap<ReturnType<typeof createdConfigs>>();
  return (overrides) => {
    const key = JSON.stringify([...overrides]);
    const configs = known.get(key) ?? createdConfigs(overrides, levels, services);
    known.set(key, configs);
    return configs;
  };
}

function failure(name: string, errorCode: ErrorCode, errorMessage: string | null): TopicResult {
  return { name, errorCode, errorMessage, configs: [] };
}

/** What the topics of one request share. */
interface Creating {
  readonly creation: TopicCreation;
  readonly configsOf: (overrides: ReadonlyMap<string, string>) => ReturnType<typeof createdConfigs>;
  readonly validateOnly: boolean;
  readonly context: RequestContext;
  readonly services: Needed;
}

async function createOne(topic: CreatableTopic, creating: Creating): Promise<TopicResult> {
  const { creation, configsOf, validateOnly, context, services } = creating;
  const { name } = topic;
  if (name === CLUSTER_METADATA_TOPIC) {
    return failure(name, ErrorCode.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`);
  }
  if (!mayCreateTopic(context, name)) {
    const refused = failure(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'Authorization failed.');
    return { ...refused, ...configError(topic, context) };
  }
  if (services.metadata.topic(name) !== undefined) {
    return failure(name, ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  const refused = shapeError(topic);
  if (refused !== null) return refused;
  const configs = configsIn(topic);
  const created = await creation.createTopic({
    name,
    ...shapeOf(topic, services),
    configs,
    validateOnly,
    allows: (count) =>
      context.charges?.mutations(context.apiVersion >= FIRST_WITH_STRICT_QUOTA).take(count) !== false,
  });
  if (!created.ok) return failure(name, created.error, created.message ?? null);
  const { topicId, assignment } = created.value;
  const result = {
    name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    // The wait for leaders reads it, too.
    numPartitions: assignment.size,
  };
  const { topicConfigErrorCode } = configError(topic, context);
  if (topicConfigErrorCode !== ErrorCode.NONE) return { ...result, configs: [], topicConfigErrorCode };
  const replicationFactor = assignment.get(0)?.length ?? BROKER_DEFAULT;
  return { ...result, replicationFactor, configs: configsOf(configs) };
}

/** As far as the first one that there is not, which is what Kafka refuses the topic for: there may be very many. */
function configsIn(topic: CreatableTopic): ReadonlyMap<string, string> {
  const configs = new Map<string, string>();
  for (const { name, value } of topic.configs) {
    if (value !== null) configs.set(name, value);
    if (topicProperty(name) === undefined) break;
  }
  return configs;
}

/** Whether the sender may be told what the topic is like. */
function configError({ name }: CreatableTopic, context: RequestContext): { topicConfigErrorCode: ErrorCode } {
  const allowed = context.couldDo(Operation.DESCRIBE_CONFIGS, topicNamed(name));
  return { topicConfigErrorCode: allowed ? ErrorCode.NONE : ErrorCode.TOPIC_AUTHORIZATION_FAILED };
}

/** A topic that was made, without what its maker may not be told. */
function withoutHidden(result: TopicResult): TopicResult {
  const { errorCode, topicConfigErrorCode = ErrorCode.NONE } = result;
  if (errorCode !== ErrorCode.NONE || topicConfigErrorCode === ErrorCode.NONE) return result;
  return { ...result, numPartitions: BROKER_DEFAULT, replicationFactor: BROKER_DEFAULT };
}

/** What is wrong with the request itself, whatever the cluster looks like. */
function shapeError({
  name,
  assignments,
  numPartitions,
  replicationFactor,
  configs,
}: CreatableTopic): TopicResult | null {
  const nullConfig = configs.find(({ value }) => value === null);
  if (nullConfig !== undefined) {
    const message = `Null value not supported for topic configs: ${nullConfig.name}`;
    return failure(name, ErrorCode.INVALID_CONFIG, message);
  }
  const both =
    assignments.length > 0 && (numPartitions !== BROKER_DEFAULT || replicationFactor !== BROKER_DEFAULT);
  if (!both) return null;
  const message =
    'Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.';
  return failure(name, ErrorCode.INVALID_REQUEST, message);
}

function partitionsOf({ assignments, numPartitions }: CreatableTopic, { config }: Needs<'config'>): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === BROKER_DEFAULT ? config.numPartitions : numPartitions;
}

function shapeOf(
  topic: CreatableTopic,
  { config }: Needed,
): { partitions: number; replicationFactor: number; assignment?: Map<number, readonly number[]> } {
  const partitions = partitionsOf(topic, { config });
  const { assignments, replicationFactor } = topic;
  if (assignments.length > 0) {
    const assignment = new Map(
      assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]),
    );
    return { partitions, replicationFactor: BROKER_DEFAULT, assignment };
  }
  return {
    partitions,
    replicationFactor:
      replicationFactor === BROKER_DEFAULT ? config.defaultReplicationFactor : replicationFactor,
  };
}

function timedOutUnlessLed(result: TopicResult, timeoutMs: number, services: Needed): TopicResult {
  if (result.errorCode !== ErrorCode.NONE) return result;
  const { image } = services.metadata;
  const led = timeoutMs > 0 && allHaveLeaders(image, result.name ?? '', result.numPartitions ?? 0);
  return led ? result : failure(result.name ?? '', ErrorCode.REQUEST_TIMED_OUT, null);
}
