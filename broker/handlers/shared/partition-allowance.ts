/**
 * request.max.new.partitions: how many partitions one request may create. Placing replicas, and storing
 * them, takes memory and time for each partition, and a request of a few bytes can ask for billions.
 * Source: the limit and the words of KRaft's ReplicationControlManager (MAX_RECORDS_PER_BATCH).
 */
import { ErrorCode } from '../../errors.ts';

export const TOO_MANY_PARTITIONS = {
  errorCode: ErrorCode.POLICY_VIOLATION,
  errorMessage: 'Excessively large number of partitions per request.',
} as const;

/** Says of each topic of a request, in turn, whether its partitions still fit. */
export function partitionAllowance(maxPartitions: number): (partitions: number) => boolean {
  let left = maxPartitions;
  return (partitions) => {
    if (partitions > left) return false;
    left -= Math.max(0, partitions);
    return true;
  };
}
