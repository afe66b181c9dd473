/**
 * Messages of magic 0 and 1: what clients before 0.11 send and read. A compressed set of messages is
 * the value of one wrapper message. Source: Kafka's LegacyRecord and AbstractLegacyRecordBatch.
 */
import { crc32 } from 'node:zlib';
import { greaterInt64, type Int64, readInt64, readSafeInt64, writeInt64 } from '../int64.ts';
import {
  batchCrcIsValid,
  batchMagic,
  batchSizeBytes,
  CODECS,
  type Codec,
  CorruptBatch,
  codecOf,
  completeBatches,
  InvalidRecord,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  NO_TIMESTAMP,
} from './batch.ts';
import { compress, decompress } from './compression.ts';
import { DecompressionAllowance, TAKING_APART } from './decompression-allowance.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';

export type LegacyMagic = 0 | 1;

/** Of magic 1, or of magic 0, which has no timestamp (-1). */
interface LegacyMessage {
  readonly offset: number;
  readonly timestampMs: Int64;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Where the fields lie; key and value follow the timestamp, which only magic 1 has. */
const CRC_AT = 12;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 17;
const TIMESTAMP_AT = 18;

const BROKEN = { brokenHeaderChecksum: true };

/** The codec of the message at `at`: that of its inner messages if it is a wrapper. */
export function legacyCodec(buffer: Buffer, at: number): Codec {
  return codecOf(buffer.readInt8(at + ATTRIBUTES_AT));
}

/** The message at `at`, or those inside it, with absolute offsets. */
export function readLegacyMessages(
  buffer: Buffer,
  at: number,
  decompression = new DecompressionAllowance(),
): LegacyMessage[] {
  const codec = legacyCodec(buffer, at);
  const outer = readMessage(buffer, at);
  if (codec === 'none') return [outer];
  const magic = batchMagic(buffer, at);
  const data = outer.value;
  if (data === null) throw new InvalidRecord('A wrapper message without a value');
  const decompressed = decompression.within((limitBytes) => decompressLegacy(codec, data, magic, limitBytes));
  decompression.takeTurn(decompressed.length * TAKING_APART);
  const inner: LegacyMessage[] = [];
  // A part of a message at the end is passed over, as it is among messages that are not compressed.
  for (const innerAt of completeBatches(decompressed)) {
    if (batchMagic(decompressed, innerAt) !== magic)
      throw new InvalidRecord('A message inside another is of another format');
    if (legacyCodec(decompressed, innerAt) !== 'none')
      throw new InvalidRecord('Compressed messages inside compressed ones');
    if (!batchCrcIsValid(decompressed, innerAt))
      throw new CorruptBatch('A message inside another fails its checksum');
    // What is decompressed becomes objects, which take many times the memory of the bytes.
    decompression.takeRecords(1, inner.length);
    inner.push(readMessage(decompressed, innerAt));
  }
  if (inner.length === 0) throw new InvalidRecord('A wrapper message without whole messages');
  return absolute(inner, outer, legacyIsAppendTime(buffer, at), magic);
}

/** One message per record, or one wrapper around all of them. */
export function writeLegacyMessages(
  messages: readonly LegacyMessage[],
  o: { readonly magic: LegacyMagic; readonly codec: Codec; readonly logAppendTime: boolean },
): Buffer {
  const last = messages.at(-1);
  if (last === undefined) return Buffer.alloc(0);
  const timestampBit = o.logAppendTime && o.magic === 1 ? LOG_APPEND_TIME_BIT : 0;
  if (o.codec === 'none') {
    return Buffer.concat(messages.map((message) => writeMessage(message, o.magic, timestampBit)));
  }
  const inner = messages.map((message, index) =>
    writeMessage(o.magic === 0 ? message : { ...message, offset: index }, o.magic, timestampBit),
  );
  const data = Buffer.concat(inner);
  const wrapper = {
    offset: last.offset,
    timestampMs: messages.reduce<Int64>(
      (greatest, { timestampMs }) => greaterInt64(greatest, timestampMs),
      NO_TIMESTAMP,
    ),
    key: null,
    value: o.codec === 'lz4' && o.magic === 0 ? compressLz4(data, BROKEN) : compress(o.codec, data),
  };
  return writeMessage(wrapper, o.magic, timestampBit | CODECS.indexOf(o.codec));
}

function decompressLegacy(codec: Codec, data: Buffer, magic: number, limitBytes: number): Buffer {
  if (codec === 'zstd') throw new InvalidRecord('zstd inside of a message of an old format');
  return codec === 'lz4' && magic === 0
    ? decompressLz4(data, limitBytes, BROKEN)
    : decompress(codec, data, limitBytes);
}

/**
 * Inner offsets of magic 1 count from the first message, and the wrapper has that of the last, but for
 * some producers, which leave it 0.
 */
function absolute(
  inner: readonly LegacyMessage[],
  outer: LegacyMessage,
  appendTime: boolean,
  magic: number,
): LegacyMessage[] {
  const lastOffset = inner.at(-1)?.offset ?? 0;
  if (magic === 1 && outer.offset !== 0 && outer.offset < lastOffset) {
    throw new InvalidRecord(`A wrapper message of offset ${outer.offset} around one of ${lastOffset}`);
  }
  const shift = magic === 0 ? 0 : outer.offset - lastOffset;
  return inner.map((message) => ({
    ...message,
    offset: message.offset + shift,
    timestampMs: appendTime ? outer.timestampMs : message.timestampMs,
  }));
}

/** Whether the message declares its time to be that of an append. */
export function legacyIsAppendTime(buffer: Buffer, at: number): boolean {
  return batchMagic(buffer, at) === 1 && (buffer.readInt8(at + ATTRIBUTES_AT) & LOG_APPEND_TIME_BIT) !== 0;
}

function readMessage(buffer: Buffer, at: number): LegacyMessage {
  const end = at + batchSizeBytes(buffer, at);
  const magic = batchMagic(buffer, at);
  const key = readBytes(buffer, at + TIMESTAMP_AT + (magic === 1 ? 8 : 0), end);
  const value = readBytes(buffer, key.end, end);
  if (value.end !== end) throw new InvalidRecord('A message is not as long as it says');
  return {
    offset: readSafeInt64(buffer, at),
    timestampMs: magic === 1 ? readInt64(buffer, at + TIMESTAMP_AT) : NO_TIMESTAMP,
    key: key.bytes,
    value: value.bytes,
  };
}

function readBytes(buffer: Buffer, at: number, end: number): { bytes: Buffer | null; end: number } {
  if (at + 4 > end) throw new InvalidRecord('A message ends too early');
  const sizeBytes = buffer.readInt32BE(at);
  if (sizeBytes < 0) return { bytes: null, end: at + 4 };
  if (sizeBytes > end - at - 4) throw new InvalidRecord('A message ends too early');
  return { bytes: buffer.subarray(at + 4, at + 4 + sizeBytes), end: at + 4 + sizeBytes };
}

function writeMessage(message: LegacyMessage, magic: LegacyMagic, attributes: number): Buffer {
  const { key, value } = message;
  const timestampBytes = magic === 1 ? 8 : 0;
  const out = Buffer.allocUnsafe(
    TIMESTAMP_AT + timestampBytes + 8 + (key?.length ?? 0) + (value?.length ?? 0),
  );
  writeInt64(out, 0, message.offset);
  out.writeInt32BE(out.length - LOG_OVERHEAD_BYTES, 8);
  out.writeInt8(magic, MAGIC_AT);
  out.writeInt8(attributes, ATTRIBUTES_AT);
  if (magic === 1) writeInt64(out, TIMESTAMP_AT, message.timestampMs);
  writeBytes(out, writeBytes(out, TIMESTAMP_AT + timestampBytes, key), value);
  out.writeUInt32BE(crc32(out.subarray(MAGIC_AT)), CRC_AT);
  return out;
}

function writeBytes(out: Buffer, at: number, bytes: Buffer | null): number {
  out.writeInt32BE(bytes?.length ?? -1, at);
  return at + 4 + (bytes?.copy(out, at + 4) ?? 0);
}
