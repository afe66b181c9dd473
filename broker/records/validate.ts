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
  batchBaseSequence,
  batchCodec,
  batchCrcIsValid,
  batchIsControl,
  batchLastOffsetDelta,
  batchMagic,
  batchMaxTimestampMs,
  batchProducerId,
  batchRecordCount,
  batchSizeBytes,
  type Codec,
  CorruptBatch,
  completeBatches,
  DecompressedTooLarge,
  DecompressionFailed,
  InvalidRecord,
  NO_PRODUCER_ID,
  setBatchBaseOffset,
  setBatchLeaderEpoch,
  setBatchMaxTimestamp,
  TooManyRecords,
} from './batch.ts';
import { upConvert } from './convert.ts';
import { DecompressionAllowance } from './decompression-allowance.ts';
import { rebuildBatch } from './rebuild.ts';
import { checkRecords, type RecordError } from './validate-records.ts';

/** The settings of a topic that matter here, under the names that its log's configuration has. */
export interface RecordRules {
  readonly maxMessageBytes: number;
  readonly segmentBytes: number;
  readonly cleanupPolicy: { readonly compact: boolean };
  readonly compressionType: 'producer' | 'uncompressed' | Codec;
  /** For the codec that `compressionType` names; its default when missing. */
  readonly compressionLevel?: number | undefined;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  readonly messageTimestampBeforeMaxMs: Int64;
  readonly messageTimestampAfterMaxMs: Int64;
}

export interface ProduceContext {
  readonly config: RecordRules;
  /** Of the Produce request; ignored for other origins. */
  readonly apiVersion: number;
  readonly nowMs: number;
  /** `coordinator`: batches of our own making, whose records are not checked. */
  readonly origin: 'client' | 'coordinator';
  /** What the request may still have decompressed; the limits of a single one when missing. */
  readonly decompression?: DecompressionAllowance | undefined;
}

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

