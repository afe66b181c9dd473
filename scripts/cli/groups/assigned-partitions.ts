/**
 * Reads what a consumer group's leader assigned to a member: int16 version, then topics with their
 * partitions, whatever follows. Source: Kafka's ConsumerProtocolAssignment.
 */
import { ProtocolError, Reader } from '../../../broker/protocol/reader.ts';
import type { TopicPartition } from '../partitions.ts';

/** Nothing of bytes that are no assignment: other clients than consumers write what they like. */
export function assignedPartitions(assignment: Buffer): TopicPartition[] {
  if (assignment.length === 0) return [];
  const found: TopicPartition[] = [];
  try {
    const reader = new Reader(assignment);
    reader.int16();
    for (let topics = reader.int32(); topics > 0; topics--) {
      const topic = reader.string();
      for (let partitions = reader.int32(); partitions > 0; partitions--)
        found.push({ topic, partition: reader.int32() });
    }
    return found;
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
