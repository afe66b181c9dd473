/** How a failed write to `__consumer_offsets` is told to clients. Source: Kafka's GroupMetadataManager. */
import { ErrorCode } from '../../errors.ts';
import { coordinatorErrorFor } from '../runtime/append-errors.ts';

/** Of committed offsets. */
export function commitErrorFor(appendError: ErrorCode): ErrorCode {
  return coordinatorErrorFor(appendError, {
    timedOut: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    tooLarge: ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
  });
}

/**
 * Of offsets committed within a transaction, which its coordinator did not confirm. Old clients don't know
 * NETWORK_EXCEPTION here; this one they try again, without looking for the coordinator.
 */
export function verificationErrorFor(error: ErrorCode): ErrorCode {
  return error === ErrorCode.NETWORK_EXCEPTION
    ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    : commitErrorFor(error);
}

/** Of a group's members and assignments. */
export function groupErrorFor(appendError: ErrorCode): ErrorCode {
  return coordinatorErrorFor(appendError, {
    timedOut: ErrorCode.REBALANCE_IN_PROGRESS,
    tooLarge: ErrorCode.UNKNOWN_SERVER_ERROR,
  });
}
