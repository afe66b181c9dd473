/** Which partitions an event is about, and lists of them as text, which events that sum up others have. Pure. */
import {
  GROUP_METADATA_TOPIC,
  partitionKey,
  type TopicPartition,
  TRANSACTION_STATE_TOPIC,
} from '../types.ts';
import type { ClusterEvent } from './cluster-events.ts';
import type { PartitionsByTopic } from './partition-events.ts';

/** Whether the event tells of this partition, also of its topic, or of it among others. */
export function isAbout(event: ClusterEvent, { topic, partition }: TopicPartition): boolean {
  if ('details' in event)
    return event.details.some(({ topics }) => hasPartition(topics, { topic, partition }));
  if (event.kind === 'client-errors')
    return event.errors.some(({ partitions }) => partitions.includes(partitionKey(topic, partition)));
  if ('topics' in event) return event.topics.includes(topic);
  if ('partitions' in event && Array.isArray(event.partitions)) {
    return event.partitions.includes(partitionKey(topic, partition));
  }
  if (!('partition' in event)) return 'topic' in event && event.topic === topic;
  return event.partition === partition && topicOf(event) === topic;
}

/** Of the topic of coordinators, the partition that such an event is about; null: it is of nothing coordinated. */
export function coordinatedPartition(event: ClusterEvent): TopicPartition | null {
  if (!('partition' in event) || 'topic' in event) return null;
  return { topic: topicOf(event), partition: event.partition };
}

/** Coordinators name the partition that they hold, of the topic that is theirs. */
function topicOf(event: Extract<ClusterEvent, { readonly partition: number }>): string {
  if ('topic' in event) return event.topic;
  return event.kind.startsWith('groups-') ? GROUP_METADATA_TOPIC : TRANSACTION_STATE_TOPIC;
}

/** The numbers of each topic, as short as they can be told. */
export function partitionsByTopic(partitions: Iterable<TopicPartition>): PartitionsByTopic {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const numbers = byTopic.get(topic);
    if (numbers === undefined) byTopic.set(topic, [partition]);
    else numbers.push(partition);
  }
  return [...byTopic].map(([topic, numbers]) => [topic, rangesOf(numbers)]);
}

export function hasPartition(topics: PartitionsByTopic, { topic, partition }: TopicPartition): boolean {
  return topics.some(
    ([name, ranges]) =>
      name === topic &&
      ranges.split(',').some((range) => {
        const [first, last = first] = range.split('-').map(Number);
        return first !== undefined && last !== undefined && partition >= first && partition <= last;
      }),
  );
}

/** `0-2,5` of 0, 1, 2 and 5. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: string[] = [];
  const sorted = numbers.toSorted((a, b) => a - b);
  for (let at = 0; at < sorted.length; at++) {
    const first = sorted[at];
    while (sorted[at + 1] === (sorted[at] ?? 0) + 1) at++;
    ranges.push(sorted[at] === first ? `${first}` : `${first}-${sorted[at]}`);
  }
  return ranges.join(',');
}
