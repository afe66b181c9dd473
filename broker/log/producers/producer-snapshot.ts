/**
 * `<offset>.snapshot`: the producers of a log as of an offset, so that a restart needs to replay the
 * end of the log only. int16 version 1, uint32 CRC-32C of what follows, int32 count, 46 bytes a
 * producer with the last of its batches. (Kafka's ProducerStateManager.)
 */
import { readInt64, readSafeInt64, writeInt64 } from '../../int64.ts';
import { crc32c } from '../../records/crc32c.ts';
import { CorruptFile } from '../files/storage-error.ts';
import type { ProducerEntry } from './producer-entry.ts';

const VERSION = 1;
const CRC_AT = 2;
const COUNT_AT = 6;
const ENTRIES_AT = 10;
const ENTRY_BYTES = 46;

/** The whole file. */
export function encodeProducerSnapshot(entries: readonly ProducerEntry[]): Buffer {
  const bytes = Buffer.alloc(ENTRIES_AT + entries.length * ENTRY_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(entries.length, COUNT_AT);
  entries.forEach((entry, index) => {
    const at = ENTRIES_AT + index * ENTRY_BYTES;
    const last = entry.batches.at(-1);
    writeInt64(bytes, at, entry.producerId);
    bytes.writeInt16BE(entry.epoch, at + 8);
    bytes.writeInt32BE(last?.lastSequence ?? -1, at + 10);
    writeInt64(bytes, at + 14, last?.lastOffset ?? -1);
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22);
    writeInt64(bytes, at + 26, entry.lastTimestampMs);
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
    writeInt64(bytes, at + 38, entry.transactionFirstOffset);
  });
  bytes.writeUInt32BE(crc32c(bytes, COUNT_AT, bytes.length), CRC_AT);
  return bytes;
}

/** Throws CorruptFile when version, checksum or length are wrong. */
export function decodeProducerSnapshot(path: string, bytes: Buffer): ProducerEntry[] {
  if (bytes.length < ENTRIES_AT) throw new CorruptFile(path, 'the snapshot is cut off');
  const version = bytes.readInt16BE(0);
  if (version !== VERSION) throw new CorruptFile(path, `unknown snapshot version ${version}`);
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes, COUNT_AT, bytes.length)) {
    throw new CorruptFile(path, 'the snapshot does not match its checksum');
  }
  const count = bytes.readInt32BE(COUNT_AT);
  if (bytes.length !== ENTRIES_AT + count * ENTRY_BYTES) {
    throw new CorruptFile(path, `the snapshot of ${bytes.length} bytes can't hold ${count} producers`);
  }
  const entries: ProducerEntry[] = [];
  for (let at = ENTRIES_AT; at < bytes.length; at += ENTRY_BYTES) entries.push(decodeEntry(bytes, at));
  return entries;
}

function decodeEntry(bytes: Buffer, at: number): ProducerEntry {
  const lastOffset = readSafeInt64(bytes, at + 14);
  const lastTimestampMs = readInt64(bytes, at + 26);
  const last = {
    lastSequence: bytes.readInt32BE(at + 10),
    lastOffset,
    offsetDelta: bytes.readInt32BE(at + 22),
    timestampMs: lastTimestampMs,
  };
  return {
    producerId: readInt64(bytes, at),
    epoch: bytes.readInt16BE(at + 8),
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    lastTimestampMs,
    transactionFirstOffset: readSafeInt64(bytes, at + 38),
    batches: lastOffset >= 0 ? [last] : [],
  };
}
