/**
 * The records inside a batch of magic 2. Keys and values are views: of the batch itself, or of the
 * bytes it was decompressed to; who keeps them longer than the buffer copies them.
 * Source: KIP-98, KIP-82 (headers); Kafka's DefaultRecord.
 */
import { type Int64, int64Sum } from '../int64.ts';
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchBaseTimestampMs,
  batchCodec,
  batchIsLogAppendTime,
  batchMaxTimestampMs,
  batchRecordCount,
  batchSizeBytes,
  InvalidRecord,
} from './batch.ts';
import { type Decompress, decompressUpToDefault } from './compression.ts';
import { takePlainRecord, type WalkedRecord } from './plain-record.ts';
import { RecordCursor } from './varint.ts';

interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** Key, value and headers are views of what the record was read from. */
export interface RecordData {
  readonly offset: number;
  readonly timestampMs: Int64;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** The least a record can take: length, attributes, two deltas, two lengths, header count. */
const SMALLEST_RECORD_BYTES = 7;

/** All records of the batch at `at`. Throws {@link InvalidRecord} when they don't add up. */
export function readRecords(
  buffer: Buffer,
  at: number,
  decompress: Decompress = decompressUpToDefault,
): RecordData[] {
  return [...eachRecord(buffer, at, decompress)];
}

/** As {@link readRecords}, one after the other: what is wrong with the batch may be found behind its first records. */
export function* eachRecord(buffer: Buffer, at: number, decompress: Decompress): Generator<RecordData> {
  const { cursor, count } = startOfRecords(buffer, at, decompress);
  const baseOffset = batchBaseOffset(buffer, at);
  const baseTimestampMs = batchBaseTimestampMs(buffer, at);
  const appendTimeMs = batchIsLogAppendTime(buffer, at) ? batchMaxTimestampMs(buffer, at) : null;
  for (let index = 0; index < count; index++) {
    const end = recordEnd(cursor);
    cursor.byte(); // attributes, unused
    const timestampDeltaMs = cursor.varlong();
    const record = {
      timestampMs: appendTimeMs ?? int64Sum(baseTimestampMs, timestampDeltaMs),
      offset: baseOffset + cursor.varint(),
      key: readNullable(cursor),
      value: readNullable(cursor),
      headers: readHeaders(cursor),
    };
    expectRecordEnd(cursor, end);
    yield record;
  }
  expectNoMore(cursor);
}

/**
 * Visits the records without making objects of them; `visit` gets the same object every time.
 * Checks the framing as {@link readRecords} does, as far as it gets: `visit` may end the walk with 'stop'.
 */
export function walkRecords(
  buffer: Buffer,
  at: number,
  decompress: Decompress,
  visit: (record: WalkedRecord) => 'stop' | undefined,
): void {
  const { cursor, count } = startOfRecords(buffer, at, decompress);
  const record: WalkedRecord = { index: 0, offsetDelta: 0, timestampDeltaMs: 0, hasKey: false };
  for (let index = 0; index < count; index++) {
    record.index = index;
    if (!takePlainRecord(cursor, record)) takeRecord(cursor, record);
    if (visit(record) === 'stop') return;
  }
  expectNoMore(cursor);
}

/** Any record, with all its checks. */
function takeRecord(cursor: RecordCursor, record: WalkedRecord): void {
  const end = recordEnd(cursor);
  cursor.byte();
  record.timestampDeltaMs = cursor.varlong();
  record.offsetDelta = cursor.varint();
  record.hasKey = skipNullable(cursor);
  skipNullable(cursor);
  for (let headers = headerCount(cursor); headers > 0; headers--) {
    cursor.skip(cursor.varint());
    skipNullable(cursor);
  }
  expectRecordEnd(cursor, end);
}

interface StartOfRecords {
  readonly cursor: RecordCursor;
  readonly count: number;
}

function startOfRecords(buffer: Buffer, at: number, decompress: Decompress): StartOfRecords {
  const codec = batchCodec(buffer, at);
  const end = at + batchSizeBytes(buffer, at);
  const count = batchRecordCount(buffer, at);
  let cursor = new RecordCursor(buffer, at + BATCH_HEADER_BYTES, end);
  // A batch that compaction has emptied has no compressed bytes either.
  if (codec !== 'none' && (cursor.at < end || count > 0)) {
    const decompressed = decompress(codec, buffer.subarray(cursor.at, end));
    cursor = new RecordCursor(decompressed, 0, decompressed.length);
  }
  if (count < 0 || count * SMALLEST_RECORD_BYTES > cursor.end - cursor.at) {
    throw new InvalidRecord(`A batch can't hold the ${count} records it announces`);
  }
  return { cursor, count };
}

function recordEnd(cursor: RecordCursor): number {
  const sizeBytes = cursor.varint();
  if (sizeBytes < 0 || sizeBytes > cursor.end - cursor.at) {
    throw new InvalidRecord(`A record of ${sizeBytes} bytes does not fit into its batch`);
  }
  return cursor.at + sizeBytes;
}

function expectRecordEnd(cursor: RecordCursor, end: number): void {
  if (cursor.at !== end) throw new InvalidRecord('A record is not as long as it says');
}

function expectNoMore(cursor: RecordCursor): void {
  if (cursor.at !== cursor.end) throw new InvalidRecord('Bytes are left after the last record of a batch');
}

function readNullable(cursor: RecordCursor): Buffer | null {
  const sizeBytes = cursor.varint();
  return sizeBytes < 0 ? null : cursor.bytes(sizeBytes);
}

function skipNullable(cursor: RecordCursor): boolean {
  const sizeBytes = cursor.varint();
  if (sizeBytes < 0) return false;
  cursor.skip(sizeBytes);
  return true;
}

function headerCount(cursor: RecordCursor): number {
  const count = cursor.varint();
  if (count < 0 || count > cursor.end - cursor.at)
    throw new InvalidRecord(`${count} is no number of headers`);
  return count;
}

const NO_HEADERS: readonly RecordHeader[] = [];

function readHeaders(cursor: RecordCursor): readonly RecordHeader[] {
  const count = headerCount(cursor);
  if (count === 0) return NO_HEADERS;
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = cursor.bytes(cursor.varint()).toString('utf8');
    headers.push({ key, value: readNullable(cursor) });
  }
  return headers;
}
