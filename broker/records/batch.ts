/**
 * The header of a record batch (magic 2), read and patched where it lies: every accessor takes the
 * buffer and the position of the batch in it, and nothing is copied. Base offset and leader epoch
 * lie outside the checksum, so setting them needs no new one.
 * Source: KIP-98; Kafka's DefaultRecordBatch and ByteBufferLogInputStream.
 */
import { crc32 } from 'node:zlib';
import { type Int64, readInt64, readSafeInt64, writeInt64 } from '../int64.ts';
import { crc32c } from './crc32c.ts';

/** Base offset and length: what precedes every batch or legacy message. */
export const LOG_OVERHEAD_BYTES = 12;
/** Of magic 2, from the base offset up to the first record. */
export const BATCH_HEADER_BYTES = 61;

export const NO_TIMESTAMP = -1;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;

/** How the records of a batch are compressed, in the order of their numbers on the wire. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;
/** The others are passed on as they came, but not written anew. */
const KNOWN_ATTRIBUTES = 0x7f;

/** Where the fields lie, counted from the start of the batch. */
const LENGTH_AT = 8;
const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const RECORD_COUNT_AT = 57;

/** Up to here the magic byte, which tells how to read the rest, is known to be there. */
const UP_TO_MAGIC_BYTES = 17;
/** Least length field of a legacy message. */
const SMALLEST_LEGACY_LENGTH = 14;
/** In messages of magic 0 and 1 the checksum and all that it covers lie elsewhere. */
const LEGACY_CRC_AT = 12;

/** Bytes that are no batch: a bad length, magic or checksum. */
export class CorruptBatch extends Error {
  override readonly name: string = 'CorruptBatch';
}

/** A sound batch whose records don't add up. */
export class InvalidRecord extends CorruptBatch {
  override readonly name = 'InvalidRecord';
}

/** Compressed bytes that can't be decompressed, or a codec that does not exist. */
export class DecompressionFailed extends CorruptBatch {
  override readonly name = 'DecompressionFailed';
}

/** A batch that decompresses to more than the limit. */
export class DecompressedTooLarge extends CorruptBatch {
  override readonly name = 'DecompressedTooLarge';

  constructor(what: string, limitBytes: number) {
    super(`${what} decompresses to more than ${limitBytes} bytes`);
  }
}

/** A batch of more records than may be taken apart. */
export class TooManyRecords extends CorruptBatch {
  override readonly name = 'TooManyRecords';
}

/** Of the first record that the batch once had; compaction may have dropped it. */
export function batchBaseOffset(buffer: Buffer, at: number): number {
  return readSafeInt64(buffer, at);
}

/** The whole batch, its first twelve bytes included. */
export function batchSizeBytes(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + LENGTH_AT) + LOG_OVERHEAD_BYTES;
}

/** Of the leader that appended the batch; not covered by the checksum. */
export function batchLeaderEpoch(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + LEADER_EPOCH_AT);
}

/** Also of a legacy message, which has it at the same place. */
export function batchMagic(buffer: Buffer, at: number): number {
  return buffer.readInt8(at + MAGIC_AT);
}

export function batchCrc(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at + CRC_AT);
}

export function batchAttributes(buffer: Buffer, at: number): number {
  return buffer.readInt16BE(at + ATTRIBUTES_AT);
}

/** Throws {@link DecompressionFailed} for the numbers that name no codec. */
export function batchCodec(buffer: Buffer, at: number): Codec {
  return codecOf(batchAttributes(buffer, at));
}

/** Throws {@link DecompressionFailed} for the numbers that name no codec. */
export function codecOf(attributes: number): Codec {
  const codec = CODECS[attributes & CODEC_MASK];
  if (codec === undefined)
    throw new DecompressionFailed(`Unknown compression type ${attributes & CODEC_MASK}`);
  return codec;
}

/** Then the greatest timestamp of the batch is the time of all its records. */
export function batchIsLogAppendTime(buffer: Buffer, at: number): boolean {
  return (batchAttributes(buffer, at) & LOG_APPEND_TIME_BIT) !== 0;
}

export function batchIsTransactional(buffer: Buffer, at: number): boolean {
  return (batchAttributes(buffer, at) & TRANSACTIONAL_BIT) !== 0;
}

export function batchIsControl(buffer: Buffer, at: number): boolean {
  return (batchAttributes(buffer, at) & CONTROL_BIT) !== 0;
}

/** Whether the base timestamp is the time from which compaction may drop the batch's tombstones. */
export function batchHasDeleteHorizon(buffer: Buffer, at: number): boolean {
  return (batchAttributes(buffer, at) & DELETE_HORIZON_BIT) !== 0;
}

/** From the base offset; compaction keeps it where it drops records, so it may be more than their count. */
export function batchLastOffsetDelta(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + LAST_OFFSET_DELTA_AT);
}

export function batchLastOffset(buffer: Buffer, at: number): number {
  return batchBaseOffset(buffer, at) + batchLastOffsetDelta(buffer, at);
}

/** What the records' timestamps are counted from, or the delete horizon. */
export function batchBaseTimestampMs(buffer: Buffer, at: number): Int64 {
  return readInt64(buffer, at + BASE_TIMESTAMP_AT);
}

export function batchMaxTimestampMs(buffer: Buffer, at: number): Int64 {
  return readInt64(buffer, at + MAX_TIMESTAMP_AT);
}

