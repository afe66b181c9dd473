/**
 * What produced batches become before they are appended: they stay as they are where the rules allow, with
 * the timestamps that the topic wants, and are written anew under another codec, with offsets in order, or
 * in the format that our logs hold. Source: Kafka's LogValidator.
 */
import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import {
  BATCH_HEADER_BYTES,
  batchBaseSequence,
  batchCodec,
  batchIsControl,
  batchIsLogAppendTime,
  batchLastOffsetDelta,
  batchMagic,
  batchMaxTimestampMs,
  batchProducerId,
  batchRecordCount,
  batchSizeBytes,
  type Codec,
  NO_PRODUCER_ID,
  setBatchMaxTimestamp,
} from './batch.ts';
import type { Decompress } from './compression.ts';
import { upConvert } from './convert.ts';
import { DecompressionAllowance, REPACKING, TAKING_APART } from './decompression-allowance.ts';
import type { ProduceContext, RecordRules } from './produce-context.ts';
import { rebuildBatch, repackBatch } from './rebuild.ts';
import { invalid, type RefusedBatches, refuse, refuseRecords } from './refused-batches.ts';
import { checkRecords } from './validate-records.ts';

/** The bytes to append: the given ones, stamped in place, or rebuilt ones. */
export function transform(
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
    let part: Buffer | RefusedBatches;
    try {
      part = transformBatch(whole, at, context);
    } finally {
      context.decompression?.doneWithReused();
    }
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
  const records = buffer.subarray(at + BATCH_HEADER_BYTES, at + batchSizeBytes(buffer, at));
  if (origin !== 'client') {
    if (target !== source) {
      const plain = source === 'none' ? records : decompression.decompressAgain(source, records);
      return rebuildBatch(buffer, at, { codec: target, config, nowMs, plain });
    }
    return withTimestamps(buffer, at, context, batchMaxTimestampMs(buffer, at));
  }
  const refusal = checkBatch(buffer, at, decompression);
  if (refusal !== null) return refusal;
  if (source !== 'none') decompression.takeRecords(batchRecordCount(buffer, at));
  let plain = records;
  const decompress: Decompress = (codec, data) => {
    plain = decompression.decompressToReusedBuffer(codec, data);
    return plain;
  };
  const checked = checkRecords(buffer, at, { config, nowMs, decompress });
  if (checked.errors.length > 0) return refuseRecords(checked.errors);
  const { offsetsInOrder, beginsAtBase, maxTimestampMs } = checked;
  // Where it would have to compress anew for the offsets alone, Kafka fails.
  if (!offsetsInOrder && source !== 'none' && target === source) {
    return refuse(ErrorCode.UNKNOWN_SERVER_ERROR, 'The offsets inside a compressed batch are not 0, 1, 2, …');
  }
  if (offsetsInOrder && target === source) return withTimestamps(buffer, at, context, maxTimestampMs);
  const rebuild = { codec: target, config, nowMs, plain };
  if (offsetsInOrder && beginsAtBase && !batchIsLogAppendTime(buffer, at)) {
    decompression.takeTurn(plain.length * REPACKING);
    return repackBatch(buffer, at, { ...rebuild, maxTimestampMs });
  }
  decompression.takeTurn(plain.length * TAKING_APART);
  return rebuildBatch(buffer, at, rebuild);
}

/** The batch as it is, with the type of timestamps that its topic has. */
function withTimestamps(
  buffer: Buffer,
  at: number,
  { config, nowMs }: ProduceContext,
  maxTimestampMs: Int64,
): Buffer {
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
  const sizeBytes = positions.reduce((sum, at) => sum + batchSizeBytes(buffer, at), 0);
  decompression.takeTurn(sizeBytes * TAKING_APART);
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
