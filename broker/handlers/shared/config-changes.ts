/**
 * Changes dynamic configs: judged, then written together with the notice to every broker, for one
 * resource at a time: all of its changes, or none. What a topic can't have is INVALID_CONFIG, what a
 * broker can't is INVALID_REQUEST, as in ZooKeeper mode.
 * Source: ZkAdminManager.alterConfigs, incrementalAlterConfigs.
 */

import { CoordinatorError } from '../../../coordinator-client/coordinator.ts';
import { NoController } from '../../../coordinator-client/stores/config-store.ts';
import { brokerProperty } from '../../config/broker-config.ts';
import { validateBrokerOverrides } from '../../config/broker-overrides.ts';
import { effectiveTopicConfig } from '../../config/effective.ts';
import type { ConfigError, Property } from '../../config/property.ts';
import { topicProperty, validateTopicOverrides } from '../../config/topic-config.ts';
import { ErrorCode } from '../../errors.ts';
import type { Overrides } from '../../metadata/config-feed.ts';
import { CLUSTER, Operation, topicNamed } from '../../security/operations.ts';
import type { RequestContext } from '../handler.ts';
import type { Needs } from '../services.ts';
import { type Change, malformedConfigs } from './config-operations.ts';
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

type Needed = Needs<'brokerId' | 'config' | 'liveConfig' | 'metadata' | 'store'>;

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
export function alterResources<R extends ConfigResource & AlteredConfigs>(
  resources: readonly R[],
  alter: (resource: R) => ConfigRefusal | Promise<ConfigRefusal>,
): Promise<AlteredResource[]> {
  const repeated = repeatedNames(resources.map(describeResource));
  return Promise.all(
    resources.map(async (resource) => {
      const { resourceType, resourceName } = resource;
      const outcome = repeated.has(describeResource(resource))
        ? configRefusal(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
        : (malformedConfigs(resource.configs) ?? (await alter(resource)));
      return { ...outcome, resourceType, resourceName };
    }),
  );
}

/** The same refusal for each resource. */
export function refuseResources(
  resources: readonly ConfigResource[],
  errorCode: ErrorCode,
): AlteredResource[] {
  return resources.map(({ resourceType, resourceName }) => ({
    ...configRefusal(errorCode),
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
    const next = (stored: Overrides): Overrides => {
      const changed = change(stored, kind.propertyOf);
      outcome = isRefusal(changed) ? changed : judge(changed);
      return isRefusal(changed) ? stored : changed;
    };
    const configs = services.store().configs;
    next(await configs.read(kind.type, kind.name));
    if (outcome.errorCode !== ErrorCode.NONE || validateOnly) return outcome;
    const changed = (stored: Overrides): Overrides => {
      const wanted = next(stored);
      return outcome.errorCode === ErrorCode.NONE ? wanted : stored;
    };
    await configs.update(kind.type, kind.name, changed, how);
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
  judge(): Promise<(overrides: Overrides) => ConfigRefusal>;
}

function topicKind(resource: ConfigResource, services: Needed): Kind {
  return {
    type: 'topics',
    name: resource.resourceName,
    propertyOf: topicProperty,
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
  return {
    type: 'brokers',
    name: brokerEntity(resourceName),
    propertyOf: brokerProperty,
    async judge() {
      const stored = await dynamicLevels(services);
      return (overrides) => {
        const secret = [...overrides.keys()].find((name) => brokerProperty(name)?.type === 'PASSWORD');
        if (secret !== undefined) {
          const message = `Password configs can't be stored in ZooKeeper by this broker: ${secret}`;
          return configRefusal(ErrorCode.INVALID_REQUEST, message);
        }
        const error = validateBrokerOverrides(services.liveConfig.now, overrides, scope, stored);
        return error === null ? DONE : configRefusal(ErrorCode.INVALID_REQUEST, error.message);
      };
    },
  };
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
