/**
 * What clients of Fetch versions 0-3 get of a log whose batches they can't read: messages of the
 * format of their time, converted on the way out.
 * Source: KafkaApis.maybeDownConvert (KIP-283).
 */
import type { LogConfig } from '../../config/topic-config.ts';
import { ErrorCode } from '../../errors.ts';
import { LateBytes } from '../../protocol/late-bytes.ts';
import { type DownConversion, downConvert } from '../../records/convert.ts';
import type { LegacyMagic } from '../../records/legacy.ts';
import type { FetchOutcome } from '../../replication/requests/read-partition.ts';

/** The newest format that a version reads: v0-1 magic 0, v2-3 magic 1; null from v4 on, which read all. */
export function legacyMagicOf(apiVersion: number): LegacyMagic | null {
  if (apiVersion >= 4) return null;
  return apiVersion >= 2 ? 1 : 0;
}

/** The outcome with its records as messages of `toMagic`, or the reason why that can't be. */
export function downConverted(
  outcome: FetchOutcome,
  wanted: DownConversion,
  config: LogConfig | undefined,
): FetchOutcome {
  const { records } = outcome;
  if (records.length === 0) return outcome;
  if (records instanceof LateBytes) throw new Error('records that are to be converted were not read');
  if (config?.messageDownconversionEnable === false) return withError(outcome, ErrorCode.UNSUPPORTED_VERSION);
  const { bytes, complete } = downConvert(records, wanted);
  // zstd came after these formats: what lies before it is given, and then nothing.
  if (bytes.length === 0 && !complete) return withError(outcome, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  return { ...outcome, records: bytes };
}

/** In place of records; their buffer still has to be released. */
function withError(outcome: FetchOutcome, error: ErrorCode): FetchOutcome {
  return {
    ...outcome,
    error,
    records: Buffer.alloc(0),
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
  };
}
