/** Batches turned into messages of an old format in another thread: those of one answer, one partition after the other. */
import type { ErrorCode } from '../errors.ts';
import { asBuffer, type Job, ownBytes } from '../platform/workers.ts';
import { type Converted, downConvert } from './convert.ts';
import { DecompressionAllowance, type DecompressionLimits } from './decompression-allowance.ts';
import type { LegacyMagic } from './legacy.ts';

interface ConvertInput {
  readonly partitions: readonly { readonly records: Uint8Array<ArrayBuffer>; readonly fetchOffset: number }[];
  readonly toMagic: LegacyMagic;
  readonly limits: DecompressionLimits;
  /** What the whole answer may have converted. */
  readonly maxBytes: number;
}

interface ConvertOutput {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly error: ErrorCode;
}

export const CONVERT_JOB: Job<ConvertInput, readonly ConvertOutput[]> = {
  name: 'convert batches to an old format',
  run({ partitions, toMagic, limits, maxBytes }) {
    const conversion = {
      toMagic,
      decompression: new DecompressionAllowance(limits),
      allowance: { bytesLeft: maxBytes },
    };
    return partitions.map(({ records, fetchOffset }) => {
      const { bytes, error } = downConvert(asBuffer(records), { ...conversion, fetchOffset });
      return { bytes: ownBytes(bytes), error };
    });
  },
  handedOver: ({ partitions }) => partitions.map(({ records }) => records.buffer),
  handedBack: (converted) => converted.map(({ bytes }) => bytes.buffer),
};

/** As if it had been converted here. */
export function convertedOf({ bytes, error }: ConvertOutput): Converted {
  return { bytes: asBuffer(bytes), error };
}
