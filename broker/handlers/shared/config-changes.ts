/**
 * Changes dynamic configs: judged, then written together with the notice to every broker, for one
 * resource at a time: all of its changes, or none. What a topic can't have is INVALID_CONFIG, what a
 * broker can't is INVALID_REQUEST, as in ZooKeeper mode.
 * Source: ZkAdminManager.alterConfigs, incrementalAlterConfigs.
 */

import { CoordinatorError } from '../../../coordinator-client/coordinator.ts';
import { NoController } from '../../../coordinator-client/stores/config-store.ts';
import { brokerProperty, isPasswordProperty, reconfigured } from '../../config/broker-config.ts';
import { validateBrokerOverrides } from '../../config/broker-overrides.ts';
import { effectiveTopicConfig } from '../../config/effective.ts';
import type { ConfigError, Property } from '../../config/property.ts';
import { topicProperty, validateTopicOverrides } from '../../config/topic-config.ts';
import { ErrorCode } from '../../errors.ts';
import type { Overrides } from '../../metadata/config-feed.ts';
import { afterwards, atOnce, done, FEW, type Steps } from '../../platform/turns.ts';
import { CLUSTER, Operation, topicNamed } from '../../security/operations.ts';
import { decodedOrNull, type PasswordEncoder, passwordEncoder } from '../../security/password-encoder.ts';
import type { Refusing, RequestContext } from '../handler.ts';
import type { Needs } from '../services.ts';
import { type Change, decisiveConfigs, malformedConfigs } from './config-operations.ts';
import {
  brokerEntity,
  brokerNameError,
  type ConfigRefusal,
  type ConfigResource,
  ConfigResourceType,
  configRefusal,
  describeResource,
  dynamicLevels,
} from './config-resources.ts';
import { repeatedNames } from './named-once.ts';

type Needed = Needs<'brokerId' | 'config' | 'liveConfig' | 'listenerSecurity' | 'metadata' | 'store'>;

const DONE = configRefusal(ErrorCode.NONE);

