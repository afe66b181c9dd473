/**
 * Znodes through which work is asked for: topics to delete, elections and reassignments asked for by
 * old tools, notices of changed ISRs and failed log directories, and the offsets of old consumers.
 * Source: kafka.zk.ZkData.
 */
import { decodeLong, encodeJson, JsonFields } from './znode-json.ts';

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export const deleteTopicsZnode = {
  parent: '/admin/delete_topics',
  path: (topic: string): string => `/admin/delete_topics/${topic}`,
};

export interface LegacyReassignment extends TopicPartition {
  readonly replicas: readonly number[];
}

export const reassignPartitionsZnode = {
  path: '/admin/reassign_partitions',
  encode: (moves: readonly LegacyReassignment[]): Buffer =>
    encodeJson({
      version: 1,
      partitions: moves.map(({ topic, partition, replicas }) => ({ topic, partition, replicas })),
    }),
  decode: (data: Buffer): LegacyReassignment[] =>
    JsonFields.parse('/admin/reassign_partitions', data)
      .objects('partitions')
      .map((one) => ({ ...topicPartition(one), replicas: one.ints('replicas') })),
};

export const preferredElectionZnode = {
  path: '/admin/preferred_replica_election',
  encode: (partitions: readonly TopicPartition[]): Buffer => encodePartitions(partitions),
  decode: (data: Buffer): TopicPartition[] => decodePartitions('/admin/preferred_replica_election', data),
};

/** Sequential nodes in which leaders named the partitions whose ISR they had changed (before AlterPartition). */
export const isrChangeZnode = {
  parent: '/isr_change_notification',
  prefix: '/isr_change_notification/isr_change_',
  path: (name: string): string => `/isr_change_notification/${name}`,
  encode: (partitions: readonly TopicPartition[]): Buffer => encodePartitions(partitions),
  decode: (name: string, data: Buffer): TopicPartition[] => decodePartitions(isrChangeZnode.path(name), data),
};

/** Sequential nodes in which a broker says that one of its log directories has failed. */
export const logDirEventZnode = {
  parent: '/log_dir_event_notification',
  prefix: '/log_dir_event_notification/log_dir_event_',
  path: (name: string): string => `/log_dir_event_notification/${name}`,
  /** Event 1 is a failed directory, the only event there is. */
  encode: (brokerId: number): Buffer => encodeJson({ version: 1, broker: brokerId, event: 1 }),
  /** The broker that speaks. */
  decode: (name: string, data: Buffer): number =>
    JsonFields.parse(logDirEventZnode.path(name), data).int('broker'),
};

/** Offsets that consumers committed with OffsetCommit v0. */
export const consumerOffsetZnode = {
  path: (group: string, topic: string, partition: number): string =>
    `/consumers/${group}/offsets/${topic}/${partition}`,
  /** Whatever a client chose to commit: beyond 2^53 a bigint. */
  encode: (offset: number | bigint): Buffer => Buffer.from(String(offset)),
  decode: decodeLong,
};

function encodePartitions(partitions: readonly TopicPartition[]): Buffer {
  return encodeJson({
    version: 1,
    partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
  });
}

function decodePartitions(path: string, data: Buffer): TopicPartition[] {
  return JsonFields.parse(path, data).objects('partitions').map(topicPartition);
}

function topicPartition(one: JsonFields): TopicPartition {
  return { topic: one.string('topic'), partition: one.int('partition') };
}
