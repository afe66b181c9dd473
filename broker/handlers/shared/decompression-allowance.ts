/** What the configs allow one request to have decompressed. */
import type { FixedConfig } from '../../config/broker-config.ts';
import { DecompressionAllowance } from '../../records/decompression-allowance.ts';

export function decompressionAllowance(config: FixedConfig): DecompressionAllowance {
  return new DecompressionAllowance({
    batchBytes: config.compressedBatchMaxDecompressedBytes,
    batchRecords: config.compressedBatchMaxRecords,
    requestBytes: config.requestMaxDecompressedBytes,
    requestRecords: config.requestMaxDecompressedRecords,
  });
}
