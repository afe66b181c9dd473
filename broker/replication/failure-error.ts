/** What a request for a partition is answered with when its log throws; said to the operator, too. */
import { ErrorCode } from '../errors.ts';
import { StorageError } from '../log/files/storage-error.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import { CorruptBatch } from '../records/batch.ts';

export function failureError(
  { topic, partition }: { readonly topic: string; readonly partition: number },
  error: unknown,
  diagnostics: Diagnostics,
): ErrorCode {
  if (error instanceof StorageError) {
    diagnostics.error(`The storage of ${topic}-${partition} failed`, error);
    return ErrorCode.KAFKA_STORAGE_ERROR;
  }
  diagnostics.error(`A request for ${topic}-${partition} failed`, error);
  return error instanceof CorruptBatch ? ErrorCode.CORRUPT_MESSAGE : ErrorCode.UNKNOWN_SERVER_ERROR;
}
