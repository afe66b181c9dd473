/**
 * Configs of topics, brokers and loggers: what is set and where it comes from, and changes of single
 * keys. Those of one broker are asked of that broker, all others of any.
 */
import { ErrorCode } from '../../../broker/errors.ts';
import { DescribeConfigs } from '../../../broker/protocol/messages/32-describe-configs.ts';
import { IncrementalAlterConfigs } from '../../../broker/protocol/messages/44-incremental-alter-configs.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../../broker/protocol/schema.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import type { ConfigChanges } from './config-words.ts';
import type { EntityType } from './entities.ts';

interface Resource {
  readonly type: EntityType;
  /** Empty: the default of all brokers. */
  readonly name: string;
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly source: string;
  readonly sensitive: boolean;
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly source: string;
  }[];
}

interface ConfigOperation {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

const SET = 0;
const DELETE = 1;
const RESOURCE_TYPES: Partial<Record<EntityType, number>> = { topics: 2, brokers: 4, 'broker-loggers': 8 };
const SOURCES: readonly string[] = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
];

/** All configs of a resource, sorted. */
export async function resourceConfigs(admin: AdminClient, resource: Resource): Promise<ConfigEntry[]> {
  const asked = { resourceType: typeNumber(resource), resourceName: resource.name, configurationKeys: null };
  const request = { resources: [asked], includeSynonyms: true, includeDocumentation: false };
  const { results } = await ask(admin, resource, DescribeConfigs, request);
  const [result] = results;
  if (result === undefined || result.errorCode !== ErrorCode.NONE)
    throw new Error(`${described(resource)}: ${result === undefined ? 'no answer' : reasonOf(result)}`);
  return result.configs
    .map(({ name, value, configSource, isSensitive, synonyms }) => ({
      name,
      value,
      source: sourceName(configSource),
      sensitive: isSensitive,
      synonyms: synonyms.map((synonym) => ({
        name: synonym.name,
        value: synonym.value,
        source: sourceName(synonym.source),
      })),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is set for this very resource; of loggers all, since they have nothing else. */
export function ownConfigs(entries: readonly ConfigEntry[], { type, name }: Resource): ConfigEntry[] {
  const broker = name === '' ? 'DYNAMIC_DEFAULT_BROKER_CONFIG' : 'DYNAMIC_BROKER_CONFIG';
  const own = type === 'topics' ? 'DYNAMIC_TOPIC_CONFIG' : broker;
  return entries.filter(({ source }) => type === 'broker-loggers' || source === own);
}

/** Refuses, as Kafka's tool does, to delete what is not set, and loggers that there are not. */
export async function changeResource(
  admin: AdminClient,
  resource: Resource,
  { added, deleted }: ConfigChanges,
): Promise<void> {
  const own = ownConfigs(await resourceConfigs(admin, resource), resource).map(({ name }) => name);
  const isLoggers = resource.type === 'broker-loggers';
  const unknown = [...deleted, ...(isLoggers ? added.keys() : [])].filter((name) => !own.includes(name));
  if (unknown.length > 0)
    throw new Error(
      `${described(resource)}: ${isLoggers ? 'no such logger' : 'not set, so not to be deleted'}: ${unknown.join(', ')}`,
    );
  await alterResources(admin, [
    {
      resource,
      operations: [
        ...Array.from(added, ([name, value]) => ({ name, configOperation: SET, value })),
        ...deleted.map((name) => ({ name, configOperation: DELETE, value: null })),
      ],
    },
  ]);
}

/** Sets, or with a null value deletes, whatever was there before. */
export async function setResources(
  admin: AdminClient,
  changes: readonly { readonly resource: Resource; readonly values: ReadonlyMap<string, string | null> }[],
): Promise<void> {
  const altered = changes.map(({ resource, values }) => ({
    resource,
    operations: Array.from(values, ([name, value]) => ({
      name,
      configOperation: value === null ? DELETE : SET,
      value,
    })),
  }));
  await alterResources(admin, altered);
}

async function alterResources(
  admin: AdminClient,
  changes: readonly { readonly resource: Resource; readonly operations: ConfigOperation[] }[],
): Promise<void> {
  for (const { resource, operations } of changes) {
    const asked = { resourceType: typeNumber(resource), resourceName: resource.name, configs: operations };
    const request = { resources: [asked], validateOnly: false };
    const { responses } = await ask(admin, resource, IncrementalAlterConfigs, request);
    const failed = responses.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
    if (failed !== undefined) throw new Error(`${described(resource)}: ${reasonOf(failed)}`);
  }
}

async function ask<A extends AnyApi>(
  admin: AdminClient,
  { type, name }: Resource,
  api: A,
  request: RequestInput<A>,
): Promise<ResponseOf<A>> {
  if (type === 'topics' || name === '') return admin.askAnyBroker(api, request);
  return admin.askBroker(Number(name), await admin.metadata([]), api, request);
}

function typeNumber({ type }: Resource): number {
  return RESOURCE_TYPES[type] ?? 0;
}

function sourceName(source: number): string {
  return SOURCES[source] ?? 'UNKNOWN';
}

function described({ type, name }: Resource): string {
  return name === '' ? `default of ${type}` : `${type.slice(0, -1)} ${name}`;
}
