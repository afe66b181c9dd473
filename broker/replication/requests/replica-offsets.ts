/**
 * Questions about offsets: ListOffsets, OffsetForLeaderEpoch, and DeleteRecords, which raises the first
 * offset and waits until the live replicas have followed.
 * Source: Kafka's Partition.fetchOffsetForTimestamp, lastOffsetForLeaderEpoch, DelayedDeleteRecords.
 */

import { ErrorCode, isError } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import { LargeMap } from '../../large-map.ts';
import type { EpochEnd } from '../../log/files/epoch-history.ts';
import { EARLIEST_TIMESTAMP, LARGEST, LATEST_TIMESTAMP, type OffsetAtTime } from '../../log/lookup.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { afterwards, FEW, type Steps, type Turns } from '../../platform/turns.ts';
import type { Workers } from '../../platform/workers.ts';
import { DecompressedTooLarge } from '../../records/batch.ts';
import { type DecompressionAllowance, TooMuchForTurn } from '../../records/decompression-allowance.ts';
import { NO_EPOCH, type PartitionKey, partitionKey } from '../../types.ts';
import type { HostedPartitions } from '../hosted-partitions.ts';
import type { Partition } from '../partition.ts';
import type { Isolation } from './read-partition.ts';
import { searchElsewhere } from './search-elsewhere.ts';
import type { Waiting, WaitingRoom } from './waiting.ts';

/** More timestamps with a meaning of their own. */
export const MAX_TIMESTAMP = -3;
export const EARLIEST_LOCAL_TIMESTAMP = -4;
export const LATEST_TIERED_TIMESTAMP = -5;

/** To raise the first offset of a log may delete files. */
const RAISED_PER_TURN = 100;
/** DeleteRecords: everything up to the high watermark. */
const TO_HIGH_WATERMARK = -1;

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

export interface DeleteRecordsEntry {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** `lowWatermark` is -1 with an error, unless it is REQUEST_TIMED_OUT. */
export interface DeleteRecordsOutcome {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
  readonly lowWatermark: number;
}

interface OffsetsContext {
  readonly hosted: HostedPartitions;
  readonly waiting: WaitingRoom;
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

  /** Outcomes in the order of the entries; a promise when followers have yet to follow, or there are very many. */
  deleteRecords(
    entries: readonly DeleteRecordsEntry[],
    timeoutMs: number,
    turns: Turns,
  ): DeleteRecordsOutcome[] | Promise<DeleteRecordsOutcome[]> {
    const operation = new DelayedDeleteRecords(this.#context.hosted);
    const raised = turns.take(this.#raiseAll(entries, operation), RAISED_PER_TURN);
    return afterwards(raised, () => {
      const isLarge = entries.length > FEW && operation.isPending;
      if (!isLarge && operation.tryComplete(null)) return operation.outcomes;
      return new Promise((resolve, reject) => {
        operation.completed = resolve;
        if (isLarge) this.#waitInTurns(operation, timeoutMs, turns).catch(reject);
        else this.#context.waiting.tryCompleteElseWait(operation, operation.keys(), timeoutMs);
      });
    });
  }

  *#raiseAll(entries: readonly DeleteRecordsEntry[], operation: DelayedDeleteRecords): Steps<void> {
    for (const entry of entries) {
      operation.add(this.#raise(entry));
      if (entries.length > FEW) yield;
    }
  }

  async #waitInTurns(operation: DelayedDeleteRecords, timeoutMs: number, turns: Turns): Promise<void> {
    await turns.take(this.#context.waiting.waitInSteps(operation, operation.keys(), timeoutMs));
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

  /** Raises the log start of one partition; `requiredOffset` is what replicas must reach. */
  #raise(entry: DeleteRecordsEntry): Deletion {
    const failed = (error: ErrorCode): Deletion => ({ ...entry, error, requiredOffset: -1 });
    const partition = this.#context.hosted.lookup(entry.topic, entry.partition);
    if (isError(partition)) return failed(partition);
    const { log } = partition;
    if (!partition.isLeader || log === null) return failed(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (!log.config.cleanupPolicy.delete) return failed(ErrorCode.POLICY_VIOLATION);
    const requiredOffset = entry.offset === TO_HIGH_WATERMARK ? log.highWatermark : entry.offset;
    if (requiredOffset < 0 || requiredOffset > log.highWatermark)
      return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
    try {
      partition.raiseStartOffset(requiredOffset);
    } catch (error) {
      return failed(this.#context.failureOf(entry, error));
    }
    return { ...entry, error: ErrorCode.NONE, requiredOffset };
  }
}

interface Deletion {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
  readonly requiredOffset: number;
}

/** Waits until no live replica has the deleted records any more. */
class DelayedDeleteRecords implements Waiting {
  completed: (outcomes: DeleteRecordsOutcome[]) => void = () => {};
  /** In the order of the deletions; complete once nothing is pending. */
  readonly outcomes: DeleteRecordsOutcome[] = [];
  readonly #hosted: HostedPartitions;
  /** Those that some live replica has not followed yet, with their places in `outcomes`. */
  readonly #pending = new LargeMap<PartitionKey, readonly (Deletion & { readonly index: number })[]>();

  constructor(hosted: HostedPartitions) {
    this.#hosted = hosted;
  }

  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  add(deletion: Deletion): void {
    const { topic, partition, error } = deletion;
    const index = this.outcomes.push({ topic, partition, error, lowWatermark: -1 }) - 1;
    if (error !== ErrorCode.NONE) return;
    const key = partitionKey(topic, partition);
    this.#pending.set(key, [...(this.#pending.get(key) ?? []), { ...deletion, index }]);
  }

  /** As of now: those that are done are left out. */
  keys(): Iterable<PartitionKey> {
    return this.#pending.keys();
  }

  tryComplete(changed: PartitionKey | null): boolean {
    for (const key of changed === null ? this.#pending.keys() : [changed]) this.#look(key, null);
    if (this.isPending) return false;
    this.completed(this.outcomes);
    return true;
  }

  expire(): void {
    for (const key of this.#pending.keys()) this.#look(key, ErrorCode.REQUEST_TIMED_OUT);
    this.completed(this.outcomes);
  }

  #look(key: PartitionKey, lateError: ErrorCode | null): void {
    const left = this.#pending.get(key)?.filter((one) => !this.#isSettled(one, lateError));
    if (left?.length === 0) this.#pending.delete(key);
    else if (left !== undefined) this.#pending.set(key, left);
  }

  #isSettled(
    { topic, partition: number, requiredOffset, index }: Deletion & { readonly index: number },
    lateError: ErrorCode | null,
  ): boolean {
    const settle = (error: ErrorCode, lowWatermark: number): true => {
      this.outcomes[index] = { topic, partition: number, error, lowWatermark };
      return true;
    };
    const partition = this.#hosted.lookup(topic, number);
    if (isError(partition)) return settle(partition, -1);
    if (!partition.isLeader) return settle(ErrorCode.NOT_LEADER_OR_FOLLOWER, -1);
    const lowWatermark = partition.lowWatermark();
    if (lowWatermark >= requiredOffset) return settle(ErrorCode.NONE, lowWatermark);
    return lateError !== null && settle(lateError, lowWatermark);
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
