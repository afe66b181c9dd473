/**
 * One consumer read of one partition: who may read here, up to where, and from where.
 * A reader of uncommitted data gets what lies below the high watermark, one of committed data what
 * lies below the last stable offset; an offset between there and the log's end is fine and empty.
 * Source: Kafka's Partition.fetchRecords and ReplicaManager.readFromLocalLog.
 */

import { ErrorCode, isError } from '../../errors.ts';
import type { AbortedTransaction } from '../../log/files/aborted-index.ts';
import type { EpochEnd } from '../../log/files/epoch-history.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { LateBytes, type MessagePart } from '../../protocol/late-bytes.ts';
import { type BrokerId, type Uuid, ZERO_UUID } from '../../types.ts';
import type { ReplicationMetadata } from '../collaborators.ts';
import type { CurrentLeader, HostedPartitions } from '../hosted-partitions.ts';
import type { Partition } from '../partition.ts';
import { judgePosition } from '../truncation.ts';
import { type AnswerClaim, type AnswerMemory, NO_CLAIM } from './answer-memory.ts';
import { preferredReadReplica } from './preferred-replica.ts';

export type Isolation = 'read_uncommitted' | 'read_committed';

export interface FetchPartition {
  readonly topic: string;
  /** {@link ZERO_UUID} where it is asked for by name. */
  readonly topicId: Uuid;
  readonly partition: number;
  readonly fetchOffset: number;
  /** -1: not told. */
  readonly currentLeaderEpoch: number;
  /** -1: not told. */
  readonly lastFetchedEpoch: number;
  readonly maxBytes: number;
  readonly logStartOffset: number;
}

/** Of one partition; with an error `records` is empty. */
export interface FetchOutcome {
  readonly wanted: FetchPartition;
  readonly error: ErrorCode;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Those of a large answer are read when they are sent. */
  readonly records: MessagePart;
  /** Gives back what `records` stands on; must be called when they have been sent. Calling it again does nothing. */
  release(): void;
  /** The same while the claim goes on, for what has taken the place of the records. */
  giveBack(): void;
  /** What the records take of the memory for answers, until they are released or their sender counts them. */
  readonly claim: Pick<AnswerClaim, 'become' | 'end'>;
  /** null for readers of uncommitted data. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly divergingEpoch: EpochEnd | null;
  /** -1: none. */
  readonly preferredReadReplica: BrokerId;
  /** With NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH. */
  readonly currentLeader: CurrentLeader | null;
  /** There is more to read, but this read could not have brought it: waiting would not either. */
  readonly isFull: boolean;
}

export interface ReadContext {
  readonly brokerId: BrokerId;
  readonly rackAware: boolean;
  readonly hosted: HostedPartitions;
  readonly metadata: ReplicationMetadata;
  readonly failureOf: (partition: { topic: string; partition: number }, error: unknown) => ErrorCode;
  readonly answerMemory: AnswerMemory;
}

interface ReadLimits {
  readonly isolation: Isolation;
  /** null: the consumer does not say where it is and may read from the leader only. */
  readonly clientRack: string | null;
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
  /** What is larger is read when it is sent. */
  readonly atOnceBytes: number;
  /** What is to be read was waited for already, or need not be. */
  readonly isWarm?: boolean;
}

/** Where a consumer of this isolation must stop. */
export function readableUpTo(log: PartitionLog, isolation: Isolation): number {
  return isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark;
}

/** The partition a consumer may read here, or the error it gets. */
export function readablePartition(
  want: FetchPartition,
  clientRack: string | null,
  context: ReadContext,
): { readonly partition: Partition; readonly log: PartitionLog } | ErrorCode {
  const partition = context.hosted.lookup(want.topic, want.partition);
  if (isError(partition)) return partition;
  const isById = want.topicId !== ZERO_UUID;
  if (isById && partition.topicId !== null && want.topicId !== partition.topicId) {
    return ErrorCode.INCONSISTENT_TOPIC_ID;
  }
  const error = partition.checkLeaderEpoch(want.currentLeaderEpoch, clientRack === null);
  if (error !== ErrorCode.NONE) return error;
  return partition.log === null ? ErrorCode.NOT_LEADER_OR_FOLLOWER : { partition, log: partition.log };
}

