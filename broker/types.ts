/**
 * The words every floor shares: identities of brokers, topics and partitions.
 * Nothing here does anything; a file of any floor may import it.
 */

export type BrokerId = number;

/** A UUID in Kafka's text form: 22 characters of base64url without padding. */
export type Uuid = string;

/** The all-zero UUID, which on the wire means "absent". */
export const ZERO_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `topic-partition`: the name of the log directory, and our key in maps. */
export type PartitionKey = string;

export function partitionKey(topic: string, partition: number): PartitionKey {
  return `${topic}-${partition}`;
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
