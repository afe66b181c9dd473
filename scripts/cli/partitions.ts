/** Partitions as commands name, sort and group them. */
import { UsageError } from './arguments.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

const MAX_PARTITION = 0x7fff_ffff;

/** `topic-0`, as Kafka writes it. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

/** For sorting: by topic, then by number. */
export function comparePartitions(a: TopicPartition, b: TopicPartition): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;
}

export function byTopic<Item extends TopicPartition>(items: readonly Item[]): Map<string, Item[]> {
  return Map.groupBy(items, ({ topic }) => topic);
}

/** `topic` or `topic:0,1,2`; partitions are null where all are meant. Throws UsageError. */
export function partitionsOfWord(
  option: string,
  word: string,
): { readonly topic: string; readonly partitions: readonly number[] | null } {
  const [topic = '', numbers, ...more] = word.split(':');
  if (topic === '' || more.length > 0)
    throw new UsageError(`--${option} takes TOPIC or TOPIC:PARTITION,…, not '${word}'`);
  if (numbers === undefined) return { topic, partitions: null };
  return { topic, partitions: numbers.split(',').map((number) => partitionNumber(option, number)) };
}

/** A partition's number; throws UsageError. */
export function partitionNumber(option: string, text: string): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value <= MAX_PARTITION))
    throw new UsageError(`--${option} takes numbers of partitions, from 0, not '${text}'`);
  return value;
}
