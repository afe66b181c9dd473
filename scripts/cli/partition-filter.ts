/**
 * The list of --topic-partitions: `TOPIC:N`, `TOPIC:N-M` (without M), `TOPIC:N-`, `TOPIC:-M`, `TOPIC`,
 * and the same without a topic for all topics. Source: kafka-get-offsets (KIP-815).
 */
import { UsageError } from './arguments.ts';
import type { TopicPartition } from './partitions.ts';
import { fullTopicPattern } from './topic-pattern.ts';

export type PartitionFilter = (partition: TopicPartition) => boolean;

const RULE = /^([^:,]*)(?::(?:(\d+)|(\d*)-(\d*)))?$/;

/** True for what at least one rule of the list means. Throws UsageError. */
export function parsePartitionFilter(list: string): PartitionFilter {
  const rules = list.split(',').map((word) => ruleOf(word.trim()));
  return (each) => rules.some((rule) => rule(each));
}

function ruleOf(word: string): PartitionFilter {
  const found = RULE.exec(word);
  if (found === null || word === '')
    throw new UsageError(
      `--topic-partitions takes TOPIC:N, TOPIC:N-M, TOPIC:N-, TOPIC:-M or TOPIC, not '${word}'`,
    );
  const [, topic = '', only, from, to] = found;
  const pattern = fullTopicPattern('topic-partitions', topic === '' ? '.*' : topic);
  const least = Number(only ?? from ?? 0);
  const end = only !== undefined ? Number(only) + 1 : to ? Number(to) : Number.POSITIVE_INFINITY;
  return (each) => pattern.test(each.topic) && each.partition >= least && each.partition < end;
}
