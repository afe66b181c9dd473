/**
 * What a coordinator needs of the replicated topic that holds its state: append with acks=all, and read
 * all of a partition, uncommitted records included, when it takes over. The broker builds it from
 * replication.
 */
import type { ErrorCode } from '../../errors.ts';
import type { CoordinatorAppend } from '../../replication/requests/coordinator-log.ts';

/** One topic; each of its partitions is the state of one coordinator. */
export interface StateLog {
  readonly topic: string;
  /** Resolves when the batch is replicated to all in-sync replicas, or with the error of the append. */
  append(
    partition: number,
    batch: Buffer,
    options: CoordinatorAppend,
  ): Promise<{ error: ErrorCode; baseOffset: number }>;
  /** Whole batches from `offset` on, none at the end of the log; null when this broker has no such log. */
  read(partition: number, offset: number, maxBytes: number): { bytes: Buffer; release(): void } | null;
  /** `max.message.bytes`: a batch that is larger is refused. */
  maxBatchBytes(partition: number): number;
  /** First and next offset of the log; null when this broker has no such log. */
  range(partition: number): { startOffset: number; endOffset: number } | null;
}
