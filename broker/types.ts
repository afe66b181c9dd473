/**
 * The words every floor shares: identities of brokers, topics and partitions.
 * Nothing here does anything; a file of any floor may import it.
 */
import { boundedName, LONGEST_TOPIC_NAME } from './bounded-name.ts';

export type BrokerId = number;

/** A UUID in Kafka's text form: 22 characters of base64url without padding. */
export type Uuid = string;

/** The all-zero UUID, which on the wire means "absent". */
export const ZERO_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `topic-partition`: the name of the log directory, and our key in maps, where the topic may be none that can be. */
export type PartitionKey = string;

export function partitionKey(topic: string, partition: number): PartitionKey {
  return `${boundedName(topic)}-${partition}`;
}

/** Reverses {@link partitionKey}: the partition is what follows the last hyphen. */
export function parsePartitionKey(key: PartitionKey): TopicPartition {
  const at = key.lastIndexOf('-');
  return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)) };
}

/** No leader (Kafka's `LeaderAndIsr.NoLeader`). */
export const NO_LEADER = -1;
/** The topic is being deleted (Kafka's `LeaderAndIsr.LeaderDuringDelete`). */
export const LEADER_DURING_DELETE = -2;
/** Leader epoch of a partition whose topic is being deleted. */
export const EPOCH_DURING_DELETE = -2;
/** An epoch that is not known. */
export const NO_EPOCH = -1;

export const GROUP_METADATA_TOPIC = '__consumer_offsets';
export const TRANSACTION_STATE_TOPIC = '__transaction_state';

/** Internal topics are written by coordinators only. */
export function isInternalTopic(topic: string): boolean {
  return topic === GROUP_METADATA_TOPIC || topic === TRANSACTION_STATE_TOPIC;
}

/** Why `name` can't be a topic's, in Kafka's words; null for one that can. Source: Kafka's Topic.validate. */
export function topicNameComplaint(name: string): string | null {
  if (name === '') return 'the empty string is not allowed';
  if (name === '.' || name === '..') return `'${name}' is not allowed`;
  if (name.length > LONGEST_TOPIC_NAME) {
    return `the length of '${name}' is longer than the max allowed length ${LONGEST_TOPIC_NAME}`;
  }
  if (/^[a-zA-Z0-9._-]+$/.test(name)) return null;
  return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
}
