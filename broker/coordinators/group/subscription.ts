/**
 * The one thing a coordinator reads out of the members' opaque metadata: which topics a consumer
 * subscribes to, so that offsets of other topics may expire. Every version of the consumer protocol
 * begins alike: int16 version, then the array of topics. Source: Kafka's ConsumerProtocolSubscription.
 */
import { LONGEST_TOPIC_NAME } from '../../bounded-name.ts';
import { type PartitionKey, parsePartitionKey } from '../../types.ts';
import type { Group } from './group.ts';
import { memberMetadata } from './group.ts';

/** Topics that any member subscribes to, without names that no topic can have; null when that can't be told (not a consumer group, odd bytes). */
export function subscribedTopics(group: Group): ReadonlySet<string> | null {
  if (group.protocolType !== 'consumer' || group.protocolName === null) return null;
  const topics = new Set<string>();
  for (const member of group.members.values()) {
    const found = topicsOf(memberMetadata(member, group.protocolName));
    if (found === null) return null;
    for (const topic of found) topics.add(topic);
  }
  return topics;
}

/**
 * Which committed offsets of the group may be deleted on request: those of topics that nobody in it reads. null: none,
 * as it has members of which that can not be told. Source: Kafka's GroupCoordinator.handleDeleteOffsets.
 */
export function deletableOffsets(group: Group): ((key: PartitionKey) => boolean) | null {
  if (group.state === 'Empty') return () => true;
  if (group.protocolType !== 'consumer') return null;
  const subscribed = subscribedTopics(group);
  return (key) => subscribed !== null && !subscribed.has(parsePartitionKey(key).topic);
}

function topicsOf(metadata: Buffer): string[] | null {
  if (metadata.length < 6) return null;
  const count = metadata.readInt32BE(2);
  if (count < 0 || count > metadata.length) return null;
  const topics: string[] = [];
  let at = 6;
  for (let index = 0; index < count; index++) {
    if (at + 2 > metadata.length) return null;
    const sizeBytes = metadata.readInt16BE(at);
    at += 2;
    if (sizeBytes < 0 || at + sizeBytes > metadata.length) return null;
    if (sizeBytes <= LONGEST_TOPIC_NAME) topics.push(metadata.toString('utf8', at, at + sizeBytes));
    at += sizeBytes;
  }
  return topics;
}
