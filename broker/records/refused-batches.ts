/** What a producer is told of batches that are not appended. */
import { ErrorCode } from '../errors.ts';
import type { RecordError } from './validate-records.ts';

/** Nothing is to be appended; `recordErrors` names the guilty records where they are known. */
export interface RefusedBatches {
  readonly ok: false;
  readonly error: ErrorCode;
  readonly message: string;
  readonly recordErrors: readonly RecordError[];
}

export function refuseRecords(recordErrors: readonly RecordError[]): RefusedBatches {
  const invalidTimestamp = recordErrors.some(({ error }) => error === ErrorCode.INVALID_TIMESTAMP);
  const message = invalidTimestamp
    ? 'One or more records have been rejected due to invalid timestamp'
    : `One or more records have been rejected due to ${recordErrors.length} record errors in total`;
  return {
    ok: false,
    error: invalidTimestamp ? ErrorCode.INVALID_TIMESTAMP : ErrorCode.INVALID_RECORD,
    message,
    recordErrors,
  };
}

export function invalid(message: string): RefusedBatches {
  return refuse(ErrorCode.INVALID_RECORD, message);
}

export function refuse(error: ErrorCode, message: string): RefusedBatches {
  return { ok: false, error, message, recordErrors: [] };
}
