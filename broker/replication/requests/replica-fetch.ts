/**
 * Consumer fetches: read what there is, and wait up to the consumer's patience while it is less than
 * the consumer asked for. Source: Kafka's ReplicaManager.fetchMessages and DelayedFetch.
 */

import { ErrorCode, isError } from '../../errors.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { Clock } from '../../platform/clock.ts';
import { SharedTurn } from '../../platform/loop-turns.ts';
import { afterwards, FEW, type Steps, type Turns } from '../../platform/turns.ts';
import { LateBytes } from '../../protocol/late-bytes.ts';
import { type PartitionKey, partitionKey } from '../../types.ts';
import {
  type FetchOutcome,
  type FetchPartition,
  type Isolation,
  type ReadContext,
  readablePartition,
  readableUpTo,
  readPartition,
} from './read-partition.ts';
import type { Waiting, WaitingRoom } from './waiting.ts';
import { WaitingForRoom } from './waiting-for-room.ts';

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Versions up to 2: no batch may go beyond the limits. */
  readonly hardMaxBytes?: boolean;
  readonly isolation: Isolation;
  /** The consumer's rack; null (versions below 11) lets it read from the leader only. */
  readonly clientRack: string | null;
  /** The records are needed before they are sent: to be converted for old clients. */
  readonly needsRecords?: boolean;
  readonly partitions: readonly FetchPartition[];
}

interface ReplicaFetchContext extends ReadContext {
  readonly clock: Clock;
  readonly waiting: WaitingRoom;
  /** `fetch.max.bytes` */
  readonly fetchMaxBytes: number;
}

/** A read may take some tens of microseconds. */
const READS_PER_TURN = 500;
/** Thousands may wait for one record: so many of them go on in one turn. */
const WOKEN_PER_TURN = 100;

export class ReplicaFetch {
  readonly #context: ReplicaFetchContext;
  readonly #forRoom: WaitingForRoom;
  readonly #woken: SharedTurn;

  constructor(context: ReplicaFetchContext) {
    this.#context = context;
    this.#woken = new SharedTurn(context.clock, WOKEN_PER_TURN);
    this.#forRoom = new WaitingForRoom(context);
  }

