/**
 * What a coordinator needs of the replicated topic that holds its state: append with acks=all, and read
 * all of a partition, uncommitted records included, when it takes over. The broker builds it from
 * replication.
 */
import type { ErrorCode } from '../../errors.ts';
import type { Codec } from '../../records/batch.ts';
import type { CoordinatorAppend } from '../../replication/requests/coordinator-log.ts';

/** What lies on the disk is not what was written. */
export class DamagedLog extends Error {
  override readonly name = 'DamagedLog';
}

/** One topic; each of its partitions is the state of one coordinator. */
export interface StateLog {
  readonly topic: string;
  /** Resolves when the batch is replicated to all in-sync replicas, or with the error of the append. */
  append(
    partition: number,
    batch: Buffer,
    options: CoordinatorAppend,
  ): Promise<{ error: ErrorCode; baseOffset: number }>;
  /**
   * Whole batches from `offset` on, none at the end of the log; null when this broker has no such log. `lost`: what
   * was passed over before them, the rest of a segment in which no more batch can be read. Throws DamagedLog
   * where the next bytes are no batch, and no segment comes after them.
   */
  read(
    partition: number,
    offset: number,
    maxBytes: number,
  ): { bytes: Buffer; lost?: string | null; release(): void } | null;
  /**
   * The records of a batch of this log, which `data` are under this codec; `data` must stay as it is
   * meanwhile. It holds up nobody, however much it is. Rejects with CorruptBatch.
   */
  decompress(codec: Codec, data: Buffer): Promise<Buffer>;
  /** `max.message.bytes`: a batch that is larger is refused. */
  maxBatchBytes(partition: number): number;
  /** Whether other replicas are in sync, and so have everything that was acknowledged. */
  hasOtherCopies(partition: number): boolean;
  /** First and next offset of the log; null when this broker has no such log. */
  range(partition: number): { startOffset: number; endOffset: number } | null;
}