/** NO_PRODUCER_ID for a producer that is not idempotent. */
export function batchProducerId(buffer: Buffer, at: number): Int64 {
  return readInt64(buffer, at + PRODUCER_ID_AT);
}

export function batchProducerEpoch(buffer: Buffer, at: number): number {
  return buffer.readInt16BE(at + PRODUCER_EPOCH_AT);
}

/** NO_SEQUENCE for a producer that is not idempotent. */
export function batchBaseSequence(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + BASE_SEQUENCE_AT);
}

/** The sequence of the last record: after 2^31 - 1 comes 0. */
export function batchLastSequence(buffer: Buffer, at: number): number {
  const base = batchBaseSequence(buffer, at);
  return base === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(base, batchLastOffsetDelta(buffer, at));
}

/** As the header says; nothing here counts. */
export function batchRecordCount(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + RECORD_COUNT_AT);
}

/** `sequence + increment` on the circle of non-negative int32. */
export function incrementSequence(sequence: number, increment: number): number {
  const sum = sequence + increment;
  return sum > 0x7fffffff ? sum - 0x80000000 : sum;
}

/** In place; the checksum stays right. */
export function setBatchBaseOffset(buffer: Buffer, at: number, offset: number): void {
  writeInt64(buffer, at, offset);
}

/** In place; the checksum stays right. */
export function setBatchLeaderEpoch(buffer: Buffer, at: number, leaderEpoch: number): void {
  buffer.writeInt32BE(leaderEpoch, at + LEADER_EPOCH_AT);
}

/** The checksum is the caller's to set. */
export function setBatchSize(buffer: Buffer, at: number, sizeBytes: number): void {
  buffer.writeInt32BE(sizeBytes - LOG_OVERHEAD_BYTES, at + LENGTH_AT);
}

/** Leaves out what no producer may say, a delete horizon; the checksum is the caller's to set. */
export function setBatchCodec(buffer: Buffer, at: number, codec: Codec): void {
  const kept = batchAttributes(buffer, at) & KNOWN_ATTRIBUTES & ~CODEC_MASK & ~DELETE_HORIZON_BIT;
  buffer.writeInt16BE(kept | CODECS.indexOf(codec), at + ATTRIBUTES_AT);
}

/** Sets the type of the timestamps and the greatest of them, and with them the checksum. */
export function setBatchMaxTimestamp(
  buffer: Buffer,
  at: number,
  type: 'CreateTime' | 'LogAppendTime',
  maxTimestampMs: Int64,
): void {
  const attributes = batchAttributes(buffer, at);
  const typed =
    type === 'LogAppendTime' ? attributes | LOG_APPEND_TIME_BIT : attributes & ~LOG_APPEND_TIME_BIT;
  if (typed === attributes && batchMaxTimestampMs(buffer, at) === maxTimestampMs) return;
  buffer.writeInt16BE(typed & KNOWN_ATTRIBUTES, at + ATTRIBUTES_AT);
  writeInt64(buffer, at + MAX_TIMESTAMP_AT, maxTimestampMs);
  sealBatch(buffer, at);
}

/** Writes the checksum of a batch that was built or changed. */
export function sealBatch(buffer: Buffer, at: number): void {
  buffer.writeUInt32BE(computeCrc(buffer, at), at + CRC_AT);
}

/** Whether the bytes of a complete batch (or legacy message) are those its checksum was made of. */
export function batchCrcIsValid(buffer: Buffer, at: number): boolean {
  if (batchMagic(buffer, at) >= 2) return batchCrc(buffer, at) === computeCrc(buffer, at);
  const covered = buffer.subarray(at + MAGIC_AT, at + batchSizeBytes(buffer, at));
  return buffer.readUInt32BE(at + LEGACY_CRC_AT) === crc32(covered);
}

/**
 * The size of the batch that begins at `at`, or 0 when less than all of it lies before `to`.
 * Throws {@link CorruptBatch} when these bytes can't be the beginning of a batch.
 */
export function completeBatchSizeBytes(buffer: Buffer, at: number, to: number): number {
  const remainingBytes = to - at;
  if (remainingBytes < LOG_OVERHEAD_BYTES) return 0;
  const length = buffer.readInt32BE(at + LENGTH_AT);
  if (length < SMALLEST_LEGACY_LENGTH) {
    throw new CorruptBatch(`A batch of ${length} bytes is smaller than the smallest message`);
  }
  if (remainingBytes < UP_TO_MAGIC_BYTES) return 0;
  const magic = batchMagic(buffer, at);
  if (magic < 0 || magic > 2) throw new CorruptBatch(`A batch has the unknown magic ${magic}`);
  if (magic === 2 && length < BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES) {
    throw new CorruptBatch(`A batch of ${length} bytes is smaller than its own header`);
  }
  const sizeBytes = length + LOG_OVERHEAD_BYTES;
  return sizeBytes <= remainingBytes ? sizeBytes : 0;
}

/**
 * The positions of the complete batches in `buffer[from, to)`, in order. A partial batch at the end
 * is left out; bytes that can't begin a batch throw {@link CorruptBatch}.
 */
export function* completeBatches(buffer: Buffer, from = 0, to = buffer.length): Generator<number, void> {
  for (let at = from; ; ) {
    const sizeBytes = completeBatchSizeBytes(buffer, at, to);
    if (sizeBytes === 0) return;
    yield at;
    at += sizeBytes;
  }
}

function computeCrc(buffer: Buffer, at: number): number {
  return crc32c(buffer, at + ATTRIBUTES_AT, at + batchSizeBytes(buffer, at));
}
