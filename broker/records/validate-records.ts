/**
 * The checks of single records: keys where the topic is compacted, timestamps where it bounds them.
 * All bad ones are named in the answer, up to a number that keeps it an answer. Source: KIP-467; Kafka's LogValidator.
 */

import { ErrorCode } from '../errors.ts';
import { type Int64, int64Difference, int64Sum, toSafeInteger } from '../int64.ts';
import { batchBaseTimestampMs, batchIsLogAppendTime, batchMaxTimestampMs, NO_TIMESTAMP } from './batch.ts';
import type { Decompress } from './compression.ts';
import { walkRecords } from './record.ts';

export interface RecordError {
  /** Which record of the batch, from 0. */
  readonly batchIndex: number;
  readonly error: ErrorCode;
  readonly message: string;
}

interface CheckedRecords {
  readonly errors: readonly RecordError[];
  readonly maxTimestampMs: Int64;
  /** Whether the offsets are 0, 1, 2, … from the base offset. */
  readonly offsetsInOrder: boolean;
  /** Whether the base timestamp is that of the first record. */
  readonly beginsAtBase: boolean;
}

interface RecordChecks {
  readonly config: {
    readonly cleanupPolicy: { readonly compact: boolean };
    readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
    readonly messageTimestampBeforeMaxMs: Int64;
    readonly messageTimestampAfterMaxMs: Int64;
  };
  readonly nowMs: number;
  /** What comes of it need not outlive the next decompression. */
  readonly decompress: Decompress;
}

/** After so many the producer has understood. */
const MAX_RECORD_ERRORS = 10_000;

export function checkRecords(buffer: Buffer, at: number, checks: RecordChecks): CheckedRecords {
  const errors: RecordError[] = [];
  const typedByClient = batchIsLogAppendTime(buffer, at);
  const batchTimeMs = batchMaxTimestampMs(buffer, at);
  const baseTimestampMs = batchBaseTimestampMs(buffer, at);
  const keyNeeded = checks.config.cleanupPolicy.compact;
  let maxTimestampMs: Int64 = NO_TIMESTAMP;
  let offsetsInOrder = true;
  let firstDeltaMs: Int64 = 0;
  const usual = usualTimestamps(checks);
  walkRecords(buffer, at, checks.decompress, (record) => {
    const timestampMs = typedByClient ? batchTimeMs : int64Sum(baseTimestampMs, record.timestampDeltaMs);
    if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs;
    if (record.offsetDelta !== record.index) offsetsInOrder = false;
    if (record.index === 0) firstDeltaMs = record.timestampDeltaMs;
    if (errors.length >= MAX_RECORD_ERRORS) return undefined;
    if (keyNeeded && !record.hasKey) {
      errors.push({
        batchIndex: record.index,
        error: ErrorCode.INVALID_RECORD,
        message: 'Compacted topic cannot accept message without key.',
      });
      return undefined;
    }
    if (!typedByClient && timestampMs >= usual.fromMs && timestampMs <= usual.toMs) return undefined;
    const problem = timestampProblem(timestampMs, typedByClient, checks);
    if (problem !== null) {
      errors.push({ batchIndex: record.index, error: ErrorCode.INVALID_TIMESTAMP, message: problem });
    }
    return undefined;
  });
  return { errors, maxTimestampMs, offsetsInOrder, beginsAtBase: firstDeltaMs === 0 };
}

/**
 * The timestamps that need no second look: plain numbers between the bounds, which for millions of
 * records are found out once. Without a match {@link timestampProblem} decides, exactly.
 */
function usualTimestamps({ config, nowMs }: RecordChecks): { fromMs: number; toMs: number } {
  return {
    fromMs: nowMs - toSafeInteger(config.messageTimestampBeforeMaxMs),
    toMs: Math.min(nowMs + toSafeInteger(config.messageTimestampAfterMaxMs), Number.MAX_SAFE_INTEGER),
  };
}

function timestampProblem(
  timestampMs: Int64,
  typedByClient: boolean,
  { config, nowMs }: RecordChecks,
): string | null {
  if (config.messageTimestampType === 'LogAppendTime' || timestampMs === NO_TIMESTAMP) {
    return typedByClient ? 'A producer must not set the timestamp type to LogAppendTime' : null;
  }
  if (
    int64Difference(nowMs, timestampMs) <= config.messageTimestampBeforeMaxMs &&
    int64Difference(timestampMs, nowMs) <= config.messageTimestampAfterMaxMs
  ) {
    return null;
  }
  const earliestMs = int64Difference(nowMs, config.messageTimestampBeforeMaxMs);
  const latestMs = int64Sum(nowMs, config.messageTimestampAfterMaxMs);
  return `Timestamp ${timestampMs} is out of range: it should be within [${earliestMs}, ${latestMs}]`;
}
