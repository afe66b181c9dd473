/** Answers for partitions as most responses have them: by topic, topics in the order in which they first come. */
import type { Steps } from '../../platform/turns.ts';

/** What `partitionOf` makes of each answer, with the others of its topic. */
export function* byTopic<Answer extends { readonly topic: string }, Partition>(
  answers: Iterable<Answer>,
  partitionOf: (answer: Answer) => Partition,
): Steps<ReadonlyMap<string, Partition[]>> {
  const topics = new Map<string, Partition[]>();
  for (const answer of answers) {
    const ofTopic = topics.get(answer.topic);
    if (ofTopic === undefined) topics.set(answer.topic, [partitionOf(answer)]);
    else ofTopic.push(partitionOf(answer));
    yield;
  }
  return topics;
}
