/** Questions about partitions that only their leaders can answer. */
import { ErrorCode } from '../../broker/errors.ts';
import type { Int64 } from '../../broker/int64.ts';
import { SaslLoginError } from '../../broker/protocol/login.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { type AdminClient, type ClusterMetadata, reasonOf } from './admin-client.ts';
import { byTopic, partitionName, type TopicPartition } from './partitions.ts';

/** ListOffsets' special times. */
export const LATEST = -1;
export const EARLIEST = -2;

interface Led<Item> {
  readonly metadata: ClusterMetadata;
  readonly byLeader: ReadonlyMap<number, readonly Item[]>;
  /** Why a partition has no leader to ask, by its name. */
  readonly problems: ReadonlyMap<string, string>;
}

interface FoundOffset extends TopicPartition {
  /** -1: there is no record of that time or later. */
  readonly offset: number;
  readonly timestamp: Int64;
  readonly leaderEpoch: number;
}

interface FoundOffsets {
  /** By the partition's name. */
  readonly found: ReadonlyMap<string, FoundOffset>;
  readonly problems: ReadonlyMap<string, string>;
}

/** All partitions of topics that are there; `null`: of all topics. A topic that isn't there is an error. */
export async function partitionsOf(
  admin: AdminClient,
  topics: readonly string[] | null,
): Promise<TopicPartition[]> {
  const metadata = topics?.length === 0 ? null : await admin.metadata(topics);
  return (metadata?.topics ?? []).flatMap((topic) => {
    if (topic.errorCode !== ErrorCode.NONE) throw new Error(`topic ${topic.name}: ${reasonOf(topic)}`);
    return topic.partitions.map(({ partitionIndex }) => ({
      topic: topic.name ?? '',
      partition: partitionIndex,
    }));
  });
}

/** Sorts partitions to the brokers that lead them. */
export async function withLeaders<Item extends TopicPartition>(
  admin: AdminClient,
  items: readonly Item[],
): Promise<Led<Item>> {
  const metadata = await admin.metadata([...byTopic(items).keys()]);
  const byLeader = new Map<number, Item[]>();
  const problems = new Map<string, string>();
  for (const item of items) {
    const topic = metadata.topics.find(({ name }) => name === item.topic);
    const found = topic?.partitions.find(({ partitionIndex }) => partitionIndex === item.partition);
    const leaderId = found?.leaderId ?? -1;
    if (found === undefined)
      problems.set(partitionName(item), reasonOf({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }));
    else if (leaderId < 0) problems.set(partitionName(item), 'the partition has no leader');
    else byLeader.set(leaderId, [...(byLeader.get(leaderId) ?? []), item]);
  }
  return { metadata, byLeader, problems };
}

/**
 * The offsets at a time, or at a special time, of each partition; uncommitted records count. A leader that does not
 * take the login is a problem of its partitions.
 */
export async function offsetsAt(
  admin: AdminClient,
  partitions: readonly (TopicPartition & { readonly timestamp: Int64 })[],
): Promise<FoundOffsets> {
  if (partitions.length === 0) return { found: new Map(), problems: new Map() };
  const led = await withLeaders(admin, partitions);
  const found = new Map<string, FoundOffset>();
  const problems = new Map(led.problems);
  const ask = async (leaderId: number, own: typeof partitions): Promise<void> => {
    const topics = [...byTopic(own)].map(([name, items]) => ({
      name,
      partitions: items.map(({ partition, timestamp }) => ({ partitionIndex: partition, timestamp })),
    }));
    const answer = await admin.askBroker(leaderId, led.metadata, ListOffsets, { replicaId: -1, topics });
    for (const { name, partitions: answers } of answer.topics) {
      for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch } of answers) {
        const each = { topic: name, partition: partitionIndex };
        if (errorCode === ErrorCode.NONE)
          found.set(partitionName(each), { ...each, offset, timestamp, leaderEpoch });
        else problems.set(partitionName(each), reasonOf({ errorCode }));
      }
    }
  };
  const asked = [...led.byLeader].map(([leaderId, own]) =>
    ask(leaderId, own).catch((error: unknown) => {
      if (!(error instanceof SaslLoginError)) throw error;
      const reason = `its leader, broker ${leaderId}, does not take the login: ${error.message}`;
      for (const item of own) problems.set(partitionName(item), reason);
    }),
  );
  await Promise.all(asked);
  return { found, problems };
}

/** The same time for all. */
export function at(
  partitions: readonly TopicPartition[],
  timestamp: Int64,
): (TopicPartition & { readonly timestamp: Int64 })[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition, timestamp }));
}
