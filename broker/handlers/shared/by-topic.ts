/** Answers for partitions as most responses have them: by topic, topics in the order in which they first come. */
import { NameMap } from '../../bounded-name.ts';
import type { Steps } from '../../platform/turns.ts';

/** What `partitionOf` makes of each answer, with the others of its topic. */
export function* byTopic<Answer extends { readonly topic: string }, Partition>(
  answers: Iterable<Answer>,
  partitionOf: (answer: Answer) => Partition,
): Steps<readonly (readonly [topic: string, partitions: Partition[]])[]> {
  const topics = new NameMap<readonly [topic: string, partitions: Partition[]]>();
  for (const answer of answers) {
    const { topic } = answer;
    const ofTopic = topics.get(topic);
    if (ofTopic === undefined) topics.set(topic, [topic, [partitionOf(answer)]]);
    else ofTopic[1].push(partitionOf(answer));
    yield;
  }
  return [...topics.values()];
}
