/**
 * `odradek log dump`: what is in the files of a log, in the words of Kafka's DumpLogSegments. Reads
 * segments, offset and time indexes, transaction indexes and producer snapshots; changes nothing.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { type Int64, readInt64, readSafeInt64 } from '../../broker/int64.ts';
import { decodeProducerSnapshot } from '../../broker/log/producers/producer-snapshot.ts';
import {
  batchAttributes,
  batchBaseOffset,
  batchBaseSequence,
  batchBaseTimestampMs,
  batchCodec,
  batchCrc,
  batchCrcIsValid,
  batchHasDeleteHorizon,
  batchIsControl,
  batchIsTransactional,
  batchLastOffset,
  batchLastSequence,
  batchLeaderEpoch,
  batchMagic,
  batchMaxTimestampMs,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  batchSizeBytes,
  CorruptBatch,
  completeBatches,
  LOG_APPEND_TIME_BIT,
} from '../../broker/records/batch.ts';
import { readControl } from '../../broker/records/control.ts';
import { type RecordData, readRecords } from '../../broker/records/record.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { jsonLine } from './json-line.ts';
import { printAll } from './output.ts';

const WINDOW_BYTES = 16 * 1024 * 1024;
const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const ABORTED_ENTRY_BYTES = 34;

export const logCommand: CommandSpec = {
  name: 'log',
  summary: "Shows what is in the files of a log, as Kafka's DumpLogSegments does.",
  words: 'dump [FILE…]',
  options: [
    {
      name: 'files',
      value: 'FILE,…',
      repeats: true,
      help: 'segments (.log), indexes (.index, .timeindex, .txnindex) or snapshots (.snapshot)',
    },
    { name: 'print-data-log', help: 'show keys and values of records' },
    { name: 'deep-iteration', help: 'show every record, not only batches' },
    { name: 'json', help: 'one JSON object for each batch, record or entry' },
  ],
  run,
};

interface Detail {
  readonly json: boolean;
  readonly deep: boolean;
  readonly data: boolean;
}

function run(given: Arguments): Promise<number> {
  const [verb, ...words] = given.words;
  if (verb !== 'dump') throw new UsageError(`log takes the word dump, not '${verb ?? ''}'`);
  const files = [...given.all('files').flatMap((list) => list.split(',')), ...words];
  if (files.length === 0) throw new UsageError('log dump needs --files FILE,…');
  const data = given.flag('print-data-log');
  const detail = { json: given.flag('json'), data, deep: data || given.flag('deep-iteration') };
  return printAll(dumpAll(files, detail));
}

/** Lines, made as they are taken: a log may be larger than the memory. */
type Lines<Result> = Generator<string, Result>;

function* dumpAll(files: readonly string[], detail: Detail): Lines<number> {
  let sound = true;
  for (const file of files) sound = (yield* dump(file, detail)) && sound;
  return sound ? 0 : 1;
}

/** False when something in the file is damaged. */
function* dump(file: string, detail: Detail): Lines<boolean> {
  if (!detail.json) yield `Dumping ${file}`;
  const base = Number(/^(\d{20})\./.exec(basename(file))?.[1] ?? 0);
  try {
    if (file.endsWith('.log')) return yield* dumpSegment(file, base, detail);
    const bytes = readFileSync(file);
    if (file.endsWith('.timeindex'))
      return yield* dumpEntries(bytes, TIME_ENTRY_BYTES, detail, (at) => ({
        timestamp: readInt64(bytes, at),
        offset: base + bytes.readInt32BE(at + 8),
      }));
    if (file.endsWith('.txnindex'))
      return yield* dumpEntries(bytes, ABORTED_ENTRY_BYTES, detail, (at) => abortedEntry(bytes, at));
    if (file.endsWith('.index'))
      return yield* dumpEntries(bytes, OFFSET_ENTRY_BYTES, detail, (at) => ({
        offset: base + bytes.readInt32BE(at),
        position: bytes.readInt32BE(at + 4),
      }));
    if (file.endsWith('.snapshot')) return yield* dumpSnapshot(file, bytes, detail);
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string')
      throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
  throw new UsageError(`${file}: the name must end in .log, .index, .timeindex, .txnindex or .snapshot`);
}

function* dumpSegment(file: string, base: number, detail: Detail): Lines<boolean> {
  if (!detail.json) yield `Log starting offset: ${base}`;
  const descriptor = openSync(file, 'r');
  try {
    const sizeBytes = fstatSync(descriptor).size;
    let window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, sizeBytes));
    let position = 0;
    let sound = true;
    while (position < sizeBytes) {
      const read = readSync(descriptor, window, 0, window.length, position);
      let used = 0;
      try {
        for (const at of completeBatches(window, 0, read)) {
          sound = (yield* showBatch(window, at, position + at, detail)) && sound;
          used = at + batchSizeBytes(window, at);
        }
      } catch (error) {
        if (!(error instanceof CorruptBatch)) throw error;
        yield `Found a corrupt batch at position ${position + used}: ${error.message}`;
        return false;
      }
      if (used === 0 && position + read < sizeBytes) window = Buffer.allocUnsafe(window.length * 2);
      else if (used === 0) {
        yield `Found ${sizeBytes - position} invalid bytes at the end of ${basename(file)}`;
        return false;
      }
      position += used;
    }
    return sound;
  } finally {
    closeSync(descriptor);
  }
}

