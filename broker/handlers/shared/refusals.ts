/** Answers that say the same of everything that a request names: as long as the request, so they are made in turns. */
import type { ErrorCode } from '../../errors.ts';
import { afterwards, type Steps } from '../../platform/turns.ts';
import type { Refusing } from '../handler.ts';

/** What `answer` makes of each item, put together by `together`; a promise only where they are very many. */
export function refuseEach<Item, One, Answer>(
  items: readonly Item[],
  { turns }: Refusing,
  answer: (item: Item) => One,
  together: (answers: One[]) => Answer,
): Answer | Promise<Answer> {
  return afterwards(turns.each(items, answer), together);
}

/** How a request holds its partitions, and how they are answered. */
interface PartitionAnswers<Topic, Partition, One, OfTopic> {
  partitionsOf(topic: Topic): readonly Partition[];
  answer(partition: Partition): One;
  topic(topic: Topic, answers: One[]): OfTopic;
}

/** The same of each partition, by topic, as they are named. */
export function* ofPartitions<Topic, Partition, One, OfTopic>(
  topics: readonly Topic[],
  how: PartitionAnswers<Topic, Partition, One, OfTopic>,
): Steps<OfTopic[]> {
  const all: OfTopic[] = [];
  for (const topic of topics) {
    const answers: One[] = [];
    for (const partition of how.partitionsOf(topic)) {
      answers.push(how.answer(partition));
      yield;
    }
    all.push(how.topic(topic, answers));
    yield;
  }
  return all;
}

interface NamedPartitions {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number }[];
  }[];
}

interface RefusedPartitions {
  readonly topics: { name: string; partitions: { partitionIndex: number; errorCode: ErrorCode }[] }[];
}

/** Where partitions are committed, and answered with an error and nothing else. */
export function refusedPartitions(
  { topics }: NamedPartitions,
  errorCode: ErrorCode,
  { turns }: Refusing,
): RefusedPartitions | Promise<RefusedPartitions> {
  const refused = ofPartitions(topics, {
    partitionsOf: ({ partitions }) => partitions,
    answer: ({ partitionIndex }) => ({ partitionIndex, errorCode }),
    topic: ({ name }, partitions) => ({ name, partitions }),
  });
  return afterwards(turns.take(refused), (all) => ({ topics: all }));
}
