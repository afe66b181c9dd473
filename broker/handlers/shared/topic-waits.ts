/** What administrative requests wait for: their effect in this broker's own metadata. */
import type { MetadataImage } from '../../metadata/image.ts';

/** Whether partitions 0 to `partitionCount - 1` of the topic all have a leader. */
export function allHaveLeaders(image: MetadataImage, topic: string, partitionCount: number): boolean {
  const partitions = image.topics.get(topic)?.partitions;
  if (partitions === undefined) return false;
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const leader = partitions.get(partition)?.leader;
    if (leader === undefined || leader < 0) return false;
  }
  return true;
}
