/**
 * DescribeConfigs (32), versions 0-4: every config of a topic or of this broker with its value and
 * where that comes from, or this broker's loggers with their levels. The configs of another broker must be asked of that broker; an empty broker
 * name means what was set for all brokers at run time.
 * v0 isDefault; v1+ source and synonyms; v3+ types and documentation.
 * Source: ConfigHelper.describeConfigs, KafkaApis.handleDescribeConfigsRequest.
 */

import { PEER_LISTENER } from '../cluster.ts';
import {
  type EffectiveEntry,
  effectiveBrokerConfig,
  effectiveBrokerDefaults,
  effectiveTopicConfig,
} from '../config/effective.ts';
import { ErrorCode } from '../errors.ts';
import { validateTopicName } from '../metadata/topic-rules.ts';
import { FEW, type Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { DescribeConfigs } from '../protocol/messages/32-describe-configs.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { describeLoggers } from './shared/broker-loggers.ts';
import { describedConfig } from './shared/config-entries.ts';
import {
  brokerNameError,
  type ConfigRefusal,
  type ConfigResource,
  ConfigResourceType,
  configRefusal,
  type DynamicLevels,
  describeResource,
  dynamicLevels,
} from './shared/config-resources.ts';
import { onceEach } from './shared/named-once.ts';
import { refuseEach } from './shared/refusals.ts';

const { BROKER_LOGGER } = ConfigResourceType;
const NO_LEVELS: DynamicLevels = { defaults: new Map(), broker: new Map() };

type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>;
type DescribeConfigsResponse = ResponseInput<typeof DescribeConfigs>;

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(ConfigResourceType));

type Described = readonly EffectiveEntry[] | ConfigRefusal;

const NEEDS = ['brokerId', 'config', 'diagnostics', 'metadata', 'store'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const describeConfigs = defineHandler(DescribeConfigs, NEEDS, {
  async handle(request, context, services) {
    // One type that nobody knows refuses the whole request, as in Kafka.
    if (request.resources.some(({ resourceType }) => !KNOWN_TYPES.has(resourceType))) {
      return refuse(request, ErrorCode.INVALID_REQUEST, context);
    }
    // Whoever wants to hear more of a broker may want it because ZooKeeper is out of reach.
    const onlyLoggers = request.resources.every(({ resourceType }) => resourceType === BROKER_LOGGER);
    const levels = onlyLoggers ? NO_LEVELS : await dynamicLevels(services);
    const { turns } = context;
    const once = await turns.take(onceEach(request.resources, describeResource));
    const answered = async (resource: (typeof once)[number]) => {
      const { resourceType, resourceName, configurationKeys } = resource;
      const described = await describe(resource, levels, context, services);
      if (!isEntries(described)) return { ...described, resourceType, resourceName };
      const wanted = await turns.take(entriesOf(described, configurationKeys ?? []));
      const configs = wanted.map((entry) => describedConfig(entry, request, context.apiVersion));
      return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs };
    };
    // Of one that is asked for many names a turn's worth is looked for as soon as it is begun.
    const isLong = once.some(({ configurationKeys }) => (configurationKeys?.length ?? 0) > FEW);
    return { results: await turns.begin(once, answered, isLong ? 1 : undefined) };
  },
  refuse,
});

function refuse(
  { resources }: DescribeConfigsRequest,
  errorCode: ErrorCode,
  context: Refusing,
): DescribeConfigsResponse | Promise<DescribeConfigsResponse> {
  const refusal = configRefusal(errorCode, errorText(errorCode));
  return refuseEach(
    resources,
    context,
    ({ resourceType, resourceName }) => ({ ...refusal, resourceType, resourceName }),
    (results) => ({ results }),
  );
}

/** Those with one of the names, of which there may be far more than entries; all when none is given. */
function* entriesOf(
  all: readonly EffectiveEntry[],
  names: readonly string[],
): Steps<readonly EffectiveEntry[]> {
  if (names.length === 0) return all;
  const entries = new Map(all.map((entry) => [entry.name, entry]));
  const wanted = new Set<EffectiveEntry | undefined>();
  for (const name of names) {
    wanted.add(entries.get(name));
    yield;
  }
  return all.filter((entry) => wanted.has(entry));
}

function isEntries(described: Described): described is readonly EffectiveEntry[] {
  return Array.isArray(described);
}

async function describe(
  resource: ConfigResource,
  levels: DynamicLevels,
  context: RequestContext,
  services: Needed,
): Promise<Described> {
  const { resourceType, resourceName } = resource;
  if (resourceType === ConfigResourceType.TOPIC) {
    if (!context.may(Operation.DESCRIBE_CONFIGS, topicNamed(resourceName))) {
      return unauthorized(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    }
    return describeTopic(resourceName, levels, services);
  }
  if (!context.may(Operation.DESCRIBE_CONFIGS, CLUSTER)) {
    return unauthorized(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  }
  if (resourceType === ConfigResourceType.BROKER_LOGGER) return describeLoggers(resourceName, services);
  if (resourceType === ConfigResourceType.BROKER) {
    const nameError = brokerNameError(resourceName, services, {
      node: 'Broker',
      orElse: ' or empty string,',
    });
    if (nameError !== null) return nameError;
    if (resourceName === '') return effectiveBrokerDefaults(levels.defaults);
    const entries = effectiveBrokerConfig(services.config, levels.defaults, levels.broker);
    return entries.map((entry) => withPeerEndpoint(entry, services));
  }
  const message = 'Config type client-metrics is only supported on KRaft clusters';
  return configRefusal(ErrorCode.INVALID_REQUEST, message);
}

function unauthorized(errorCode: ErrorCode): Described {
  return configRefusal(errorCode, errorText(errorCode));
}

/** Where other brokers reach this one is told as it is registered: without a port of its own it has any. */
function withPeerEndpoint(entry: EffectiveEntry, { brokerId, metadata }: Needed): EffectiveEntry {
  if (entry.name !== 'peer.advertised.listener' || entry.value !== null) return entry;
  const endpoint = metadata.broker(brokerId)?.endpoints.find(({ listener }) => listener === PEER_LISTENER);
  if (endpoint === undefined) return entry;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return { ...entry, value: `${PEER_LISTENER}://${host}:${endpoint.port}` };
}

async function describeTopic(topic: string, levels: DynamicLevels, services: Needed): Promise<Described> {
  const complaint = validateTopicName(topic);
  if (complaint !== null) return configRefusal(ErrorCode.INVALID_TOPIC_EXCEPTION, complaint);
  if (services.metadata.topic(topic) === undefined)
    return configRefusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, '');
  const overrides = await services.store().configs.read('topics', topic);
  return effectiveTopicConfig(services.config, levels.defaults, levels.broker, overrides).entries;
}
