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
import type { BrokerId, Uuid } from '../../types.ts';
import type { ReplicationMetadata } from '../collaborators.ts';
import type { CurrentLeader, HostedPartitions } from '../hosted-partitions.ts';
import type { Partition } from '../partition.ts';
import { judgePosition } from '../truncation.ts';
import { type AnswerClaim, type AnswerMemory, NO_CLAIM } from './answer-memory.ts';
import { preferredReadReplica } from './preferred-replica.ts';

export type Isolation = 'read_uncommitted' | 'read_committed';

export interface FetchPartition {
  readonly topic: string;
  readonly topicId?: Uuid;
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
  readonly topic: string;
  readonly topicId: Uuid | null;
  readonly partition: number;
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

const NO_RECORDS = Buffer.alloc(0);
const NOTHING_TO_RELEASE = (): void => {};

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
  if (want.topicId !== undefined && partition.topicId !== null && want.topicId !== partition.topicId) {
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
  const base = { ...emptyFetch(want), ...marksOf(log), topicId: want.topicId ?? log.topicId };
  if (context.rackAware) {
    const consumer = { rack: limits.clientRack, fetchOffset: want.fetchOffset };
    const preferred = preferredReadReplica(partition, consumer, context);
    if (preferred !== null) return { ...base, preferredReadReplica: preferred };
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
  if (verdict.kind === 'diverging') return { ...base, divergingEpoch: verdict.leaderEnd };
  try {
    return readRecords(want, limits, { log, base, memory: context.answerMemory });
  } catch (error) {
    return failedFetch(want, context.failureOf(want, error), context);
  }
}

/** An outcome that carries an error and nothing else. */
function failedFetch(want: FetchPartition, error: ErrorCode, context: ReadContext): FetchOutcome {
  const tellsLeader = error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.FENCED_LEADER_EPOCH;
  const currentLeader = tellsLeader ? context.hosted.currentLeader(want.topic, want.partition) : null;
  return { ...emptyFetch(want), error, currentLeader };
}

function readRecords(
  want: FetchPartition,
  limits: ReadLimits,
  { log, base, memory }: { log: PartitionLog; base: FetchOutcome; memory: AnswerMemory },
): FetchOutcome | Promise<void> {
  const upToOffset = readableUpTo(log, limits.isolation);
  const isCommitted = limits.isolation === 'read_committed';
  const abortedTransactions = isCommitted ? [] : null;
  if (want.fetchOffset >= upToOffset) return { ...base, abortedTransactions };
  const { minOneBatch, atOnceBytes } = limits;
  const maxBytes = Math.min(want.maxBytes, limits.maxBytes);
  const warmed = limits.isWarm === true ? null : log.warm(want.fetchOffset, Math.min(maxBytes, atOnceBytes));
  if (warmed !== null) return warmed;
  const range = { offset: want.fetchOffset, maxBytes, upToOffset, minOneBatch };
  const read = log.readToSend(range, atOnceBytes);
  if (isError(read)) return { ...base, error: read };
  // What is read late is counted when it is.
  const claim = memory.claim(read.bytes instanceof LateBytes ? 0 : read.bytes.length);
  return {
    ...base,
    records: read.bytes,
    release() {
      claim.end();
      read.release();
    },
    giveBack: read.release,
    claim,
    isFull: read.bytes.length > 0 && read.nextOffset < upToOffset,
    abortedTransactions: isCommitted
      ? log.abortedTransactions(want.fetchOffset, read.nextOffset)
      : abortedTransactions,
  };
}

function emptyFetch(want: FetchPartition): FetchOutcome {
  return {
    topic: want.topic,
    topicId: want.topicId ?? null,
    partition: want.partition,
    error: ErrorCode.NONE,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    records: NO_RECORDS,
    release: NOTHING_TO_RELEASE,
    giveBack: NOTHING_TO_RELEASE,
    claim: NO_CLAIM,
    abortedTransactions: null,
    divergingEpoch: null,
    preferredReadReplica: -1,
    currentLeader: null,
    isFull: false,
  };
}

function marksOf(log: PartitionLog) {
  return {
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.startOffset,
  };
}
