/**
 * What a leader checks of produced bytes before it appends them, and what it changes in them. The
 * client's batch stays as it is wherever the rules allow, but every compressed one is decompressed: what
 * nobody can decompress, or whose records don't add up, would stop each of its readers for good. Offsets and
 * leader epoch are stamped by the log, which knows them.
 * Source: Kafka's ProduceRequest.validateRecords, UnifiedLog.analyzeAndValidateRecords, LogValidator.
 */

import { ErrorCode } from '../errors.ts';
import { greaterInt64, type Int64 } from '../int64.ts';
import {
  batchBaseOffset,
  batchCodec,
  batchCrcIsValid,
  batchLastOffsetDelta,
  batchMagic,
  batchMaxTimestampMs,
  batchSizeBytes,
  CorruptBatch,
  completeBatches,
  DecompressedTooLarge,
  DecompressionFailed,
  InvalidRecord,
  setBatchBaseOffset,
  setBatchLeaderEpoch,
  TooManyRecords,
} from './batch.ts';
import type { ProduceContext } from './produce-context.ts';
import { invalid, type RefusedBatches, refuse } from './refused-batches.ts';
import { transform } from './transform.ts';

/** The offsets are for whoever appends them to set. */
export interface ValidBatches {
  readonly ok: true;
  /** What is to be appended: a view of the given bytes, or new ones. */
  readonly bytes: Buffer;
  /** Where the batches begin in `bytes`. */
  readonly positions: readonly number[];
  /** How many offsets they take up. */
  readonly offsetCount: number;
  readonly maxTimestampMs: Int64;
  /** The time that the records were given, -1 when they keep their own. */
  readonly logAppendTimeMs: number;
}

export function validateProduced(buffer: Buffer, context: ProduceContext): ValidBatches | RefusedBatches {
  try {
    const positions = [...completeBatches(buffer)];
    const refusal = checkRequest(buffer, positions, context) ?? checkFraming(buffer, positions, context);
    if (refusal !== null) return refusal;
    const outcome = transform(buffer, positions, context);
    if (!Buffer.isBuffer(outcome)) return outcome;
    return (
      describe(outcome, context) ?? refuse(ErrorCode.MESSAGE_TOO_LARGE, tooLarge(outcome.length, context))
    );
  } catch (error) {
    return refuseBroken(error);
  }
}

/** Gives consecutive batches their offsets from `firstOffset` on, and the epoch of their leader. */
export function stampBatches(
  valid: ValidBatches,
  stamp: { readonly firstOffset: number; readonly leaderEpoch: number },
): void {
  let offset = stamp.firstOffset;
  for (const at of valid.positions) {
    setBatchBaseOffset(valid.bytes, at, offset);
    setBatchLeaderEpoch(valid.bytes, at, stamp.leaderEpoch);
    offset += batchLastOffsetDelta(valid.bytes, at) + 1;
  }
}

/** What the version of the request allows. */
function checkRequest(
  buffer: Buffer,
  positions: readonly number[],
  { origin, apiVersion }: ProduceContext,
): RefusedBatches | null {
  if (origin !== 'client') return null;
  const [first] = positions;
  // Kafka does not mind batches of magic 2 in requests that are older than they, but for their number.
  if (apiVersion < 3) {
    const alone = positions.length === 1 || positions.every((at) => batchMagic(buffer, at) < 2);
    return alone ? null : invalid('A record batch must be the only one of its partition');
  }
  if (first === undefined) return invalid(`Produce v${apiVersion} must carry one record batch per partition`);
  if (positions.length > 1)
    return invalid(`Produce v${apiVersion} must carry exactly one record batch per partition`);
  if (batchMagic(buffer, first) !== 2)
    return invalid(`Produce v${apiVersion} must carry record batches of magic 2`);
  if (apiVersion < 7 && batchCodec(buffer, first) === 'zstd') {
    return refuse(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `Produce v${apiVersion} can't carry zstd`);
  }
  return null;
}

/** Sizes and checksums, of every batch. */
function checkFraming(
  buffer: Buffer,
  positions: readonly number[],
  context: ProduceContext,
): RefusedBatches | null {
  let totalBytes = 0;
  for (const at of positions) {
    const sizeBytes = batchSizeBytes(buffer, at);
    totalBytes += sizeBytes;
    if (context.origin === 'client' && batchMagic(buffer, at) >= 2 && batchBaseOffset(buffer, at) !== 0) {
      return invalid(`A produced batch must begin with offset 0, not ${batchBaseOffset(buffer, at)}`);
    }
    if (sizeBytes > context.config.maxMessageBytes) {
      return refuse(ErrorCode.MESSAGE_TOO_LARGE, tooLarge(sizeBytes, context));
    }
    if (!batchCrcIsValid(buffer, at)) {
      return refuse(ErrorCode.CORRUPT_MESSAGE, 'The checksum of a batch does not match its bytes');
    }
  }
  if (totalBytes > context.config.segmentBytes) {
    return refuse(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `${totalBytes} bytes at once are more than a segment of ${context.config.segmentBytes} bytes holds`,
    );
  }
  return null;
}

/** null when a batch has become too large by rebuilding it. */
function describe(bytes: Buffer, context: ProduceContext): ValidBatches | null {
  const { config, nowMs } = context;
  const positions = [...completeBatches(bytes)];
  let offsetCount = 0;
  let maxTimestampMs: Int64 = -1;
  for (const at of positions) {
    if (batchSizeBytes(bytes, at) > config.maxMessageBytes) return null;
    offsetCount += batchLastOffsetDelta(bytes, at) + 1;
    maxTimestampMs = greaterInt64(maxTimestampMs, batchMaxTimestampMs(bytes, at));
  }
  const logAppendTimeMs = config.messageTimestampType === 'LogAppendTime' ? nowMs : -1;
  return { ok: true, bytes, positions, offsetCount, maxTimestampMs, logAppendTimeMs };
}

function refuseBroken(error: unknown): RefusedBatches {
  if (error instanceof InvalidRecord) return invalid(error.message);
  if (error instanceof DecompressedTooLarge || error instanceof TooManyRecords)
    return refuse(ErrorCode.MESSAGE_TOO_LARGE, error.message);
  // Kafka has no name for it; with CORRUPT_MESSAGE the producer would send it again and again.
  if (error instanceof DecompressionFailed) return refuse(ErrorCode.UNKNOWN_SERVER_ERROR, error.message);
  if (error instanceof CorruptBatch) return refuse(ErrorCode.CORRUPT_MESSAGE, error.message);
  throw error;
}

function tooLarge(sizeBytes: number, { config }: ProduceContext): string {
  return `A batch of ${sizeBytes} bytes is larger than the allowed ${config.maxMessageBytes} bytes`;
}