function* showBatch(buffer: Buffer, at: number, position: number, detail: Detail): Lines<boolean> {
  const isValid = batchCrcIsValid(buffer, at);
  const timeName = (batchAttributes(buffer, at) & LOG_APPEND_TIME_BIT) === 0 ? 'CreateTime' : 'LogAppendTime';
  yield line(detail, '', {
    baseOffset: batchBaseOffset(buffer, at),
    lastOffset: batchLastOffset(buffer, at),
    count: batchRecordCount(buffer, at),
    baseSequence: batchBaseSequence(buffer, at),
    lastSequence: batchLastSequence(buffer, at),
    producerId: batchProducerId(buffer, at),
    producerEpoch: batchProducerEpoch(buffer, at),
    partitionLeaderEpoch: batchLeaderEpoch(buffer, at),
    isTransactional: batchIsTransactional(buffer, at),
    isControl: batchIsControl(buffer, at),
    deleteHorizonMs: batchHasDeleteHorizon(buffer, at)
      ? `OptionalLong[${batchBaseTimestampMs(buffer, at)}]`
      : 'OptionalLong.empty',
    position,
    [timeName]: batchMaxTimestampMs(buffer, at),
    size: batchSizeBytes(buffer, at),
    magic: batchMagic(buffer, at),
    compresscodec: batchCodec(buffer, at),
    crc: batchCrc(buffer, at),
    isvalid: isValid,
  });
  if (!detail.deep || !isValid) return isValid;
  const control = batchIsControl(buffer, at) ? readControl(buffer, at) : null;
  for (const [index, record] of readRecords(buffer, at).entries()) {
    const sequence = batchBaseSequence(buffer, at) < 0 ? -1 : batchBaseSequence(buffer, at) + index;
    yield showRecord(record, sequence, timeName, detail);
  }
  if (control !== null) yield line(detail, '| ', { endTxnMarker: control.type });
  return true;
}

function showRecord(record: RecordData, sequence: number, timeName: string, detail: Detail): string {
  const payload = detail.data
    ? {
        ...(record.key === null ? {} : { key: record.key.toString() }),
        payload: record.value?.toString() ?? '',
      }
    : {};
  return line(detail, '| ', {
    offset: record.offset,
    [timeName]: record.timestampMs,
    keySize: record.key?.length ?? -1,
    valueSize: record.value?.length ?? -1,
    sequence,
    headerKeys: `[${record.headers.map((header) => header.key).join(',')}]`,
    ...payload,
  });
}

/** Entries up to the preallocated zeros behind the last one. */
function* dumpEntries(
  bytes: Buffer,
  entryBytes: number,
  detail: Detail,
  entry: (at: number) => Record<string, Int64>,
): Lines<boolean> {
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const isBlank = bytes.subarray(at, at + entryBytes).every((byte) => byte === 0);
    if (isBlank && at > 0) break;
    yield line(detail, '', entry(at));
  }
  return bytes.length % entryBytes === 0;
}

function abortedEntry(bytes: Buffer, at: number): Record<string, Int64> {
  return {
    version: bytes.readInt16BE(at),
    producerId: readInt64(bytes, at + 2),
    firstOffset: readSafeInt64(bytes, at + 10),
    lastOffset: readSafeInt64(bytes, at + 18),
    lastStableOffset: readSafeInt64(bytes, at + 26),
  };
}

function* dumpSnapshot(file: string, bytes: Buffer, detail: Detail): Lines<boolean> {
  for (const entry of decodeProducerSnapshot(file, bytes)) {
    const plain = Object.fromEntries(
      Object.entries(entry).map(([key, value]) => [key, typeof value === 'object' ? jsonLine(value) : value]),
    );
    yield line(detail, '', plain);
  }
  return true;
}

function line(detail: Detail, prefix: string, fields: Record<string, unknown>): string {
  if (detail.json) return jsonLine(fields);
  const words = Object.entries(fields).map(([key, value]) => `${key}: ${value}`);
  return prefix + words.join(' ');
}
