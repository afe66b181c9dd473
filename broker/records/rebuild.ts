/**
 * Writes a batch anew with the same records: under another codec, or with its offsets put in order.
 * Who produced it stays in its header. Where the records can stay as they are they do, byte by byte: a
 * batch of a megabyte may hold a million of them, and to make objects of them takes a second.
 */
import type { Int64 } from '../int64.ts';
import {
  BATCH_HEADER_BYTES,
  batchBaseSequence,
  batchIsControl,
  batchIsTransactional,
  batchProducerEpoch,
  batchProducerId,
  type Codec,
  sealBatch,
  setBatchCodec,
  setBatchMaxTimestamp,
  setBatchSize,
} from './batch.ts';
import { buildBatch } from './build.ts';
import { compress } from './compression.ts';
import { readRecords } from './record.ts';

interface Rebuild {
  readonly codec: Codec;
  readonly nowMs: number;
  readonly config: {
    readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
    readonly compressionLevel?: number | undefined;
  };
  /** The records, decompressed. */
  readonly plain: Buffer;
}

/** The offsets of the new batch are 0, 1, 2, …, to be stamped. */
export function rebuildBatch(buffer: Buffer, at: number, { codec, nowMs, config, plain }: Rebuild): Buffer {
  const records = readRecords(buffer, at, () => plain).map(({ timestampMs, key, value, headers }) => ({
    timestampMs,
    key,
    value,
    headers,
  }));
  const timestampType = config.messageTimestampType;
  return buildBatch({
    codec,
    compressionLevel: config.compressionLevel,
    timestampType,
    ...(timestampType === 'LogAppendTime' ? { maxTimestampMs: nowMs } : {}),
    producerId: batchProducerId(buffer, at),
    producerEpoch: batchProducerEpoch(buffer, at),
    baseSequence: batchBaseSequence(buffer, at),
    transactional: batchIsTransactional(buffer, at),
    control: batchIsControl(buffer, at),
    records,
  });
}

/**
 * The same batch under another codec: for offsets that are in order, and a base timestamp that is that of
 * the first record, as {@link rebuildBatch} would write them.
 */
export function repackBatch(
  buffer: Buffer,
  at: number,
  { codec, nowMs, config, plain, maxTimestampMs }: Rebuild & { readonly maxTimestampMs: Int64 },
): Buffer {
  const packed = compress(codec, plain, config.compressionLevel);
  const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + packed.length);
  buffer.copy(batch, 0, at, at + BATCH_HEADER_BYTES);
  packed.copy(batch, BATCH_HEADER_BYTES);
  setBatchSize(batch, 0, batch.length);
  setBatchCodec(batch, 0, codec);
  sealBatch(batch, 0);
  const type = config.messageTimestampType;
  setBatchMaxTimestamp(batch, 0, type, type === 'LogAppendTime' ? nowMs : maxTimestampMs);
  return batch;
}
