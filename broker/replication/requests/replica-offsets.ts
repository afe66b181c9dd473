/**
 * Questions about offsets: ListOffsets and OffsetForLeaderEpoch.
 * Source: Kafka's Partition.fetchOffsetForTimestamp, lastOffsetForLeaderEpoch.
 */

import { ErrorCode, isError } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { EpochEnd } from '../../log/files/epoch-history.ts';
import { EARLIEST_TIMESTAMP, LARGEST, LATEST_TIMESTAMP, type OffsetAtTime } from '../../log/lookup.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { Workers } from '../../platform/workers.ts';
import { DecompressedTooLarge } from '../../records/batch.ts';
import { type DecompressionAllowance, TooMuchForTurn } from '../../records/decompression-allowance.ts';
import { NO_EPOCH } from '../../types.ts';
import type { HostedPartitions } from '../hosted-partitions.ts';
import type { Partition } from '../partition.ts';
import type { Isolation } from './read-partition.ts';
import { searchElsewhere } from './search-elsewhere.ts';

/** More timestamps with a meaning of their own. */
export const MAX_TIMESTAMP = -3;
export const EARLIEST_LOCAL_TIMESTAMP = -4;
export const LATEST_TIERED_TIMESTAMP = -5;

export interface ListOffsetQuery {
  readonly timestampMs: Int64;
  /** null: a replica or a debugging consumer, who sees all of the log. */
  readonly isolation: Isolation | null;
  readonly currentLeaderEpoch: number;
  /** False lets a follower answer. */
  readonly fetchOnlyLeader: boolean;
  /** What the request as a whole may have decompressed; what comes after is to be asked for again. */
  readonly decompression?: DecompressionAllowance;
  /** Who asks: those who ask much take turns. */
  readonly from?: string;
}

export interface LegacyOffsetsQuery {
  readonly timestampMs: number;
  readonly maxOffsets: number;
  /** Who is none sees all of the log. */
  readonly isConsumer: boolean;
  readonly fetchOnlyLeader: boolean;
}

/** Where `leaderEpoch` ends; `currentLeaderEpoch` is what the asker takes for the present one. */
export interface EpochEndQuery {
  readonly leaderEpoch: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOnlyLeader: boolean;
}

export interface OffsetAnswer extends OffsetAtTime {
  readonly error: ErrorCode;
}

interface OffsetsContext {
  readonly hosted: HostedPartitions;
  readonly workers: Workers;
  readonly failureOf: (partition: { topic: string; partition: number }, error: unknown) => ErrorCode;
}

export class ReplicaOffsets {
  readonly #context: OffsetsContext;

  constructor(context: OffsetsContext) {
    this.#context = context;
  }