  /** Outcomes in the order of the partitions; a promise only when there is something to wait for, or they are very many. */
  fetch(request: FetchRequest, turns: Turns): FetchOutcome[] | Promise<FetchOutcome[]> {
    const mayWait = request.needsRecords === true && request.maxWaitMs > 0;
    if (!mayWait || this.#forRoom.isRoom) return this.#fetch(request, turns);
    const wants = turns.take(wantsRoom(request, this.#context));
    return afterwards(wants, (isWanted) => {
      if (!isWanted) return this.#fetch(request, turns);
      return this.#forRoom.wait(request.maxWaitMs, (maxWaitMs) =>
        this.#fetch({ ...request, maxWaitMs }, turns),
      );
    });
  }

  /** What may be read now: of records that are needed, what there is memory for. */
  #limited(request: FetchRequest): FetchRequest {
    const { answerMemory, fetchMaxBytes } = this.#context;
    const needs = request.needsRecords === true;
    const holdableBytes = needs ? answerMemory.atOnceBytes : Number.POSITIVE_INFINITY;
    const maxBytes = Math.min(request.maxBytes, fetchMaxBytes, holdableBytes);
    const hardMaxBytes = request.hardMaxBytes === true || (needs && answerMemory.leftBytes === 0);
    return { ...request, maxBytes, hardMaxBytes, minBytes: Math.min(request.minBytes, maxBytes) };
  }

  #fetch(request: FetchRequest, turns: Turns): FetchOutcome[] | Promise<FetchOutcome[]> {
    const limited = this.#limited(request);
    const read = () => {
      const now = request.needsRecords === true ? this.#limited(request) : limited;
      return turns.take(readAll(now, this.#context), READS_PER_TURN);
    };
    return afterwards(read(), (outcomes) => {
      if (limited.maxWaitMs <= 0 || isEnough(outcomes, limited)) return outcomes;
      for (const outcome of outcomes) outcome.release();
      const isLarge = outcomes.length > READS_PER_TURN;
      const goOn = async () => (isLarge ? turns.own().then(read) : read());
      return new Promise<FetchOutcome[]>((resolve, reject) => {
        const woken = () => this.#woken.run(() => resolve(goOn()));
        const fetch = new DelayedFetch(limited, this.#context, woken);
        if (isLarge) this.#waitInTurns(fetch, limited, turns).catch(reject);
        else this.#context.waiting.tryCompleteElseWait(fetch, fetch.keys(), limited.maxWaitMs);
      });
    });
  }

  async #waitInTurns(fetch: DelayedFetch, { maxWaitMs }: FetchRequest, turns: Turns): Promise<void> {
    await turns.take(this.#context.waiting.waitInSteps(fetch, fetch.keys(), maxWaitMs));
  }
}

/** Whether there is something to read, and nothing that must be told at once, which takes no memory. */
function* wantsRoom({ partitions, ...request }: FetchRequest, context: ReadContext): Steps<boolean> {
  let isSomething = false;
  for (const [index, want] of partitions.entries()) {
    const readable = readablePartition(want, request.clientRack, context);
    if (isError(readable)) return false;
    const { log } = readable;
    if (isOutOfRange(want, log)) return false;
    if (want.fetchOffset < readableUpTo(log, request.isolation)) isSomething = true;
    if (index > FEW) yield;
  }
  return isSomething;
}

function isOutOfRange({ fetchOffset }: FetchPartition, log: PartitionLog): boolean {
  return fetchOffset > log.endOffset || fetchOffset < log.startOffset;
}

/**
 * Reads partition by partition until the bytes of the answer are used up: at once what there is memory for,
 * which is all of most answers, and the rest when it is sent. To stop after that would be simpler, but the
 * partitions left out fall behind: Kafka's Java consumer then asks only for those it has nothing of any
 * more, which are at their end, and waits fetch.max.wait.ms in vain (5 to 38 MB/s were measured where 150
 * are usual).
 */
function* readAll(request: FetchRequest, context: ReplicaFetchContext): Steps<FetchOutcome[]> {
  let leftBytes = request.maxBytes;
  let minOneBatch = request.hardMaxBytes !== true;
  const { answerMemory } = context;
  const needs = request.needsRecords === true;
  let ownBytes = needs ? Number.POSITIVE_INFINITY : answerMemory.atOnceBytes;
  // Others have read since the last turn, or while the disk was waited for.
  const limitsNow = () => {
    const { isolation, clientRack } = request;
    const nowBytes = answerMemory.atOnceBytes;
    return {
      ...{ isolation, clientRack },
      maxBytes: needs ? Math.min(leftBytes, nowBytes) : leftBytes,
      minOneBatch: minOneBatch && !(needs && answerMemory.leftBytes === 0),
      atOnceBytes: needs ? ownBytes : Math.min(ownBytes, nowBytes),
    };
  };
  const outcomes: FetchOutcome[] = [];
  try {
    for (const want of request.partitions) {
      let outcome = readPartition(want, limitsNow(), context);
      if (outcome instanceof Promise) {
        yield outcome;
        outcome = readPartition(want, { ...limitsNow(), isWarm: true }, context);
      }
      if (outcome.records.length > 0) minOneBatch = false;
      if (!(outcome.records instanceof LateBytes)) ownBytes -= outcome.records.length;
      leftBytes = Math.max(0, leftBytes - outcome.records.length);
      outcomes.push(outcome);
      if (outcomes.length > FEW) yield;
    }
    return outcomes;
  } catch (error) {
    for (const outcome of outcomes) outcome.release();
    throw error;
  }
}

function isEnough(outcomes: readonly FetchOutcome[], request: FetchRequest): boolean {
  let bytes = 0;
  for (const outcome of outcomes) {
    const mustAnswerNow =
      outcome.error !== ErrorCode.NONE ||
      outcome.divergingEpoch !== null ||
      outcome.preferredReadReplica >= 0 ||
      outcome.isFull;
    if (mustAnswerNow) return true;
    bytes += outcome.records.length;
  }
  return outcomes.length === 0 || bytes >= request.minBytes;
}

/** What was readable of one partition at the last look. */
interface Counted {
  readonly log: PartitionLog;
  readonly upToOffset: number;
  readonly bytes: number;
}

/**
 * Waits until there is enough to read, or until waiting has become pointless. Once all partitions have been
 * looked at, only what has changed is: an append would cost as much as there are partitions otherwise.
 */
class DelayedFetch implements Waiting {
  readonly #request: FetchRequest;
  readonly #context: ReplicaFetchContext;
  readonly #completed: () => void;
  /** By index of the request's partitions; a hole for those that were never counted. */
  readonly #counted: (Counted | undefined)[] = [];
  /** Of those that it waits for. */
  readonly #indexes = new Map<PartitionKey, number>();
  /** What each partition adds to the answer, by index, and all of them. */
  readonly #readableBytes: (number | undefined)[] = [];
  #totalBytes = 0;

  constructor(request: FetchRequest, context: ReplicaFetchContext, completed: () => void) {
    this.#request = request;
    this.#context = context;
    this.#completed = completed;
  }

  /** What to wait for, noted as it is given out: there may be hundreds of thousands. */
  *keys(): Generator<PartitionKey> {
    for (const [index, { topic, partition }] of this.#request.partitions.entries()) {
      const key = partitionKey(topic, partition);
      this.#indexes.set(key, index);
      yield key;
    }
  }

  tryComplete(changed: PartitionKey | null): boolean {
    if (!this.#isReady(changed)) return false;
    this.expire();
    return true;
  }

  expire(): void {
    this.#completed();
  }

  #isReady(changed: PartitionKey | null): boolean {
    if (changed !== null) return this.#isReadyBy(this.#indexes.get(changed));
    return this.#request.partitions.some((_, index) => this.#isReadyBy(index));
  }

  /** Whether the fetch is ready with what this partition has now. */
  #isReadyBy(index = -1): boolean {
    const want = this.#request.partitions[index];
    if (want === undefined) return false;
    const bytes = this.#readable(index, want);
    if (bytes === null) return true;
    this.#totalBytes += bytes - (this.#readableBytes[index] ?? 0);
    this.#readableBytes[index] = bytes;
    return bytes > 0 && this.#totalBytes >= this.#request.minBytes;
  }

  /** Null: there is no use in waiting any more. */
  #readable(index: number, want: FetchPartition): number | null {
    const readable = readablePartition(want, this.#request.clientRack, this.#context);
    if (isError(readable)) return null; // it can't be served here any more
    const { log } = readable;
    if (isOutOfRange(want, log)) return null; // truncated
    const upToOffset = readableUpTo(log, this.#request.isolation);
    if (want.fetchOffset >= upToOffset) return 0;
    if (this.#request.minBytes <= 1) return null;
    const bytes = this.#look(index, want, { log, upToOffset });
    return bytes === null ? null : Math.min(want.maxBytes, bytes);
  }

  /** Readable bytes; null when no more can come because the rest lies in another segment, or on failure. */
  #look(
    index: number,
    want: FetchPartition,
    readable: { readonly log: PartitionLog; readonly upToOffset: number },
  ): number | null {
    const { log, upToOffset } = readable;
    const before = this.#counted[index];
    try {
      const bytes = log.bytesBetween(want.fetchOffset, upToOffset);
      const isLater = before !== undefined && before.log === log && before.upToOffset < upToOffset;
      const grownBytes = isLater ? log.bytesBetween(before.upToOffset, upToOffset) : 0;
      this.#counted[index] = { log, upToOffset, bytes };
      return isLater && bytes < before.bytes + grownBytes ? null : bytes;
    } catch {
      return null; // the read that answers meets the same failure and reports it
    }
  }
}
