/** Answers for partitions as most responses have them: by topic, topics in the order in which they first come. */
import { NameMap } from '../../bounded-name.ts';
import type { Steps } from '../../platform/turns.ts';

/** What `partitionOf` makes of each answer, with the others of its topic as `topicOf` makes them one. */
export function* byTopic<Answer extends { readonly topic: string }, Partition, Topic>(
  answers: Iterable<Answer>,
  partitionOf: (answer: Answer) => Partition,
  topicOf: (name: string, partitions: readonly Partition[]) => Topic,
): Steps<readonly Topic[]> {
  const topics: Topic[] = [];
  const partitionsOf = new NameMap<Partition[]>();
  for (const answer of answers) {
    const { topic } = answer;
    const partition = partitionOf(answer);
    const others = partitionsOf.get(topic);
    if (others === undefined) {
      const partitions = [partition];
      partitionsOf.set(topic, partitions);
      topics.push(topicOf(topic, partitions));
    } else others.push(partition);
    yield;
  }
  return topics;
}
