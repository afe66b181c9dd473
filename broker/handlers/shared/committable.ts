/**
 * What OffsetCommit and TxnOffsetCommit have in common: which of the named partitions may have offsets committed,
 * what is to be stored of them, and the answer by partition.
 */
import { NameMap } from '../../bounded-name.ts';
import type { OffsetToCommit } from '../../coordinators/group/offset-store.ts';
import { ErrorCode } from '../../errors.ts';
import type { MetadataCache } from '../../metadata/metadata-cache.ts';
import { FEW, gathered, type Steps } from '../../platform/turns.ts';
import { Operation, topicNamed } from '../../security/operations.ts';
import type { RequestContext } from '../handler.ts';
import type { Needs } from '../services.ts';
import { namedOnce } from './named-once.ts';

interface TopicToCommit<P> {
  readonly name: string;
  readonly partitions: readonly P[];
}

/** A partition as both requests name it. */
interface PartitionToCommit {
  readonly partitionIndex: number;
  readonly committedOffset: OffsetToCommit['offset'];
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
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

/** Each partition once, as it is named last: the coordinator's partitions are in a map in Kafka. */
export function eachOnce<P extends PartitionToCommit>(
  topics: readonly TopicToCommit<P>[],
): Steps<readonly TopicToCommit<P>[]> {
  return namedOnce(topics, {
    partitionsOf: ({ partitions }) => partitions,
    indexOf: ({ partitionIndex }) => partitionIndex,
    topic: (name, partitions) => ({ name, partitions }),
  });
}

/** What is to be stored, in order; `timesOf` says when each was committed, and for how long it is kept. */
export function* commitsOf<P extends PartitionToCommit>(
  topics: readonly TopicToCommit<P>[],
  timesOf: (partition: P) => Pick<OffsetToCommit, 'commitTimestampMs' | 'expireTimestampMs'>,
): Steps<readonly OffsetToCommit[]> {
  const commits: OffsetToCommit[] = [];
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      commits.push({
        topic: name,
        partition: partition.partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
        ...timesOf(partition),
      });
      yield;
    }
  }
  return commits;
}

/** The records of very many commits, which are made in turns; nothing of few. */
export async function preparedFor(
  groupId: string,
  commits: readonly OffsetToCommit[],
  { turns }: Pick<RequestContext, 'turns'>,
  { groups }: Needs<'groups'>,
) {
  if (commits.length <= FEW) return {};
  return { prepared: await turns.take(groups.preparedCommits(groupId, commits)) };
}

/** The answers of all partitions; `errors` are those of the commits, and `told` is what the client's version calls them. */
export function* answered(
  answers: Answers,
  commits: readonly OffsetToCommit[],
  errors: readonly ErrorCode[],
  told: (error: ErrorCode) => ErrorCode = (error) => error,
): Steps<{ readonly topics: TopicAnswer[] }> {
  for (const [index, { topic, partition }] of commits.entries()) {
    const errorCode = told(errors[index] ?? ErrorCode.UNKNOWN_SERVER_ERROR);
    answersOf(answers, topic).push({ partitionIndex: partition, errorCode });
    yield;
  }
  return { topics: yield* gathered(answers.values()) };
}

/** The answers for the partitions of a topic, to which more may be added. */
function answersOf(answers: Answers, topic: string): PartitionAnswer[] {
  const known = answers.get(topic);
  if (known !== undefined) return known.partitions;
  const partitions: PartitionAnswer[] = [];
  answers.set(topic, { name: topic, partitions });
  return partitions;
}
