/**
 * What one request may make this broker do, by the configs of config/definitions/limits.ts: a request of
 * a few bytes can ask for billions of partitions, or be compressed from gigabytes.
 */
import type { FixedConfig } from '../../config/broker-config.ts';
import { ErrorCode } from '../../errors.ts';
import type { Workers } from '../../platform/workers.ts';
import { DecompressionAllowance } from '../../records/decompression-allowance.ts';

/** Source: the limit and the words of KRaft's ReplicationControlManager (MAX_RECORDS_PER_BATCH). */
export const TOO_MANY_PARTITIONS = {
  errorCode: ErrorCode.POLICY_VIOLATION,
  errorMessage: 'Excessively large number of partitions per request.',
} as const;

/**
 * request.max.new.partitions: says of each topic of a request, in turn, whether its partitions still fit.
 * Placing replicas, and storing them, takes memory and time for each partition.
 */
export function partitionAllowance(maxPartitions: number): (partitions: number) => boolean {
  let left = maxPartitions;
  return (partitions) => {
    if (partitions > left) return false;
    left -= Math.max(0, partitions);
    return true;
  };
}

/** What one request may have decompressed, and how much of it in this turn of the event loop. */
export function decompressionAllowance(config: FixedConfig, workers: Workers): DecompressionAllowance {
  return new DecompressionAllowance(
    {
      batchBytes: config.compressedBatchMaxDecompressedBytes,
      batchRecords: config.compressedBatchMaxRecords,
      requestBytes: config.requestMaxDecompressedBytes,
      requestRecords: config.requestMaxDecompressedRecords,
    },
    workers.turn,
  );
}
