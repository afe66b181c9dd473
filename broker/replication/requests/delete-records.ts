/**
 * DeleteRecords: raises the first offset of logs, and waits until the live replicas have followed.
 * Source: Kafka's ReplicaManager.deleteRecordsOnLocalLog, DelayedDeleteRecords.
 */
import { ErrorCode, isError } from '../../errors.ts';
import { LargeMap } from '../../large-map.ts';
import { afterwards, FEW, type Steps, type Turns } from '../../platform/turns.ts';
import { type PartitionKey, partitionKey } from '../../types.ts';
import type { HostedPartitions } from '../hosted-partitions.ts';
import type { Waiting, WaitingRoom } from './waiting.ts';

/** To raise the first offset of a log may delete files. */
const RAISED_PER_TURN = 100;
/** Everything up to the high watermark. */
const TO_HIGH_WATERMARK = -1;

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

interface Deletion {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
  readonly requiredOffset: number;
}

interface DeleteRecordsContext {
  readonly hosted: HostedPartitions;
  readonly waiting: WaitingRoom;
  readonly failureOf: (partition: { topic: string; partition: number }, error: unknown) => ErrorCode;
}

export class ReplicaDeleteRecords {
  readonly #context: DeleteRecordsContext;

  constructor(context: DeleteRecordsContext) {
    this.#context = context;
  }

  /** Outcomes in the order of the entries; a promise when followers have yet to follow, or there are very many. */
  delete(
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
