/** Which of the partitions in a request may have offsets committed; for OffsetCommit and TxnOffsetCommit. */
import { NameMap } from '../../bounded-name.ts';
import type { OffsetToCommit } from '../../coordinators/group/offset-store.ts';
import { ErrorCode } from '../../errors.ts';
import type { MetadataCache } from '../../metadata/metadata-cache.ts';
import type { Steps } from '../../platform/turns.ts';
import { Operation, topicNamed } from '../../security/operations.ts';
import type { RequestContext } from '../handler.ts';

interface TopicToCommit<P> {
  readonly name: string;
  readonly partitions: readonly P[];
}

interface PartitionAnswer {
  readonly partitionIndex: number;
  readonly errorCode: ErrorCode;
}

interface TopicAnswer {
  readonly name: string;
  readonly partitions: PartitionAnswer[];
}

/** By topic. */
export type Answers = NameMap<TopicAnswer>;

/**
 * The partitions to commit, and answers for those that one may not commit, as often as they are named. Of a
 * topic without partitions nothing is said.
 */
export function* committable<P extends { readonly partitionIndex: number }>(
  topics: readonly TopicToCommit<P>[],
  context: Pick<RequestContext, 'may'>,
  metadata: Pick<MetadataCache, 'partition'>,
): Steps<{
  readonly answers: Answers;
  readonly valid: readonly { readonly name: string; readonly partitions: P[] }[];
}> {
  const answers: Answers = new NameMap();
  const valid: { name: string; partitions: P[] }[] = [];
  for (const { name, partitions } of topics) {
    const allowed = context.may(Operation.READ, topicNamed(name));
    const known: P[] = [];
    for (const partition of partitions) {
      const { partitionIndex } = partition;
      if (allowed && metadata.partition(name, partitionIndex) !== undefined) known.push(partition);
      else {
        const errorCode = allowed
          ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
          : ErrorCode.TOPIC_AUTHORIZATION_FAILED;
        answersOf(answers, name).push({ partitionIndex, errorCode });
      }
      yield;
    }
    if (known.length > 0) valid.push({ name, partitions: known });
    yield;
  }
  return { answers, valid };
}

/** What `toCommit` makes of each partition, in order. */
export function* commitsOf<P>(
  topics: readonly TopicToCommit<P>[],
  toCommit: (topic: string, partition: P) => OffsetToCommit,
): Steps<readonly OffsetToCommit[]> {
  const commits: OffsetToCommit[] = [];
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      commits.push(toCommit(name, partition));
      yield;
    }
  }
  return commits;
}

/** The answers for the partitions of a topic, to which more may be added. */
export function answersOf(answers: Answers, topic: string): PartitionAnswer[] {
  const known = answers.get(topic);
  if (known !== undefined) return known.partitions;
  const partitions: PartitionAnswer[] = [];
  answers.set(topic, { name: topic, partitions });
  return partitions;
}
