/**
 * What is throttled while partitions move: set before the moves begin, seen while they last, taken away when
 * they are over. Nobody but who set them takes them away: a broker does not know what a rate was meant for.
 * Source: ReassignPartitionsCommand, KIP-73.
 */
import { ErrorCode } from '../../../broker/errors.ts';
import { DescribeConfigs } from '../../../broker/protocol/messages/32-describe-configs.ts';
import type { AdminClient } from '../admin-client.ts';
import { ownConfigs, resourceConfigs, setResources } from '../configs/resource-configs.ts';
import { partitionName, type TopicPartition } from '../partitions.ts';
import type { Reassignment } from './reassignments.ts';
import { BROKER_THROTTLES, brokerThrottles, TOPIC_THROTTLES, throttlePlan } from './throttle-plan.ts';

interface Placed extends TopicPartition {
  readonly replicas: readonly number[];
}

export interface Throttled {
  /** About to be moved; none where only what moves already is throttled. */
  readonly plan: readonly Placed[];
  /** Where the planned partitions are now. */
  readonly current: readonly Placed[];
  readonly running: readonly Reassignment[];
}

/** What is set, by the names of the configs; only those that have any. */
interface ThrottlesInPlace {
  readonly brokers: ReadonlyMap<number, ReadonlyMap<string, string>>;
  readonly topics: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

const TOPIC = 2;
const BROKER = 4;
/** ConfigSource: what is set for this very topic, or this very broker. */
const OWN_SOURCES: readonly number[] = [1, 2];

/** Holds what moves to `rate` bytes a second between brokers, each way. */
export async function throttleBetweenBrokers(
  admin: AdminClient,
  { plan, current, running }: Throttled,
  rate: number,
): Promise<void> {
  const replicas = new Map(current.map((each) => [partitionName(each), each.replicas]));
  const { topics, brokers } = throttlePlan(plan, replicas, running);
  const ofTopics = Array.from(topics, ([name, values]) => ({
    resource: { type: 'topics', name } as const,
    values,
  }));
  await setResources(admin, ofTopics);
  await setBrokers(admin, brokers, brokerThrottles(rate, null));
}

/** Holds what moves between directories of these brokers. */
export function throttleBetweenDirectories(
  admin: AdminClient,
  brokers: readonly number[],
  rate: number,
): Promise<void> {
  return setBrokers(admin, brokers, brokerThrottles(null, rate));
}

async function setBrokers(
  admin: AdminClient,
  brokers: readonly number[],
  values: ReadonlyMap<string, string>,
): Promise<void> {
  const changes = brokers.map((id) => ({ resource: { type: 'brokers', name: String(id) } as const, values }));
  await setResources(admin, changes);
}

/** Of all living brokers, whoever set them. */
export async function clearBrokerThrottles(admin: AdminClient, ids: readonly number[]): Promise<void> {
  for (const id of ids) await clear(admin, { type: 'brokers', name: String(id) }, BROKER_THROTTLES);
}

export async function clearTopicThrottles(admin: AdminClient, topics: readonly string[]): Promise<void> {
  for (const name of topics) await clear(admin, { type: 'topics', name }, TOPIC_THROTTLES);
}

/** Only what is set is deleted: each change is a write of the controller's. */
async function clear(
  admin: AdminClient,
  resource: { readonly type: 'brokers' | 'topics'; readonly name: string },
  keys: readonly string[],
): Promise<void> {
  const own = ownConfigs(await resourceConfigs(admin, resource), resource);
  const found = own.filter(({ name }) => keys.includes(name)).map(({ name }) => [name, null] as const);
  if (found.length > 0) await setResources(admin, [{ resource, values: new Map(found) }]);
}

/** Of all living brokers and all topics; what the client may not see, or nobody answers for, is left out. */
export async function throttlesInPlace(admin: AdminClient): Promise<ThrottlesInPlace> {
  const metadata = await admin.metadata(null);
  const names = metadata.topics.map(({ name }) => name ?? '');
  const ids = metadata.brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
  const [ofTopics, ...ofBrokers] = await Promise.all([
    admin.askAnyBroker(DescribeConfigs, questionOf(TOPIC, names, TOPIC_THROTTLES)),
    ...ids.map((id) =>
      admin
        .askBroker(id, metadata, DescribeConfigs, questionOf(BROKER, [String(id)], BROKER_THROTTLES))
        .catch(() => ({ results: [] })),
    ),
  ]);
  const topics = ofTopics.results.map((result) => [result.resourceName, setIn(result)] as const);
  const brokers = ofBrokers
    .flatMap(({ results }) => results)
    .map((result) => [Number(result.resourceName), setIn(result)] as const);
  return {
    topics: new Map(topics.filter(([, values]) => values.size > 0)),
    brokers: new Map(brokers.filter(([, values]) => values.size > 0)),
  };
}

/** Takes away what was found in place. */
export async function removeThrottles(
  admin: AdminClient,
  { brokers, topics }: ThrottlesInPlace,
): Promise<void> {
  const found = [
    ...Array.from(brokers, ([id, set]) => ({
      resource: { type: 'brokers', name: String(id) } as const,
      set,
    })),
    ...Array.from(topics, ([name, set]) => ({ resource: { type: 'topics', name } as const, set })),
  ];
  const changes = found.map(({ resource, set }) => ({
    resource,
    values: new Map(Array.from(set.keys(), (key) => [key, null] as const)),
  }));
  await setResources(admin, changes);
}

function questionOf(resourceType: number, names: readonly string[], keys: readonly string[]) {
  const resources = names.map((resourceName) => ({
    resourceType,
    resourceName,
    configurationKeys: [...keys],
  }));
  return { resources, includeSynonyms: false, includeDocumentation: false };
}

interface DescribedResource {
  readonly errorCode: number;
  readonly configs: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly configSource: number;
  }[];
}

function setIn({ errorCode, configs }: DescribedResource): ReadonlyMap<string, string> {
  if (errorCode !== ErrorCode.NONE) return new Map();
  const own = configs.filter(
    ({ value, configSource }) => value !== null && OWN_SOURCES.includes(configSource),
  );
  return new Map(own.map(({ name, value }) => [name, value ?? '']));
}
