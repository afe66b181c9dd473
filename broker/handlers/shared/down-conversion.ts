/**
 * What clients of Fetch versions 0-3 get of a log whose batches they can't read: messages of the
 * format of their time, converted on the way out. What would hold the event loop is converted elsewhere.
 * Source: KafkaApis.maybeDownConvert (KIP-283).
 */
import { ErrorCode } from '../../errors.ts';
import { LateBytes, type MessagePart } from '../../protocol/late-bytes.ts';
import { type Converted, downConvert } from '../../records/convert.ts';
import { CONVERT_JOB, convertedOf } from '../../records/convert-job.ts';
import {
  DecompressionAllowance,
  type DecompressionLimits,
  TooMuchForTurn,
} from '../../records/decompression-allowance.ts';
import type { LegacyMagic } from '../../records/legacy.ts';
import type { Needs } from '../services.ts';
import type { Fetched } from './fetch-response.ts';

/** The newest format that a version reads: v0-1 magic 0, v2-3 magic 1; null from v4 on, which read all. */
export function legacyMagicOf(apiVersion: number): LegacyMagic | null {
  if (apiVersion >= 4) return null;
  return apiVersion >= 2 ? 1 : 0;
}

interface Conversion {
  readonly toMagic: LegacyMagic;
  /** Who fetches. */
  readonly from: string;
  readonly services: Needs<'config' | 'logs' | 'workers'>;
}

/** Records of one partition, from where it was fetched on. */
interface Legible {
  readonly records: Buffer;
  readonly fetchOffset: number;
  readonly outcome: Fetched;
}

/** The outcomes with their records as messages of `toMagic`, or the reasons why that can't be. */
export function downConverted(
  fetched: readonly Fetched[],
  conversion: Conversion,
): Fetched[] | Promise<Fetched[]> {
  const { services } = conversion;
  const allowed = fetched.map((one) => (mayBeConverted(one, services) ? one : unsupported(one)));
  const legible = allowed.flatMap((outcome) => {
    const { records, wanted } = outcome;
    const { fetchOffset } = wanted;
    return records.length > 0 ? [{ records: bytesAtHand(records), fetchOffset, outcome }] : [];
  });
  const withRecords = (converted: readonly Converted[]): Fetched[] => {
    const remaining = converted.values();
    return allowed.map((one) => {
      const next = one.records.length > 0 ? remaining.next().value : undefined;
      return next === undefined ? one : withConverted(one, next);
    });
  };
  try {
    return withRecords(convertedInPlace(legible, conversion));
  } catch (error) {
    if (!(error instanceof TooMuchForTurn)) throw error;
    return convertedElsewhere(legible, conversion).then(withRecords);
  }
}

/** Whoever fetches for such a client has everything read at once. */
function bytesAtHand(records: MessagePart): Buffer {
  if (records instanceof LateBytes) throw new Error('records that are to be converted were not read');
  return records;
}

function convertedInPlace(legible: readonly Legible[], { toMagic, services }: Conversion): Converted[] {
  const { config, workers } = services;
  const decompression = new DecompressionAllowance(limitsOf(services), workers.turn);
  const allowance = { bytesLeft: config.fetchMaxConvertedBytes };
  return legible.map(({ records, fetchOffset }) =>
    downConvert(records, { toMagic, fetchOffset, decompression, allowance }),
  );
}

async function convertedElsewhere(
  legible: readonly Legible[],
  { toMagic, from, services }: Conversion,
): Promise<Converted[]> {
  const maxBytes = services.config.fetchMaxConvertedBytes;
  const input = () => ({
    // Copies: a view would take all of its buffer along, and that is the log's.
    partitions: legible.map(({ records, fetchOffset, outcome }) => {
      const copy = new Uint8Array(records);
      inPlaceOfRead(outcome, copy.length);
      return { records: copy, fetchOffset };
    }),
    toMagic,
    limits: limitsOf(services),
    maxBytes,
  });
  return (await services.workers.run(CONVERT_JOB, input, from)).map(convertedOf);
}

function limitsOf({ config }: Needs<'config'>): DecompressionLimits {
  return {
    batchBytes: config.compressedBatchMaxDecompressedBytes,
    batchRecords: config.compressedBatchMaxRecords,
    // The answer as a whole has fetch.max.converted.bytes.
    requestBytes: Number.MAX_SAFE_INTEGER,
    requestRecords: Number.MAX_SAFE_INTEGER,
  };
}

function mayBeConverted(
  { records, wanted: { topic, partition } }: Fetched,
  { logs }: Needs<'logs'>,
): boolean {
  if (records.length === 0 || topic === null) return true;
  return logs.log(topic, partition)?.config.messageDownconversionEnable !== false;
}

function unsupported(outcome: Fetched): Fetched {
  return withError(outcome, ErrorCode.UNSUPPORTED_VERSION);
}

/** What was read is not needed any more: so many other bytes have taken its place, without a moment of room. */
function inPlaceOfRead({ giveBack, claim }: Fetched, sizeBytes: number): void {
  giveBack();
  claim.become(sizeBytes);
}

function withConverted(outcome: Fetched, { bytes, error }: Converted): Fetched {
  inPlaceOfRead(outcome, bytes.length);
  // What lies before it is given, and then nothing.
  if (bytes.length === 0 && error !== ErrorCode.NONE) return withError(outcome, error);
  return { ...outcome, records: bytes };
}

/** In place of records; their buffer still has to be released. */
function withError(outcome: Fetched, error: ErrorCode): Fetched {
  return {
    ...outcome,
    error,
    records: Buffer.alloc(0),
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
  };
}
