/** What the tests of produced batches share. */

import { MAX_INT64 } from '../../../broker/int64.ts';
import type { RecordInput } from '../../../broker/records/build.ts';
import {
  DecompressionAllowance,
  type DecompressionLimits,
} from '../../../broker/records/decompression-allowance.ts';
import type { ProduceContext } from '../../../broker/records/produce-context.ts';
import { validateProduced } from '../../../broker/records/validate.ts';

export const NOW_MS = 1_700_000_000_000;

export function context(
  config: Partial<ProduceContext['config']> = {},
  rest: Partial<Omit<ProduceContext, 'config'>> = {},
): ProduceContext {
  return {
    apiVersion: 9,
    nowMs: NOW_MS,
    origin: 'client',
    ...rest,
    config: {
      maxMessageBytes: 1048588,
      segmentBytes: 1073741824,
      cleanupPolicy: { compact: false },
      compressionType: 'producer',
      messageTimestampType: 'CreateTime',
      messageTimestampBeforeMaxMs: MAX_INT64,
      messageTimestampAfterMaxMs: MAX_INT64,
      ...config,
    },
  };
}

export function allowance(limits: Partial<DecompressionLimits>): DecompressionAllowance {
  const plenty = { batchBytes: 1e9, batchRecords: 1e9, requestBytes: 1e9, requestRecords: 1e9 };
  return new DecompressionAllowance({ ...plenty, ...limits });
}

export function records(count: number): RecordInput[] {
  return Array.from({ length: count }, (_, index) => ({
    timestampMs: NOW_MS - count + index,
    key: Buffer.from(`key ${index}`),
    value: Buffer.from(`value ${index}`),
  }));
}

export function accepted(buffer: Buffer, with_: ProduceContext = context()) {
  const outcome = validateProduced(buffer, with_);
  if (!outcome.ok) throw new Error(`refused: ${outcome.message}`);
  return outcome;
}

export function refused(buffer: Buffer, with_: ProduceContext = context()) {
  const outcome = validateProduced(buffer, with_);
  if (outcome.ok) throw new Error('accepted');
  return outcome;
}
