/** The records that a Produce request has for one partition, and what is known of them on their way to the log. */
import type { ErrorCode } from '../../errors.ts';
import type { Verification } from '../../log/append.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { RefusedBatches } from '../../records/refused-batches.ts';
import type { ValidBatches } from '../../records/validate.ts';

export interface AppendEntry {
  readonly topic: string;
  readonly partition: number;
  readonly records: Buffer;
  /** With records of a transaction, where it must be confirmed before it begins here (verified-append.ts). */
  readonly verification?: Verification;
  /** What came of the check of the records, where that has been done (prepared-append.ts). */
  readonly prepared?: PreparedRecords;
  /** The records are in memory of their own, and not in the buffer of their request. */
  readonly isKept?: boolean;
  /** Why these records may not be appended. */
  readonly refusal?: { readonly error: ErrorCode; readonly message: string | null };
}

/** What came of the check, for that log and no other. */
export interface PreparedRecords {
  readonly log: PartitionLog;
  readonly outcome: ValidBatches | RefusedBatches;
}