/** Nothing is to be appended; `recordErrors` names the guilty records where they are known. */
interface RefusedBatches {
  readonly ok: false;
  readonly error: ErrorCode;
  readonly message: string;
  readonly recordErrors: readonly RecordError[];
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

/** The bytes to append: the given ones, stamped in place, or rebuilt ones. */
function transform(
  buffer: Buffer,
  positions: readonly number[],
  context: ProduceContext,
): Buffer | RefusedBatches {
  const first = positions[0];
  if (first === undefined) return buffer.subarray(0, 0);
  if (positions.some((at) => batchMagic(buffer, at) !== batchMagic(buffer, first))) {
    return invalid('Batches of different formats in one request');
  }
  if (batchMagic(buffer, first) < 2) return transformLegacy(buffer, positions, context);
  const last = positions.at(-1) ?? first;
  const whole = buffer.subarray(0, last + batchSizeBytes(buffer, last));
  const parts: Buffer[] = [];
  let rebuilt = false;
  for (const at of positions) {
    const part = transformBatch(whole, at, context);
    if (!Buffer.isBuffer(part)) return part;
    rebuilt ||= part.buffer !== whole.buffer || part.byteOffset !== whole.byteOffset + at;
    parts.push(part);
  }
  return rebuilt ? Buffer.concat(parts) : whole;
}

function transformBatch(buffer: Buffer, at: number, context: ProduceContext): Buffer | RefusedBatches {
  const { config, origin, nowMs, decompression = new DecompressionAllowance() } = context;
  const source = batchCodec(buffer, at);
  // Markers stay as small as they are, whatever the topic's compression.type.
  const target = batchIsControl(buffer, at) ? source : targetCodec(source, config);
  let maxTimestampMs = batchMaxTimestampMs(buffer, at);
  let rebuild = target !== source;
  if (origin === 'client') {
    const refusal = checkBatch(buffer, at, decompression);
    if (refusal !== null) return refusal;
    if (source !== 'none') decompression.takeRecords(batchRecordCount(buffer, at));
    const checked = checkRecords(buffer, at, {
      config,
      nowMs,
      decompress: decompression.decompressToReusedBuffer,
    });
    if (checked.errors.length > 0) return refuseRecords(checked.errors);
    maxTimestampMs = checked.maxTimestampMs;
    if (!checked.offsetsInOrder) {
      // Where it would have to compress anew for this reason alone, Kafka fails.
      if (source !== 'none' && !rebuild)
        return refuse(
          ErrorCode.UNKNOWN_SERVER_ERROR,
          'The offsets inside a compressed batch are not 0, 1, 2, …',
        );
      rebuild = true;
    }
  }
  if (rebuild)
    return rebuildBatch(buffer, at, {
      codec: target,
      config,
      nowMs,
      decompress: decompression.decompressAgain,
    });
  const appendTime = config.messageTimestampType === 'LogAppendTime';
  setBatchMaxTimestamp(buffer, at, config.messageTimestampType, appendTime ? nowMs : maxTimestampMs);
  return buffer.subarray(at, at + batchSizeBytes(buffer, at));
}

/** Messages of magic 0 and 1, which our logs don't hold: all become batches of magic 2. */
function transformLegacy(
  buffer: Buffer,
  positions: readonly number[],
  context: ProduceContext,
): Buffer | RefusedBatches {
  const { config, nowMs, decompression = new DecompressionAllowance() } = context;
  const converted = upConvert(buffer, positions, {
    decompression,
    codecOf: (source) => targetCodec(source, config),
    compressionLevel: config.compressionLevel,
  });
  if ('problem' in converted) return invalid(converted.problem);
  const checked = checkRecords(converted.batch, 0, {
    config,
    nowMs,
    decompress: decompression.decompressAgain,
  });
  if (checked.errors.length > 0) return refuseRecords(checked.errors);
  const appendTime = config.messageTimestampType === 'LogAppendTime';
  setBatchMaxTimestamp(
    converted.batch,
    0,
    config.messageTimestampType,
    appendTime ? nowMs : checked.maxTimestampMs,
  );
  return converted.batch;
}

/** What every batch of a client must say of itself. */
function checkBatch(
  buffer: Buffer,
  at: number,
  { batchRecords }: DecompressionAllowance,
): RefusedBatches | null {
  const offsets = batchLastOffsetDelta(buffer, at) + 1;
  const records = batchRecordCount(buffer, at);
  if (offsets <= 0 || records <= 0 || offsets !== records) {
    return invalid(`A batch spans ${offsets} offsets but announces ${records} records`);
  }
  // One of a megabyte can hold twenty million, which whoever compacts or converts it could not take
  // apart again without gigabytes of memory.
  if (records > batchRecords && batchCodec(buffer, at) !== 'none') {
    const message = `${records} records are more than the ${batchRecords} of a compressed batch`;
    return refuse(ErrorCode.MESSAGE_TOO_LARGE, message);
  }
  if (batchIsControl(buffer, at)) return invalid('Clients are not allowed to write control batches');
  if (batchProducerId(buffer, at) > NO_PRODUCER_ID && batchBaseSequence(buffer, at) < 0) {
    return invalid(
      `A batch of producer ${batchProducerId(buffer, at)} has the sequence ${batchBaseSequence(buffer, at)}`,
    );
  }
  return null;
}

function targetCodec(source: Codec, config: RecordRules): Codec {
  if (config.compressionType === 'producer') return source;
  return config.compressionType === 'uncompressed' ? 'none' : config.compressionType;
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

function refuseRecords(recordErrors: readonly RecordError[]): RefusedBatches {
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

function invalid(message: string): RefusedBatches {
  return refuse(ErrorCode.INVALID_RECORD, message);
}

function refuse(error: ErrorCode, message: string): RefusedBatches {
  return { ok: false, error, message, recordErrors: [] };
}