  /** A promise only where a batch must be opened that would hold the event loop. */
  listOffset(topic: string, partition: number, query: ListOffsetQuery): OffsetAnswer | Promise<OffsetAnswer> {
    const found = this.#partition(topic, partition, query);
    if (isError(found)) return noOffset(found);
    const refused = (error: unknown): OffsetAnswer => {
      if (error instanceof DecompressedTooLarge && query.decompression?.isSpent === true) {
        return noOffset(ErrorCode.OFFSET_NOT_AVAILABLE);
      }
      return noOffset(this.#context.failureOf({ topic, partition }, error));
    };
    try {
      return offsetFor(found.partition, found.log, query);
    } catch (error) {
      if (!(error instanceof TooMuchForTurn)) return refused(error);
      return this.#search(found, query).catch(refused);
    }
  }

  /** ListOffsets v0: a consumer is told the high watermark in the place of what lies beyond it. */
  legacyOffsets(
    topic: string,
    partition: number,
    { timestampMs, maxOffsets, isConsumer, fetchOnlyLeader }: LegacyOffsetsQuery,
  ): { readonly error: ErrorCode; readonly offsets: readonly number[] } {
    const found = this.#partition(topic, partition, { currentLeaderEpoch: NO_EPOCH, fetchOnlyLeader });
    if (isError(found)) return { error: found, offsets: [] };
    try {
      const { log } = found;
      const offsets = log.legacyOffsetsBefore(timestampMs, maxOffsets);
      const visible = offsets.filter((offset) => offset <= log.highWatermark);
      if (isConsumer && visible.length < offsets.length) visible.unshift(log.highWatermark);
      return { error: ErrorCode.NONE, offsets: isConsumer ? visible : offsets };
    } catch (error) {
      return { error: this.#context.failureOf({ topic, partition }, error), offsets: [] };
    }
  }

  endOffsetForEpoch(
    topic: string,
    partition: number,
    query: EpochEndQuery,
  ): EpochEnd & { readonly error: ErrorCode } {
    const found = this.#partition(topic, partition, query);
    if (isError(found)) return { error: found, epoch: -1, endOffset: -1 };
    const { log } = found;
    return { error: ErrorCode.NONE, ...log.epochs.endOffsetFor(query.leaderEpoch, log.endOffset) };
  }

  /** As offsetFor, with the batches opened elsewhere. What is deleted meanwhile is to be asked for again. */
  async #search(
    { partition, log }: { readonly partition: Partition; readonly log: PartitionLog },
    query: ListOffsetQuery,
  ): Promise<OffsetAnswer> {
    const batches = log.batchesByTime(timeOf(query));
    for (let next = batches.next(); !next.done; next = batches.next()) {
      const found = await searchElsewhere(this.#context.workers, log, next.value, query);
      if (found === 'gone') return noOffset(ErrorCode.OFFSET_NOT_AVAILABLE);
      if (found !== null) return visible(found, partition, log, query);
    }
    return visible(null, partition, log, query);
  }

  #partition(
    topic: string,
    partition: number,
    query: { readonly currentLeaderEpoch: number; readonly fetchOnlyLeader: boolean },
  ): { partition: Partition; log: PartitionLog } | ErrorCode {
    const found = this.#context.hosted.lookup(topic, partition);
    if (isError(found)) return found;
    const error = found.checkLeaderEpoch(query.currentLeaderEpoch, query.fetchOnlyLeader);
    if (error !== ErrorCode.NONE) return error;
    return found.log === null ? ErrorCode.NOT_LEADER_OR_FOLLOWER : { partition: found, log: found.log };
  }
}

function offsetFor(partition: Partition, log: PartitionLog, query: ListOffsetQuery): OffsetAnswer {
  const { timestampMs, isolation } = query;
  switch (timestampMs) {
    case LATEST_TIMESTAMP: {
      if (mayFallBack(partition, log, isolation)) return noOffset(ErrorCode.OFFSET_NOT_AVAILABLE);
      const offset = endFor(log, isolation);
      return { error: ErrorCode.NONE, offset, timestampMs: -1, leaderEpoch: partition.leaderEpoch };
    }
    case EARLIEST_TIMESTAMP:
    case EARLIEST_LOCAL_TIMESTAMP: {
      const leaderEpoch = log.epochs.epochAt(log.startOffset);
      return { error: ErrorCode.NONE, offset: log.startOffset, timestampMs: -1, leaderEpoch };
    }
    case LATEST_TIERED_TIMESTAMP:
      return noOffset(ErrorCode.NONE); // nothing is ever tiered here
    default:
      return visible(
        log.offsetForTimestamp(timeOf(query), query.decompression?.decompress),
        partition,
        log,
        query,
      );
  }
}

function timeOf({ timestampMs }: ListOffsetQuery): Int64 | typeof LARGEST {
  return timestampMs === MAX_TIMESTAMP ? LARGEST : timestampMs;
}

/** What was found, unless the asker may not see it yet. */
function visible(
  found: OffsetAtTime | null,
  partition: Partition,
  log: PartitionLog,
  { isolation }: ListOffsetQuery,
): OffsetAnswer {
  if (found !== null && found.offset < endFor(log, isolation)) return { error: ErrorCode.NONE, ...found };
  return noOffset(mayFallBack(partition, log, isolation) ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.NONE);
}

/** A leader that has not yet committed what it began with may know less than its predecessor told. */
function mayFallBack(partition: Partition, log: PartitionLog, isolation: Isolation | null): boolean {
  return isolation !== null && partition.leaderEpochStartOffset > log.highWatermark;
}

function endFor(log: PartitionLog, isolation: Isolation | null): number {
  if (isolation === null) return log.endOffset;
  return isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark;
}

function noOffset(error: ErrorCode): OffsetAnswer {
  return { error, offset: -1, timestampMs: -1, leaderEpoch: -1 };
}
