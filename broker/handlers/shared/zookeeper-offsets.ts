/**
 * OffsetCommit and OffsetFetch of version 0: any broker answers them, from ZooKeeper. The group's coordinator
 * is not asked, and nothing of what it knows about the group counts.
 * Source: KafkaApis.commitOffsetsToZookeeper, handleOffsetFetchRequestFromZookeeper.
 */
import { CoordinatorError } from '../../../coordinator-client/coordinator.ts';
import { ErrorCode } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { Needs } from '../services.ts';

type Needed = Needs<'config' | 'diagnostics' | 'store'>;

interface OldCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Int64;
  readonly metadata: string;
}

/** An error for each commit; NONE once it stands in ZooKeeper. One after the other: of two for a partition the last stays. */
export async function commitToZookeeper(
  groupId: string,
  commits: readonly OldCommit[],
  services: Needed,
): Promise<ErrorCode[]> {
  const errors: ErrorCode[] = [];
  for (const commit of commits) errors.push(await commitOne(groupId, commit, services));
  return errors;
}

async function commitOne(groupId: string, commit: OldCommit, services: Needed): Promise<ErrorCode> {
  if (commit.metadata.length > services.config.offsetMetadataMaxBytes) {
    return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  }
  try {
    const { consumerOffsets } = services.store();
    await consumerOffsets.write(groupId, commit.topic, commit.partition, commit.offset);
    return ErrorCode.NONE;
  } catch (error) {
    return errorOf(error, services);
  }
}

/** What is committed; an unknown partition and one without a commit are the same to clients of this version. */
export async function fetchFromZookeeper(
  groupId: string,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  services: Needs<'diagnostics' | 'metadata' | 'store'>,
): Promise<{ readonly errorCode: ErrorCode; readonly offset: Int64 }> {
  const none = { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, offset: -1 };
  if (services.metadata.partition(topic, partition) === undefined) return none;
  try {
    const offset = await services.store().consumerOffsets.read(groupId, topic, partition);
    return offset === null ? none : { errorCode: ErrorCode.NONE, offset };
  } catch (error) {
    return { errorCode: errorOf(error, services), offset: -1 };
  }
}

/** Whoever has no session now will have one soon: the client is to ask again. */
function errorOf(error: unknown, services: Needs<'diagnostics'>): ErrorCode {
  if (error instanceof CoordinatorError) return ErrorCode.REQUEST_TIMED_OUT;
  services.diagnostics.warn(`Offsets in ZooKeeper: ${String(error)}`);
  return ErrorCode.UNKNOWN_SERVER_ERROR;
}
