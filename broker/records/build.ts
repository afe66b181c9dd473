/**
 * Makes batches of magic 2: for coordinators, for batches that must be written anew (another codec,
 * an old format, compaction), and for tests. Source: KIP-98; Kafka's MemoryRecordsBuilder.
 */
import { greaterInt64, type Int64, int64Difference, writeInt64 } from '../int64.ts';
import {
  BATCH_HEADER_BYTES,
  CODECS,
  CONTROL_BIT,
  type Codec,
  DELETE_HORIZON_BIT,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  sealBatch,
  TRANSACTIONAL_BIT,
} from './batch.ts';
import { compress } from './compression.ts';
import { varintSizeBytes, writeVarint } from './varint.ts';

export interface RecordInput {
  /** Absolute; without it the offsets follow each other from the base offset. */
  readonly offset?: number;
  readonly timestampMs?: Int64;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly { readonly key: string; readonly value: Buffer | null }[];
}

export interface BatchInput {
  readonly baseOffset?: number;
  readonly leaderEpoch?: number;
  readonly codec?: Codec;
  readonly compressionLevel?: number | undefined;
  readonly timestampType?: 'CreateTime' | 'LogAppendTime';
  /** With LogAppendTime the time of all records; without it the greatest of the records. */
  readonly maxTimestampMs?: Int64;
  /** From when on compaction may drop the tombstones of the batch. */
  readonly deleteHorizonMs?: Int64;
  /** Where it is not that of the last record: compaction keeps what the batch once spanned. */
  readonly lastOffset?: number;
  readonly producerId?: Int64;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  readonly records: readonly RecordInput[];
}

export function buildBatch(input: BatchInput): Buffer {
  const { records, baseOffset = 0, codec = 'none' } = input;
  const baseTimestampMs = input.deleteHorizonMs ?? records[0]?.timestampMs ?? NO_TIMESTAMP;
  const bodySizes = records.map((record, index) =>
    recordBodyBytes(
      record,
      int64Difference(record.timestampMs ?? NO_TIMESTAMP, baseTimestampMs),
      (record.offset ?? baseOffset + index) - baseOffset,
    ),
  );
  const recordsBytes = bodySizes.reduce((sum, size) => sum + varintSizeBytes(size) + size, 0);
  let batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + recordsBytes);
  let to = BATCH_HEADER_BYTES;
  records.forEach((record, index) => {
    to = writeVarint(batch, to, bodySizes[index] ?? 0);
    const timestampDeltaMs = int64Difference(record.timestampMs ?? NO_TIMESTAMP, baseTimestampMs);
    to = writeRecordBody(batch, to, record, {
      timestampDeltaMs,
      offsetDelta: (record.offset ?? baseOffset + index) - baseOffset,
    });
  });
  if (codec !== 'none' && records.length > 0) {
    const packed = compress(codec, batch.subarray(BATCH_HEADER_BYTES), input.compressionLevel);
    batch = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), packed]);
  }
  writeBatchHeader(batch, input, baseTimestampMs);
  return batch;
}

function writeBatchHeader(batch: Buffer, input: BatchInput, baseTimestampMs: Int64): void {
  const { records, baseOffset = 0 } = input;
  const lastOffset = input.lastOffset ?? records.at(-1)?.offset ?? baseOffset + records.length - 1;
  writeInt64(batch, 0, baseOffset);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES, 8);
  batch.writeInt32BE(input.leaderEpoch ?? -1, 12);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(attributesOf(input), 21);
  batch.writeInt32BE(lastOffset - baseOffset, 23);
  writeInt64(batch, 27, baseTimestampMs);
  writeInt64(batch, 35, input.maxTimestampMs ?? greatestTimestampMs(records));
  writeInt64(batch, 43, input.producerId ?? NO_PRODUCER_ID);
  batch.writeInt16BE(input.producerEpoch ?? NO_PRODUCER_EPOCH, 51);
  batch.writeInt32BE(input.baseSequence ?? NO_SEQUENCE, 53);
  batch.writeInt32BE(records.length, 57);
  sealBatch(batch, 0);
}

function attributesOf(input: BatchInput): number {
  return (
    CODECS.indexOf(input.codec ?? 'none') |
    (input.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME_BIT : 0) |
    (input.transactional === true ? TRANSACTIONAL_BIT : 0) |
    (input.control === true ? CONTROL_BIT : 0) |
    (input.deleteHorizonMs === undefined ? 0 : DELETE_HORIZON_BIT)
  );
}

function greatestTimestampMs(records: readonly RecordInput[]): Int64 {
  return records.reduce<Int64>(
    (greatest, { timestampMs = NO_TIMESTAMP }) => greaterInt64(greatest, timestampMs),
    NO_TIMESTAMP,
  );
}

function recordBodyBytes(record: RecordInput, timestampDeltaMs: Int64, offsetDelta: number): number {
  const { headers = [] } = record;
  let sizeBytes = 1 + varintSizeBytes(timestampDeltaMs) + varintSizeBytes(offsetDelta);
  sizeBytes += nullableBytes(record.key) + nullableBytes(record.value) + varintSizeBytes(headers.length);
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    sizeBytes += varintSizeBytes(keyBytes) + keyBytes + nullableBytes(header.value);
  }
  return sizeBytes;
}

function nullableBytes(bytes: Buffer | null | undefined): number {
  return bytes === null || bytes === undefined ? 1 : varintSizeBytes(bytes.length) + bytes.length;
}

function writeRecordBody(
  out: Buffer,
  start: number,
  record: RecordInput,
  deltas: { timestampDeltaMs: Int64; offsetDelta: number },
): number {
  const { headers = [] } = record;
  out[start] = 0; // attributes
  let to = writeVarint(out, start + 1, deltas.timestampDeltaMs);
  to = writeVarint(out, to, deltas.offsetDelta);
  to = writeNullable(out, to, record.key);
  to = writeNullable(out, to, record.value);
  to = writeVarint(out, to, headers.length);
  for (const header of headers) {
    to = writeNullable(out, to, Buffer.from(header.key));
    to = writeNullable(out, to, header.value);
  }
  return to;
}

function writeNullable(out: Buffer, start: number, bytes: Buffer | null | undefined): number {
  if (bytes === null || bytes === undefined) return writeVarint(out, start, -1);
  const to = writeVarint(out, start, bytes.length);
  return to + bytes.copy(out, to);
}
