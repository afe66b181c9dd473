/** What the configs allow one request to have decompressed. */
import type { FixedConfig } from '../../config/broker-config.ts';
import { OpeningAllowance } from '../../records/opening.ts';

export function openingAllowance(config: FixedConfig): OpeningAllowance {
  return new OpeningAllowance({
    batchBytes: config.compressedBatchMaxDecompressedBytes,
    batchRecords: config.compressedBatchMaxRecords,
    requestBytes: config.requestMaxDecompressedBytes,
    requestRecords: config.requestMaxDecompressedRecords,
  });
}
