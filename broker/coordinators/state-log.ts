/**
 * What a coordinator needs of the replicated log that holds its state: append with acks=all, and read
 * all of it, uncommitted records included, when it takes over. broker.ts builds it from replication.
 */
import { ErrorCode } from '../errors.ts';

export interface StateLog {
  /** Resolves when the batch is replicated to all in-sync replicas, or with the error of the append. */
  append(
    partition: number,
    batch: Buffer,
    options: { leaderEpoch: number; timeoutMs: number },
  ): Promise<{ error: number; baseOffset: number }>;
  /** Whole batches from `offset` on, none at the end of the log; null when this broker has no such log. */
  read(partition: number, offset: number, maxBytes: number): { bytes: Buffer; release(): void } | null;
  /** `max.message.bytes`: a batch that is larger is refused. */
  maxBatchBytes(partition: number): number;
  /** First and next offset of the log; null when this broker has no such log. */
  range(partition: number): { startOffset: number; endOffset: number } | null;
}

/** How a failed append of committed offsets is told to the client. */
export function commitErrorFor(appendError: number): number {
  switch (appendError) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.INVALID_COMMIT_OFFSET_SIZE;
    default:
      return appendError;
  }
}

/** How a failed append of a group's metadata is told to its members. */
export function groupErrorFor(appendError: number): number {
  switch (appendError) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.REBALANCE_IN_PROGRESS;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    default:
      return appendError;
  }
}
