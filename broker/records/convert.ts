/**
 * Between message formats: what clients before 0.11 produce becomes a batch of magic 2, which is all
 * that our logs hold; what they fetch is turned back into messages of magic 0 or 1, without headers,
 * control records and transactional marks. Source: KIP-32, KIP-98; Kafka's LogValidator, RecordsUtil.
 */
import { ErrorCode } from '../errors.ts';
import {
  batchCodec,
  batchCrcIsValid,
  batchIsControl,
  batchIsLogAppendTime,
  batchSizeBytes,
  type Codec,
  completeBatches,
} from './batch.ts';
import { buildBatch } from './build.ts';
import { type DecompressionAllowance, TAKING_APART } from './decompression-allowance.ts';
import {
  type LegacyMagic,
  legacyCodec,
  legacyIsAppendTime,
  readLegacyMessages,
  writeLegacyMessages,
} from './legacy.ts';
import { readRecords } from './record.ts';

interface UpConversion {
  readonly decompression: DecompressionAllowance;
  /** Which codec the batch gets when the messages had this one. */
  readonly codecOf: (source: Codec) => Codec;
  readonly compressionLevel?: number | undefined;
}

/** One batch of all the messages, its offsets from 0 on; or what forbids it. */
export function upConvert(
  buffer: Buffer,
  positions: readonly number[],
  { decompression, codecOf, compressionLevel }: UpConversion,
): { readonly batch: Buffer } | { readonly problem: string } {
  const source = positions.map((at) => legacyCodec(buffer, at)).find((codec) => codec !== 'none') ?? 'none';
  if (source !== 'none' && positions.length > 1) {
    return { problem: 'A compressed message must be the only one of its request' };
  }
  const records = positions
    .flatMap((at) => readLegacyMessages(buffer, at, decompression))
    .map(({ timestampMs, key, value }) => ({ timestampMs, key, value }));
  // Declared append times are kept as such, so that they can be refused where producers must not give them.
  const typed = positions.some((at) => legacyIsAppendTime(buffer, at));
  const timestampType = typed ? 'LogAppendTime' : 'CreateTime';
  return { batch: buildBatch({ codec: codecOf(source), compressionLevel, timestampType, records }) };
}

/** Counted for a record besides its key and value. */
const RECORD_BYTES = 32;

interface DownConversion {
  readonly toMagic: LegacyMagic;
  /** Uncompressed records before it are left out, as readers of old formats expect. */
  readonly fetchOffset: number;
  /** Shared by the partitions of one answer, as is what follows. */
  readonly decompression: DecompressionAllowance;
  readonly allowance: ConversionAllowance;
}

/** After so many bytes of records no further batch is converted for one answer. */
interface ConversionAllowance {
  bytesLeft: number;
}

export interface Converted {
  readonly bytes: Buffer;
  /** What ended it before its end; with no bytes before that, the fetch is to be refused with it. */
  readonly error: ErrorCode;
}

/**
 * The batches as messages of an old format. They end before zstd, which the old formats don't know
 * (UNSUPPORTED_COMPRESSION_TYPE), and before what does not match its checksum (CORRUPT_MESSAGE): messages get new
 * ones, so that nobody could tell any more. (Kafka converts that as well.)
 */
export function downConvert(
  buffer: Buffer,
  { toMagic, fetchOffset, decompression, allowance }: DownConversion,
): Converted {
  const parts: Buffer[] = [];
  for (const at of completeBatches(buffer)) {
    // What is left out is asked for next: decompressing all of it at once would keep everybody waiting.
    if (allowance.bytesLeft <= 0) break;
    if (!batchCrcIsValid(buffer, at)) {
      return { bytes: Buffer.concat(parts), error: ErrorCode.CORRUPT_MESSAGE };
    }
    if (batchIsControl(buffer, at)) continue;
    const codec = batchCodec(buffer, at);
    if (codec === 'zstd') {
      return { bytes: Buffer.concat(parts), error: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE };
    }
    if (codec === 'none') decompression.takeTurn(batchSizeBytes(buffer, at) * TAKING_APART);
    const records = readRecords(buffer, at, (_, data) => {
      const plain = decompression.decompress(codec, data);
      decompression.takeTurn(plain.length * TAKING_APART);
      return plain;
    }).filter(({ offset }) => codec !== 'none' || offset >= fetchOffset);
    for (const { key, value } of records) {
      allowance.bytesLeft -= RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
    }
    parts.push(
      writeLegacyMessages(records, {
        magic: toMagic,
        codec,
        logAppendTime: batchIsLogAppendTime(buffer, at),
      }),
    );
  }
  return { bytes: Buffer.concat(parts), error: ErrorCode.NONE };
}
