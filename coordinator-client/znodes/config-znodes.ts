/**
 * Dynamic configurations: one znode an entity, and the sequential notices that tell every broker to read
 * it again. Entities are topics, brokers, clients, users, users' clients and addresses.
 * Source: kafka.zk.ZkData, kafka.server.ConfigEntityName, org.apache.kafka.common.utils.Sanitizer.
 */
import { propertiesOrder } from './key-order.ts';
import { asGiven, encodeJson, JsonFields, ordered, ZnodeFormatError } from './znode-json.ts';

export const CONFIG_TYPES = ['topics', 'clients', 'users', 'brokers', 'ips'] as const;
export type ConfigType = (typeof CONFIG_TYPES)[number];

/** Name of the entity whose configuration is the default of its type. */
export const DEFAULT_ENTITY = '<default>';

export const configZnode = {
  typePath: (type: ConfigType): string => `/config/${type}`,
  /** `name` as it stands in the tree: sanitised for users and clients, e.g. `alice/clients/<default>`. */
  path: (type: ConfigType, name: string): string => `/config/${type}/${name}`,
  /** `changed`: the configuration that single changes made this one of; null when it was made afresh. */
  encode(config: ReadonlyMap<string, string>, changed: ReadonlyMap<string, string> | null = null): Buffer {
    const former = [...(changed?.keys() ?? [])];
    const sorted = ordered(config, (keys) => propertiesOrder(keys, former));
    return encodeJson(ordered({ version: 1, config: sorted }, asGiven));
  },
  /** A node without data, or without the config field, is an empty configuration. */
  decode(type: ConfigType, name: string, data: Buffer): Map<string, string> {
    if (data.length === 0) return new Map();
    const json = JsonFields.parse(configZnode.path(type, name), data);
    const config = json.objectOrEmpty('config');
    return new Map(config.keys.map((key) => [key, config.string(key)]));
  },
};

/** The entity that changed. */
export interface ConfigEntity {
  readonly type: ConfigType;
  readonly name: string;
}

export const configChangeZnode = {
  parent: '/config/changes',
  prefix: '/config/changes/config_change_',
  encode: ({ type, name }: ConfigEntity): Buffer =>
    encodeJson({ version: 2, entity_path: `${type}/${name}` }),
  /** Version 1 named type and entity in two fields. */
  decode(path: string, data: Buffer): ConfigEntity {
    const json = JsonFields.parse(path, data);
    const version = json.int('version');
    if (version === 1) return entity(path, `${json.string('entity_type')}/${json.string('entity_name')}`);
    if (version === 2) return entity(path, json.string('entity_path'));
    return json.fail(`unsupported version ${version} of a configuration change`);
  },
};

/** The ten digits at the end of a sequential node's name. */
export function sequenceNumber(name: string): number {
  const digits = /(\d{10})$/.exec(name)?.[1];
  if (digits === undefined) throw new ZnodeFormatError(name, 'not the name of a sequential node');
  return Number(digits);
}

/** Makes a name fit for a path: percent-encoded, so that it holds no slash and no wildcard. */
export function sanitize(name: string): string {
  return encodeURIComponent(name).replace(
    /[!'()~*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Throws URIError for a name that `sanitize` cannot have made. */
export function desanitize(name: string): string {
  return decodeURIComponent(name);
}

function entity(path: string, entityPath: string): ConfigEntity {
  const slash = entityPath.indexOf('/');
  const type = CONFIG_TYPES.find((known) => known === entityPath.slice(0, slash));
  if (type === undefined || slash === entityPath.length - 1) {
    throw new ZnodeFormatError(path, `${entityPath} names no entity`);
  }
  return { type, name: entityPath.slice(slash + 1) };
}
