/** Produced batches checked in another thread: as validateProduced does it, for one request after the other. */
import type { Int64 } from '../int64.ts';
import { asBuffer, type Job, ownBytes } from '../platform/workers.ts';
import { DecompressionAllowance, type DecompressionLimits } from './decompression-allowance.ts';
import type { RecordRules } from './produce-context.ts';
import type { RefusedBatches } from './refused-batches.ts';
import { type ValidBatches, validateProduced } from './validate.ts';

interface ProducedBatches {
  /** In memory of their own, which is handed over. */
  readonly records: Uint8Array<ArrayBuffer>;
  readonly config: RecordRules;
}

interface ValidateInput {
  /** Those of one request: they share what it may have decompressed. */
  readonly produced: readonly ProducedBatches[];
  readonly apiVersion: number;
  readonly nowMs: number;
  readonly limits: DecompressionLimits;
}

/** The same batches, with their bytes in memory of their own. */
interface CheckedBatches {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly positions: readonly number[];
  readonly offsetCount: number;
  readonly maxTimestampMs: Int64;
  readonly logAppendTimeMs: number;
}

type Verdict = CheckedBatches | RefusedBatches;

/** One verdict for each of the produced, in their order. */
export const VALIDATE_JOB: Job<ValidateInput, readonly Verdict[]> = {
  name: 'validate produced batches',
  run({ produced, apiVersion, nowMs, limits }) {
    const decompression = new DecompressionAllowance(limits);
    return produced.map(({ records, config }) => {
      const context = { config, apiVersion, nowMs, origin: 'client', decompression } as const;
      const outcome = validateProduced(asBuffer(records), context);
      return outcome.ok ? { ...outcome, bytes: ownBytes(outcome.bytes) } : outcome;
    });
  },
  handedOver: ({ produced }) => produced.map(({ records }) => records.buffer),
  handedBack: (verdicts) => verdicts.flatMap((verdict) => ('bytes' in verdict ? [verdict.bytes.buffer] : [])),
};

/** As if it had been checked here. */
export function outcomeOf(verdict: Verdict): ValidBatches | RefusedBatches {
  return 'bytes' in verdict ? { ok: true, ...verdict, bytes: asBuffer(verdict.bytes) } : verdict;
}