interface AlteredResource extends ConfigRefusal {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** Who asks, and in which way. */
interface Asked {
  readonly context: RequestContext;
  readonly services: Needed;
  /** Whether a request changes single configs of a resource or replaces all of them. */
  readonly how: 'single' | 'all';
}

interface AlteredConfigs {
  readonly configs: Parameters<typeof malformedConfigs>[0];
}

/** Does `alter` with each resource of a request that names it once; the answers are in request order. */
export async function alterResources<R extends ConfigResource & AlteredConfigs>(
  resources: readonly R[],
  { turns }: Pick<RequestContext, 'turns'>,
  alter: (resource: R) => ConfigRefusal | Promise<ConfigRefusal>,
): Promise<AlteredResource[]> {
  const repeated = await turns.take(repeatedNames(resources, describeResource));
  const alterDecisive = (resource: R): ConfigRefusal | Promise<ConfigRefusal> => {
    const { resourceType, configs: all } = resource;
    if (resourceType !== ConfigResourceType.TOPIC || all.length <= FEW) return alter(resource);
    return afterwards(turns.take(decisiveConfigs(all)), (configs) => alter({ ...resource, configs }));
  };
  const judged = (resource: R): ConfigRefusal | Promise<ConfigRefusal> => {
    if (repeated.has(describeResource(resource))) {
      return configRefusal(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.');
    }
    const malformed = turns.take(malformedConfigs(resource.configs));
    return afterwards(malformed, (refusal) => refusal ?? alterDecisive(resource));
  };
  const altered = (resource: R): AlteredResource | Promise<AlteredResource> => {
    const { resourceType, resourceName } = resource;
    return afterwards(judged(resource), (outcome) => ({ ...outcome, resourceType, resourceName }));
  };
  // Of one with many configs a turn's worth is looked at as soon as it is begun.
  return turns.begin(
    resources,
    altered,
    resources.some(({ configs }) => configs.length > FEW) ? 1 : undefined,
  );
}

/** The same refusal for each resource. */
export function refuseResources(
  resources: readonly ConfigResource[],
  errorCode: ErrorCode,
  { turns }: Refusing,
): AlteredResource[] | Promise<AlteredResource[]> {
  const refusal = configRefusal(errorCode);
  return turns.each(resources, ({ resourceType, resourceName }) => ({
    ...refusal,
    resourceType,
    resourceName,
  }));
}

/** Applies `change` to the resource; with `validateOnly` it only judges. */
export async function alterResource(
  resource: ConfigResource,
  change: Change,
  validateOnly: boolean,
  { context, services, how }: Asked,
): Promise<ConfigRefusal> {
  const refused = mayNotAlter(resource, context, services);
  if (refused !== null) return refused;
  const kind =
    resource.resourceType === ConfigResourceType.TOPIC
      ? topicKind(resource, services)
      : brokerKind(resource, services);
  try {
    const judge = await kind.judge();
    let outcome: ConfigRefusal = DONE;
    // Runs again when somebody else has changed the same resource meanwhile.
    const next = function* (stored: Overrides): Steps<Overrides> {
      const changed = yield* change(stored, kind.propertyOf);
      outcome = isRefusal(changed) ? changed : judge(yield* kind.judged(changed));
      return isRefusal(changed) ? stored : changed;
    };
    const configs = services.store().configs;
    const stored = await configs.read(kind.type, kind.name);
    const first = await context.turns.take(next(stored));
    if (outcome.errorCode === ErrorCode.NONE) {
      const problem = await kind.listenersProblem(first, stored);
      if (problem !== null) return configRefusal(ErrorCode.INVALID_REQUEST, problem);
    }
    if (outcome.errorCode !== ErrorCode.NONE || validateOnly) return outcome;
    const changed = (stored: Overrides): Overrides => {
      const wanted = atOnce(next(stored));
      return outcome.errorCode === ErrorCode.NONE ? kind.encoded(wanted, stored) : stored;
    };
    await configs.update(kind.type, kind.name, changed, { replaces: how === 'all' });
    return outcome;
  } catch (error) {
    if (error instanceof NoController) return configRefusal(ErrorCode.NOT_CONTROLLER, error.message);
    if (error instanceof CoordinatorError) return configRefusal(ErrorCode.REQUEST_TIMED_OUT, error.message);
    throw error;
  }
}

interface Kind {
  readonly type: 'topics' | 'brokers';
  readonly name: string;
  propertyOf(name: string): Property | undefined;
  /** What `judge` has to see of the overrides. */
  judged(overrides: Overrides): Steps<Overrides>;
  judge(): Promise<(overrides: Overrides) => ConfigRefusal>;
  /** As it is to be stored, of what may be. */
  encoded(overrides: Overrides, stored: Overrides): Overrides;
  /** What of the listeners could not be with these overrides, their certificates above all; null: nothing. */
  listenersProblem(overrides: Overrides, stored: Overrides): Promise<string | null>;
}

function topicKind(resource: ConfigResource, services: Needed): Kind {
  return {
    type: 'topics',
    name: resource.resourceName,
    propertyOf: topicProperty,
    encoded: (overrides) => overrides,
    listenersProblem: async () => null,
    // One that there is not is told, and there are no more than a few of them: `decisiveConfigs`.
    judged: done,
    async judge() {
      const levels = await dynamicLevels(services);
      const { entries } = effectiveTopicConfig(services.config, levels.defaults, levels.broker, new Map());
      const defaults = new Map<string, string>();
      for (const { name, value } of entries) if (value !== null) defaults.set(name, value);
      return (overrides) => topicVerdict(resource, validateTopicOverrides(overrides, defaults));
    },
  };
}

function topicVerdict(resource: ConfigResource, error: ConfigError | null): ConfigRefusal {
  if (error === null) return DONE;
  if (error.rule !== 'value') return configRefusal(ErrorCode.INVALID_CONFIG, error.message);
  const message = `Invalid config value for resource ${describeResource(resource)}: ${error.message}`;
  return configRefusal(ErrorCode.INVALID_CONFIG, message);
}

function brokerKind(resource: ConfigResource, services: Needed): Kind {
  const { resourceName } = resource;
  const scope = resourceName === '' ? 'default' : 'broker';
  const passwords = passwordEncoder(services.config.passwordEncoderSecret, services.config);
  let reading: ReturnType<typeof dynamicLevels> | null = null;
  const levels = (): ReturnType<typeof dynamicLevels> => {
    reading ??= dynamicLevels(services);
    return reading;
  };
  return {
    type: 'brokers',
    name: brokerEntity(resourceName),
    propertyOf: brokerProperty,
    judged: knownOfBroker,
    async listenersProblem(overrides, stored) {
      if (![...overrides.keys()].some((name) => name.startsWith('listener.name.'))) return null;
      const { defaults } = await levels();
      const plain = decoded(overrides, stored, passwords);
      const { texts } = reconfigured(services.liveConfig.now, defaults, plain);
      return services.listenerSecurity.problemOf(texts);
    },
    async judge() {
      const stored = await levels();
      return (overrides) => {
        const error = validateBrokerOverrides(services.liveConfig.now, overrides, scope, stored);
        if (error !== null) return configRefusal(ErrorCode.INVALID_REQUEST, error.message);
        if (passwords !== null || ![...overrides.keys()].some(isPasswordProperty)) return DONE;
        const message = `Invalid config value for resource ${describeResource(resource)}: Password encoder secret not configured`;
        return configRefusal(ErrorCode.INVALID_REQUEST, message);
      };
    },
    encoded(overrides, stored) {
      if (passwords === null) return overrides;
      return new Map(
        [...overrides].map(([name, value]) => {
          const isNew = isPasswordProperty(name) && stored.get(name) !== value;
          return [name, isNew ? passwords.encode(value) : value];
        }),
      );
    },
  };
}

/** A broker may be given configs that there are not, by the hundred thousand, and nothing is wrong with that. */
function* knownOfBroker(overrides: Overrides): Steps<Overrides> {
  const known = new Map<string, string>();
  let looked = 0;
  for (const [name, value] of overrides) {
    if (brokerProperty(name) !== undefined) known.set(name, value);
    if (++looked >= FEW) yield;
  }
  return known;
}

/** Passwords that were stored before lie there encrypted; one that can't be read has no effect on the broker either. */
function decoded(overrides: Overrides, stored: Overrides, passwords: PasswordEncoder | null): Overrides {
  const plain = new Map<string, string>();
  for (const [name, value] of overrides) {
    const isStored = isPasswordProperty(name) && stored.get(name) === value;
    const meant = isStored ? decodedOrNull(passwords, value) : value;
    if (meant !== null) plain.set(name, meant);
  }
  return plain;
}

function mayNotAlter(
  resource: ConfigResource,
  context: RequestContext,
  services: Needed,
): ConfigRefusal | null {
  const { resourceType, resourceName } = resource;
  if (resourceType === ConfigResourceType.TOPIC) {
    if (!context.may(Operation.ALTER_CONFIGS, topicNamed(resourceName))) {
      return configRefusal(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    }
    if (resourceName === '') {
      return configRefusal(ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.');
    }
    if (services.metadata.topic(resourceName) !== undefined) return null;
    return configRefusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`);
  }
  if (resourceType !== ConfigResourceType.BROKER) {
    const message =
      resourceType === ConfigResourceType.CLIENT_METRICS
        ? 'AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS'
        : `Unknown resource type ${resourceType}`;
    return configRefusal(ErrorCode.INVALID_REQUEST, message);
  }
  if (!context.may(Operation.ALTER_CONFIGS, CLUSTER)) {
    return configRefusal(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  }
  return brokerNameError(resourceName, services, { node: 'Node', orElse: ',' });
}

function isRefusal(changed: Overrides | ConfigRefusal): changed is ConfigRefusal {
  return !(changed instanceof Map);
}
