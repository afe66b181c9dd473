/** The pieces of the hot paths: protocol codec, checksums and validation, log append and read, stream messages, rights. */
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import { logConfig } from '../../../broker/config/topic-config.ts';
import { isError } from '../../../broker/errors.ts';
import { LogDirectories } from '../../../broker/log/log-directories.ts';
import { LogManager } from '../../../broker/log/log-manager.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { systemPlatform } from '../../../broker/platform/system-platform.ts';
import { decodeRequest, encodeRequest, encodeResponse } from '../../../broker/protocol/codec.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { setBatchBaseOffset } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { crc32c } from '../../../broker/records/crc32c.ts';
import { validateProduced } from '../../../broker/records/validate.ts';
import {
  decodeLeaderMessage,
  encodeLeaderMessage,
} from '../../../broker/replication/stream/stream-messages.ts';
import { authorization } from './authorization.ts';
import { type Micro, measured } from './measure.ts';

const KIB = 1024;
const MIB = KIB * KIB;
/** A new log after so much, as a long one would fill the disk. */
const LOG_BYTES = 512 * MIB;

/** `directory` is for the logs; it is the caller's to remove. */
export async function runMicro(directory: string, print: (line: string) => void): Promise<void> {
  const timed = async (micros: readonly Micro[]): Promise<void> => {
    for (const micro of micros) {
      print(measured(micro));
      // Signals are heard only between two of them.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await timed([...checksums(), ...codec(), ...validation(), ...stream(), ...authorization()]);
  await timed(await logs(directory));
}

function batch(records: number, sizeBytes: number): Buffer {
  const value = Buffer.alloc(sizeBytes, 'x');
  return buildBatch({
    records: Array.from({ length: records }, () => ({ timestampMs: 1_700_000_000_000, value })),
  });
}

function checksums(): Micro[] {
  return [100, 16 * KIB, MIB].map((sizeBytes) => {
    const bytes = Buffer.alloc(sizeBytes, 'x');
    return { name: `crc32c, ${sizeBytes} B`, sizeBytes, run: () => crc32c(bytes) };
  });
}

function codec(): Micro[] {
  const records = batch(1, 100);
  const request = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: 'topic', partitionData: [{ index: 0, records }] }],
  };
  const produce = Buffer.concat(encodeRequest(Produce, 9, request));
  const response = { responses: [{ name: 'topic', partitionResponses: [{ index: 0, baseOffset: 12_345 }] }] };
  const partitions = Array.from({ length: 1000 }, (_, partitionIndex) => ({
    partitionIndex,
    leaderId: 1,
    replicaNodes: [1, 2, 3],
    isrNodes: [1, 2, 3],
  }));
  const metadata = { brokers: [], topics: [{ name: 'topic', partitions }] };
  return [
    { name: 'Produce request, decode', sizeBytes: 0, run: () => decodeRequest(Produce, 9, produce) },
    { name: 'Produce response, encode', sizeBytes: 0, run: () => encodeResponse(Produce, 9, response) },
    {
      name: 'Metadata of 1,000 partitions, encode',
      sizeBytes: 0,
      run: () => encodeResponse(Metadata, 12, metadata),
    },
  ];
}

function validation(): Micro[] {
  const context = {
    config: { ...logConfig(new Map()), compressionLevel: undefined } as unknown as Parameters<
      typeof validateProduced
    >[1]['config'],
    apiVersion: 9,
    nowMs: 1_700_000_000_000,
    origin: 'client' as const,
  };
  return [
    [1, 100],
    [128, 100],
    [128, KIB],
  ].map(([records = 0, sizeBytes = 0]) => {
    const bytes = batch(records, sizeBytes);
    const name = `validate a batch, ${records} records of ${sizeBytes} B`;
    return { name, sizeBytes: bytes.length, run: () => validateProduced(bytes, context) };
  });
}

function stream(): Micro[] {
  const bytes = batch(128, KIB);
  const item = { id: 1, highWatermark: 5, startOffset: 0, bytes, plainBytes: 0 };
  const message = { type: 'records' as const, items: [item] };
  const frame = Buffer.concat(encodeLeaderMessage(message));
  return [
    { name: 'stream message of records, encode', sizeBytes: 0, run: () => encodeLeaderMessage(message) },
    { name: 'stream message of records, decode', sizeBytes: 0, run: () => decodeLeaderMessage(frame) },
  ];
}

/** As a client's: the offset that the last append has stamped into the batch is taken back. */
function appendTo(log: PartitionLog, bytes: Buffer): unknown {
  setBatchBaseOffset(bytes, 0, 0);
  const info = log.appendAsLeader(bytes, { leaderEpoch: 0, origin: 'client', apiVersion: 9 });
  if (info.error !== 0) throw new Error(`an append was refused: ${info.error}`);
  return info;
}

async function logs(directory: string): Promise<Micro[]> {
  const config = brokerConfig(
    new Map([
      ['broker.id', '1'],
      ['zookeeper.connect', 'localhost:1'],
      ['log.dirs', directory],
    ]),
  );
  const { clock, random, disk, metrics, workers } = systemPlatform();
  const topicConfig = () => logConfig(new Map());
  const told = { diagnostics: silent, journal: createJournal(clock, silent) };
  const directories = new LogDirectories({ disk, ...told, paths: config.logDirs });
  const world = { disk, clock, random, ...told, metrics, workers };
  const liveConfig = new LiveValue(config);
  const manager = new LogManager({ ...world, config, liveConfig, directories, topicConfig });
  await manager.start();
  let made = 0;
  const append = (records: number, sizeBytes: number): Micro => {
    const bytes = batch(records, sizeBytes);
    let log = manager.create('append', made++, { isNew: true, topicId: null });
    const run = (): unknown => {
      if (log.sizeBytes > LOG_BYTES) {
        manager.delete('append', log.partition);
        log = manager.create('append', made++, { isNew: true, topicId: null });
      }
      return appendTo(log, bytes);
    };
    return { name: `append, ${records} records of ${sizeBytes} B`, sizeBytes: bytes.length, run };
  };
  const source = manager.create('read', 0, { isNew: true, topicId: null });
  const large = batch(128, KIB);
  while (source.sizeBytes < 16 * MIB) appendTo(source, large);
  let offset = 0;
  const read = (): unknown => {
    const found = source.read({ offset, maxBytes: MIB, upToOffset: source.endOffset, minOneBatch: true });
    if (isError(found)) throw new Error(`the log could not be read: ${found}`);
    offset = found.nextOffset >= source.endOffset - 1024 ? 0 : found.nextOffset;
    found.release();
    return found;
  };
  return [
    append(1, 100),
    append(128, 100),
    append(128, KIB),
    { name: 'read 1 MiB, page cache', sizeBytes: MIB, run: read },
  ];
}
