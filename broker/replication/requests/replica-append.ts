/**
 * Appends of producers and coordinators, and what the three values of acks promise: 0 and 1 are
 * answered when the leader has the records, -1 when the high watermark has passed them.
 * Source: Kafka's ReplicaManager.appendRecords and DelayedProduce.
 */

import { ErrorCode, isError } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { AppendInfo, LeaderAppendOptions } from '../../log/append.ts';
import type { Clock } from '../../platform/clock.ts';
import { SharedTurn } from '../../platform/loop-turns.ts';
import type { Turns } from '../../platform/turns.ts';
import { isInternalTopic, type PartitionKey, partitionKey } from '../../types.ts';
import type { CurrentLeader, HostedPartitions } from '../hosted-partitions.ts';
import type { AppendEntry } from './append-entry.ts';
import type { Waiting, WaitingRoom } from './waiting.ts';

/** `acks` other than 0, 1 and -1 is refused for every entry. */
export interface AppendRequest {
  readonly acks: number;
  readonly timeoutMs: number;
  readonly origin: LeaderAppendOptions['origin'];
  readonly apiVersion: number;
  readonly entries: readonly AppendEntry[];
  /** Clients may write to internal topics only as `__admin_client`. */
  readonly internalTopicsAllowed?: boolean;
  /** With records of a transaction from a client: whose it is. */
  readonly transactionalId?: string;
  /** With very many entries of different partitions: those of a transaction are appended in these turns. */
  readonly turns?: Turns;
  /** What all entries together may have decompressed. */
  readonly decompression?: LeaderAppendOptions['decompression'];
  /** Who asks: those who ask much take turns. */
  readonly from?: string;
  /** Says that records of so many bytes are kept for later; what it returns says that they are no more. */
  readonly keep?: (sizeBytes: number) => () => void;
}

/** Offsets are -1 with an error. */
export interface AppendOutcome {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly logAppendTimeMs: Int64;
  readonly logStartOffset: number;
  readonly recordErrors: NonNullable<AppendInfo['recordErrors']>;
  readonly errorMessage: string | null;
  /** With NOT_LEADER_OR_FOLLOWER: who leads as far as this broker knows. */
  readonly currentLeader: CurrentLeader | null;
}

/** Records of thousands of requests may be replicated at the same moment: so many of those are answered in one turn. */
const ANSWERED_PER_TURN = 100;

interface AppendContext {
  readonly clock: Clock;
  readonly hosted: HostedPartitions;
  readonly waiting: WaitingRoom;
  readonly failureOf: (partition: { topic: string; partition: number }, error: unknown) => ErrorCode;
}

export class ReplicaAppend {
  readonly #context: AppendContext;
  readonly #answered: SharedTurn;

  constructor(context: AppendContext) {
    this.#context = context;
    this.#answered = new SharedTurn(context.clock, ANSWERED_PER_TURN);
  }

