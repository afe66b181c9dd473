/**
 * How a failed write to a coordinator's topic is told to clients, who know nothing of that topic: look for
 * the coordinator again, or come again.
 * Source: Kafka's GroupMetadataManager, TransactionStateManager.
 */
import { ErrorCode } from '../../errors.ts';

/** What differs by what was written is given. */
export function coordinatorErrorFor(
  appendError: ErrorCode,
  given: { readonly timedOut: ErrorCode; readonly tooLarge: ErrorCode },
): ErrorCode {
  switch (appendError) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.REQUEST_TIMED_OUT:
      return given.timedOut;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return given.tooLarge;
    default:
      return appendError;
  }
}
