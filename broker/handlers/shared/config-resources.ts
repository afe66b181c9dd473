/**
 * What DescribeConfigs, AlterConfigs and IncrementalAlterConfigs share: the resources they name, and
 * the dynamic configs of this broker as they stand in ZooKeeper, which is where a client that has just
 * changed one expects to find it.
 * Source: ConfigHelper, ConfigAdminManager, ZkAdminManager.
 */
import { DEFAULT_ENTITY } from '../../../coordinator-client/znodes/config-znodes.ts';
import { ErrorCode } from '../../errors.ts';
import type { Needs } from '../services.ts';

/** ConfigResource.Type's codes. */
export const ConfigResourceType = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16 } as const;

export interface ConfigResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

const INTEGER = /^[+-]?\d+$/;

/** An error as config responses carry it. */
export interface ConfigRefusal {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/** With NONE it is the answer to what was done. */
export function configRefusal(errorCode: ErrorCode, errorMessage: string | null = null): ConfigRefusal {
  return { errorCode, errorMessage };
}

/** As Kafka's messages write it. */
export function describeResource({ resourceType, resourceName }: ConfigResource): string {
  return `ConfigResource(type=${TYPE_NAMES.get(resourceType) ?? 'UNKNOWN'}, name='${resourceName}')`;
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [ConfigResourceType.TOPIC, 'TOPIC'],
  [ConfigResourceType.BROKER, 'BROKER'],
  [ConfigResourceType.BROKER_LOGGER, 'BROKER_LOGGER'],
]);

/**
 * Why a broker resource isn't this broker's business: its id must be ours, or empty for the defaults of
 * all. Kafka has different words for it in each place.
 */
export function brokerNameError(
  name: string,
  services: Needs<'brokerId'>,
  words: { readonly node: 'Broker' | 'Node'; readonly orElse: string },
): ConfigRefusal | null {
  if (name === '' || name === String(services.brokerId)) return null;
  if (!INTEGER.test(name)) return notAnInteger(words.node, name);
  const message = `Unexpected broker id, expected ${services.brokerId}${words.orElse} but received ${name}`;
  return configRefusal(ErrorCode.INVALID_REQUEST, message);
}

/** The same of a broker's loggers: they have no defaults, and Kafka compares the numbers. */
export function loggersNameError(
  name: string,
  { brokerId }: Needs<'brokerId'>,
  asked: 'describe' | 'alter',
): ConfigRefusal | null {
  const describes = asked === 'describe';
  if (describes && name === '')
    return configRefusal(ErrorCode.INVALID_REQUEST, 'Broker id must not be empty');
  if (!INTEGER.test(name)) return notAnInteger(describes ? 'Broker' : 'Node', name);
  if (Number(name) === brokerId) return null;
  const message = describes
    ? `Unexpected broker id, expected ${brokerId} but received ${name}`
    : `Unexpected node id. Expected ${brokerId}, but received ${Number(name)}`;
  return configRefusal(ErrorCode.INVALID_REQUEST, message);
}

function notAnInteger(node: 'Broker' | 'Node', name: string): ConfigRefusal {
  return configRefusal(ErrorCode.INVALID_REQUEST, `${node} id must be an integer, but it is: ${name}`);
}

/** The name of the entity that a broker resource's configs are stored under. */
export function brokerEntity(resourceName: string): string {
  return resourceName === '' ? DEFAULT_ENTITY : resourceName;
}

export interface DynamicLevels {
  /** For all brokers. */
  readonly defaults: ReadonlyMap<string, string>;
  /** For this broker. */
  readonly broker: ReadonlyMap<string, string>;
}

/** As they stand in ZooKeeper now; rejects with a CoordinatorError when it can't be asked. */
export async function dynamicLevels(services: Needs<'brokerId' | 'store'>): Promise<DynamicLevels> {
  const names = [DEFAULT_ENTITY, String(services.brokerId)];
  const [defaults = new Map(), broker = new Map()] = await services
    .store()
    .configs.readMany('brokers', names);
  return { defaults, broker };
}
