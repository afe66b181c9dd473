/**
 * Writes a batch anew with the same records: under another codec, or with its offsets put in order.
 * Who produced it stays in its header.
 */
import {
  batchBaseSequence,
  batchIsControl,
  batchIsTransactional,
  batchProducerEpoch,
  batchProducerId,
  type Codec,
} from './batch.ts';
import { buildBatch } from './build.ts';
import type { Decompress } from './compression.ts';
import { readRecords } from './record.ts';

interface Rebuild {
  readonly codec: Codec;
  readonly nowMs: number;
  readonly config: {
    readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
    readonly compressionLevel?: number | undefined;
  };
  readonly decompress: Decompress;
}

/** The offsets of the new batch are 0, 1, 2, …, to be stamped. */
export function rebuildBatch(
  buffer: Buffer,
  at: number,
  { codec, nowMs, config, decompress }: Rebuild,
): Buffer {
  const records = readRecords(buffer, at, decompress).map(({ timestampMs, key, value, headers }) => ({
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