/** Reads what there is now; a promise where the disk should be waited for first, without keeping others waiting. */
export function readPartition(
  want: FetchPartition,
  limits: ReadLimits & { readonly isWarm: true },
  context: ReadContext,
): FetchOutcome;
export function readPartition(
  want: FetchPartition,
  limits: ReadLimits,
  context: ReadContext,
): FetchOutcome | Promise<void>;
export function readPartition(
  want: FetchPartition,
  limits: ReadLimits,
  context: ReadContext,
): FetchOutcome | Promise<void> {
  const readable = readablePartition(want, limits.clientRack, context);
  if (isError(readable)) return failedFetch(want, readable, context);
  const { partition, log } = readable;
  const outcome = emptyFetch(want);
  outcome.highWatermark = log.highWatermark;
  outcome.lastStableOffset = log.lastStableOffset;
  outcome.logStartOffset = log.startOffset;
  if (context.rackAware) {
    const consumer = { rack: limits.clientRack, fetchOffset: want.fetchOffset };
    const preferred = preferredReadReplica(partition, consumer, context);
    if (preferred !== null) {
      outcome.preferredReadReplica = preferred;
      return outcome;
    }
  }
  const verdict = judgePosition(
    {
      startOffset: log.startOffset,
      endOffset: log.endOffset,
      endOffsetFor: (epoch) => log.epochs.endOffsetFor(epoch, log.endOffset),
    },
    { offset: want.fetchOffset, lastEpoch: want.lastFetchedEpoch },
  );
  if (verdict.kind === 'out-of-range') return failedFetch(want, ErrorCode.OFFSET_OUT_OF_RANGE, context);
  if (verdict.kind === 'diverging') {
    outcome.divergingEpoch = verdict.leaderEnd;
    return outcome;
  }
  try {
    return readRecords(outcome, limits, { log, memory: context.answerMemory });
  } catch (error) {
    return failedFetch(want, context.failureOf(want, error), context);
  }
}

/** An outcome that carries an error and nothing else. */
function failedFetch(want: FetchPartition, error: ErrorCode, context: ReadContext): FetchOutcome {
  const tellsLeader = error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.FENCED_LEADER_EPOCH;
  const outcome = emptyFetch(want);
  outcome.error = error;
  if (tellsLeader) outcome.currentLeader = context.hosted.currentLeader(want.topic, want.partition);
  return outcome;
}

/** Puts them into the outcome. */
function readRecords(
  outcome: OpenOutcome,
  limits: ReadLimits,
  { log, memory }: { readonly log: PartitionLog; readonly memory: AnswerMemory },
): FetchOutcome | Promise<void> {
  const { wanted } = outcome;
  const { fetchOffset } = wanted;
  const upToOffset = readableUpTo(log, limits.isolation);
  const isCommitted = limits.isolation === 'read_committed';
  if (fetchOffset >= upToOffset) {
    outcome.abortedTransactions = isCommitted ? [] : null;
    return outcome;
  }
  const { minOneBatch, atOnceBytes } = limits;
  const maxBytes = Math.min(wanted.maxBytes, limits.maxBytes);
  const warmed = limits.isWarm === true ? null : log.warm(fetchOffset, Math.min(maxBytes, atOnceBytes));
  if (warmed !== null) return warmed;
  const read = log.readToSend({ offset: fetchOffset, maxBytes, upToOffset, minOneBatch }, atOnceBytes);
  if (isError(read)) {
    outcome.error = read;
    return outcome;
  }
  // What is read late is counted when it is.
  const claim = memory.claim(read.bytes instanceof LateBytes ? 0 : read.bytes.length);
  outcome.records = read.bytes;
  outcome.release = () => {
    claim.end();
    read.release();
  };
  outcome.giveBack = read.release;
  outcome.claim = claim;
  outcome.isFull = read.bytes.length > 0 && read.nextOffset < upToOffset;
  if (isCommitted) outcome.abortedTransactions = log.abortedTransactions(fetchOffset, read.nextOffset);
  return outcome;
}

/** Until it is given away: there may be hundreds of thousands in a fetch, so that each is one object. */
type OpenOutcome = { -readonly [Field in keyof FetchOutcome]: FetchOutcome[Field] };

/** Of a partition that was not read. */
export const NOTHING_FETCHED: Omit<FetchOutcome, 'wanted'> = {
  error: ErrorCode.NONE,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  records: Buffer.alloc(0),
  release: () => {},
  giveBack: () => {},
  claim: NO_CLAIM,
  abortedTransactions: null,
  divergingEpoch: null,
  preferredReadReplica: -1,
  currentLeader: null,
  isFull: false,
};

function emptyFetch(wanted: FetchPartition): OpenOutcome {
  return { ...NOTHING_FETCHED, wanted };
}
