/** How a failed write to `__consumer_offsets` is told to clients. Source: Kafka's GroupMetadataManager. */
import { ErrorCode } from '../../errors.ts';

/** Of committed offsets. */
export function commitErrorFor(appendError: ErrorCode): ErrorCode {
  return errorFor(appendError, {
    timedOut: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    tooLarge: ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
  });
}

/** Of a group's members and assignments. */
export function groupErrorFor(appendError: ErrorCode): ErrorCode {
  return errorFor(appendError, {
    timedOut: ErrorCode.REBALANCE_IN_PROGRESS,
    tooLarge: ErrorCode.UNKNOWN_SERVER_ERROR,
  });
}

/** What differs by what was written is given. */
function errorFor(
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