  /** Outcomes in the order of the entries; a promise only when there is something to wait for. */
  append(request: AppendRequest): AppendOutcome[] | Promise<AppendOutcome[]> {
    const { acks } = request;
    if (acks !== -1 && acks !== 0 && acks !== 1) {
      return request.entries.map((entry) => this.#refusal(entry, ErrorCode.INVALID_REQUIRED_ACKS));
    }
    const outcomes = request.entries.map((entry) => this.#appendOne(entry, request, acks));
    if (acks !== -1 || !outcomes.some(({ error }) => error === ErrorCode.NONE)) return outcomes;
    const produce = new DelayedProduce(outcomes, this.#context);
    if (produce.tryComplete(null)) return produce.outcomes;
    return new Promise((resolve) => {
      produce.completed = (all) => this.#answered.run(() => resolve(all));
      this.#context.waiting.tryCompleteElseWait(produce, produce.keys(), request.timeoutMs);
    });
  }

  #appendOne(entry: AppendEntry, request: AppendRequest, acks: -1 | 0 | 1): AppendOutcome {
    const { origin, apiVersion, decompression } = request;
    if (entry.refusal !== undefined) {
      return { ...this.#refusal(entry, entry.refusal.error), errorMessage: entry.refusal.message };
    }
    if (origin === 'client' && isInternalTopic(entry.topic) && request.internalTopicsAllowed !== true) {
      return this.#refusal(entry, ErrorCode.INVALID_TOPIC_EXCEPTION);
    }
    const partition = this.#context.hosted.lookup(entry.topic, entry.partition);
    if (isError(partition)) return this.#refusal(entry, partition);
    const { verification, prepared } = entry;
    // A topic of the same name, made anew since the records were checked.
    if (prepared !== undefined && prepared.log !== partition.log) {
      return this.#refusal(entry, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    let info: AppendInfo | ErrorCode;
    try {
      info = partition.append(entry.records, {
        acks,
        origin,
        apiVersion,
        decompression,
        verification,
        prepared: prepared?.outcome,
      });
    } catch (error) {
      return this.#refusal(entry, this.#context.failureOf(entry, error));
    }
    if (isError(info)) return this.#refusal(entry, info);
    return {
      topic: entry.topic,
      partition: entry.partition,
      error: info.error,
      baseOffset: info.firstOffset,
      lastOffset: info.lastOffset,
      logAppendTimeMs: info.logAppendTimeMs,
      logStartOffset: info.logStartOffset,
      recordErrors: info.recordErrors ?? [],
      errorMessage: info.errorMessage ?? null,
      currentLeader: null,
    };
  }

  #refusal(entry: { topic: string; partition: number }, error: ErrorCode): AppendOutcome {
    const { topic, partition } = entry;
    const lostLead = error === ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return {
      topic,
      partition,
      error,
      baseOffset: -1,
      lastOffset: -1,
      logAppendTimeMs: -1,
      logStartOffset: -1,
      recordErrors: [],
      errorMessage: null,
      currentLeader: lostLead ? this.#context.hosted.currentLeader(topic, partition) : null,
    };
  }
}

/** Waits until the high watermark of each partition has passed what was appended to it. */
class DelayedProduce implements Waiting {
  /** In the order of the entries; complete once nothing is pending. */
  readonly outcomes: AppendOutcome[];
  completed: (outcomes: AppendOutcome[]) => void = () => {};
  readonly #context: AppendContext;
  /** Indexes into `outcomes`; most requests have one for each partition, some have ten thousand of them. */
  readonly #pending = new Map<PartitionKey, number[]>();

  constructor(outcomes: AppendOutcome[], context: AppendContext) {
    this.outcomes = outcomes;
    this.#context = context;
    outcomes.forEach(({ error, topic, partition }, index) => {
      if (error !== ErrorCode.NONE) return;
      const key = partitionKey(topic, partition);
      const those = this.#pending.get(key);
      if (those === undefined) this.#pending.set(key, [index]);
      else those.push(index);
    });
  }

  keys(): PartitionKey[] {
    return [...this.#pending.keys()];
  }

  tryComplete(changed: PartitionKey | null): boolean {
    for (const key of changed === null ? this.#pending.keys() : [changed]) this.#look(key);
    if (this.#pending.size > 0) return false;
    this.completed(this.outcomes);
    return true;
  }

  expire(): void {
    for (const indexes of this.#pending.values()) {
      for (const index of indexes) this.#settle(index, ErrorCode.REQUEST_TIMED_OUT);
    }
    this.completed(this.outcomes);
  }

  #look(key: PartitionKey): void {
    const left = this.#pending.get(key)?.filter((index) => {
      const verdict = this.#verdict(index);
      if (verdict !== null) this.#settle(index, verdict);
      return verdict === null;
    });
    if (left?.length === 0) this.#pending.delete(key);
    else if (left !== undefined) this.#pending.set(key, left);
  }

  /** What to answer, null while the high watermark has not passed the records. */
  #verdict(index: number): ErrorCode | null {
    const outcome = this.outcomes[index];
    if (outcome === undefined) return ErrorCode.NONE;
    const partition = this.#context.hosted.lookup(outcome.topic, outcome.partition);
    return isError(partition) ? partition : partition.acknowledgedByAll(outcome.lastOffset + 1);
  }

  #settle(index: number, error: ErrorCode): void {
    const outcome = this.outcomes[index];
    if (outcome === undefined || error === ErrorCode.NONE) return;
    const lostLead = error === ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const currentLeader = lostLead
      ? this.#context.hosted.currentLeader(outcome.topic, outcome.partition)
      : null;
    this.outcomes[index] = { ...outcome, error, currentLeader };
  }
}
