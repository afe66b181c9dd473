/**
 * The transaction coordinator of this broker: answers for the transactional ids whose partition of
 * `__transaction_state` it leads. It gives producers their epochs, knows which partitions their transactions
 * write to, decides how a transaction ends, and sees to it that all of its partitions learn of it.
 * Source: Kafka's TransactionCoordinator.
 */
import { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Journal } from '../../platform/journal.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { SampleWindow } from '../../quotas/sampled-rate.ts';
import type { TopicPartition } from '../../types.ts';
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import { LoadTimes } from '../runtime/load-times.ts';
import type { StateLog } from '../runtime/state-log.ts';
import { CompletionWaits } from './completion-waits.ts';
import { decideEnd } from './end-transaction.ts';
import { decideInit, type ProducerIdAndEpoch } from './init-producer-id.ts';
import type { MarkerSender } from './marker-sender.ts';
import { isEnding, newTransaction, type Transaction } from './transaction.ts';
import { type CleanupSettings, TransactionCleanup } from './transaction-cleanup.ts';
import { TransactionEndings } from './transaction-endings.ts';
import { type ListedTransaction, type ListFilters, listed } from './transaction-listing.ts';
import { type TransactionRuntime, writeTransaction } from './transaction-log.ts';
import { addPartitions, type Claim, verifyPartitions } from './transaction-partitions.ts';
import { transactionRecordCodec } from './transaction-records.ts';
import {
  type PlacedEntry,
  type TransactionEntry,
  type TransactionOwner,
  TransactionShard,
} from './transaction-shard.ts';

export interface TransactionSettings extends CleanupSettings {
  /** More are only taken over from other coordinators. */
  readonly maxIds: number;
  readonly maxTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** How long a request waits for what keeps it from being decided upon. */
  readonly completionWaitMs: number;
  readonly loadBufferSizeBytes: number;
  /** Over which load times are shown. */
  readonly metricsWindow: SampleWindow;
}

interface InitProducerIdRequest {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  readonly expected: ProducerIdAndEpoch | null;
}

interface InitAnswer extends ProducerIdAndEpoch {
  readonly error: ErrorCode;
}

interface OwnClaim extends Claim {
  readonly transactionalId: string;
}

interface CoordinatorParts {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly log: StateLog;
  readonly settings: TransactionSettings;
  /** Partitions of `__transaction_state`: which one an id falls into must not change once the topic is known. */
  readonly partitionCount: () => number;
  readonly producerIds: { generate(): Promise<number | null> };
  readonly markers: Pick<MarkerSender, 'send' | 'shutdown'>;
}

export class TransactionCoordinator {
  readonly #parts: CoordinatorParts;
  readonly #runtime: TransactionRuntime;
  readonly #endings: TransactionEndings;
  readonly #waits: CompletionWaits;
  readonly #cleanup: TransactionCleanup;
  readonly #loadTimes: LoadTimes;

  constructor(parts: CoordinatorParts) {
    const { clock, settings } = parts;
    this.#parts = parts;
    this.#loadTimes = new LoadTimes(
      parts,
      'kafka_server_transaction_coordinator_metrics',
      settings.metricsWindow,
    );
    this.#runtime = new CoordinatorRuntime(
      {
        ...parts,
        codec: transactionRecordCodec,
        newShard: () => new TransactionShard(),
        loaded: (owner, tookMs) => this.#loaded(owner, tookMs),
        failed: ({ partition, leaderEpoch }, reason) =>
          parts.journal.record({ kind: 'transactions-failed', partition, leaderEpoch, reason }),
        unloaded: ({ partition, shard }, why) => {
          parts.journal.record({ kind: 'transactions-resigned', partition, why });
          for (const entry of shard.entries.values()) entry.settled?.();
        },
      },
      { loadBufferSizeBytes: settings.loadBufferSizeBytes, writeTimeoutMs: settings.writeTimeoutMs },
    );
    parts.metrics.gauge(
      'odradek_transaction_coordinator_failed_partitions',
      'Partitions of __transaction_state whose transactions nobody coordinates, as they are damaged here',
      () => this.#runtime.failedCount,
    );
    this.#waits = new CompletionWaits({ clock, waitMs: settings.completionWaitMs });
    const runtime = this.#runtime;
    this.#endings = new TransactionEndings({ ...parts, runtime });
    this.#cleanup = new TransactionCleanup({ ...parts, runtime, endings: this.#endings });
  }

  start(): void {
    this.#cleanup.start();
  }

  shutdown(): void {
    this.#cleanup.stop();
    this.#parts.markers.shutdown();
    this.#runtime.shutdown();
  }

  /** This broker leads a partition of `__transaction_state`: read it, then answer for its ids. */
  elect(partition: number, leaderEpoch: number): Promise<void> {
    return this.#runtime.elect(partition, leaderEpoch);
  }

  /** This broker no longer leads the partition. */
  resign(partition: number, why: 'moved' | 'deleted' = 'moved'): void {
    this.#runtime.resign(partition, why);
  }

  /** The partition of `__transaction_state` that the id falls into; its leader coordinates the id. */
  partitionFor(transactionalId: string): number {
    return this.#runtime.partitionFor(transactionalId);
  }

  async initProducerId(request: InitProducerIdRequest): Promise<InitAnswer> {
    const { transactionalId, timeoutMs } = request;
    if (transactionalId === '') return initError(ErrorCode.INVALID_REQUEST);
    if (timeoutMs <= 0 || timeoutMs > this.#parts.settings.maxTimeoutMs) {
      return initError(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    }
    return this.#waits.answer(
      () => this.#entryOf(transactionalId),
      () => this.#initWithId(request),
    );
  }

  /** Adds partitions to a transaction, which begins with the first. */
  async addPartitions(claim: OwnClaim, partitions: readonly TopicPartition[]): Promise<ErrorCode> {
    const { transactionalId } = claim;
    const { error } = await this.#waits.answer(
      () => this.#entryOf(transactionalId),
      async () => ({ error: await this.#addPartitions(claim, partitions) }),
    );
    return error;
  }

  /** The error of each partition, in order: NONE for those that belong to the open transaction. */
  verifyPartitions(claim: OwnClaim, partitions: readonly TopicPartition[]): readonly ErrorCode[] {
    const { placed, error } = this.#find(claim.transactionalId);
    if (placed === null) return partitions.map(() => error);
    return verifyPartitions(placed.entry, claim, partitions);
  }

  /** Answers as soon as the end is certain; partitions learn of it afterwards. */
  async endTransaction(claim: OwnClaim, committed: boolean): Promise<ErrorCode> {
    const { placed, error } = this.#find(claim.transactionalId);
    if (placed === null) return error;
    const decision = decideEnd(placed.entry, claim, committed, this.#parts.clock.wallMs());
    return decision.next === null ? decision.error : this.#endings.end(placed, decision.next);
  }

  /** Null with an error. */
  describe(transactionalId: string): { error: ErrorCode; transaction: Transaction | null } {
    if (transactionalId === '') return { error: ErrorCode.INVALID_REQUEST, transaction: null };
    const { owner, error } = this.#runtime.locate(transactionalId);
    if (owner === null) return { error, transaction: null };
    const entry = owner.shard.entries.get(transactionalId);
    return entry === undefined
      ? { error: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, transaction: null }
      : { error: ErrorCode.NONE, transaction: entry.transaction };
  }

  /** An error, and nothing, while any partition is loading, or has failed to. */
  list(filters: ListFilters): { error: ErrorCode; transactions: readonly ListedTransaction[] } {
    const error = this.#runtime.listError;
    if (error !== ErrorCode.NONE) return { error, transactions: [] };
    const nowMs = this.#parts.clock.wallMs();
    const transactions = [...this.#runtime.active()].flatMap(({ shard }) => [
      ...listed(shard.entries.values(), filters, nowMs),
    ]);
    return { error, transactions };
  }

  async #addPartitions(claim: OwnClaim, partitions: readonly TopicPartition[]): Promise<ErrorCode> {
    const { placed, error } = this.#find(claim.transactionalId);
    if (placed === null) return error;
    const decision = addPartitions(placed.entry, claim, partitions, this.#parts.clock.wallMs());
    return decision.next === null ? decision.error : writeTransaction(this.#runtime, placed, decision.next);
  }

  #entryOf(transactionalId: string): TransactionEntry | null {
    return this.#runtime.locate(transactionalId).owner?.shard.entries.get(transactionalId) ?? null;
  }

  async #initWithId(request: InitProducerIdRequest): Promise<InitAnswer> {
    const answer = this.#init(request, null);
    if (answer !== null) return answer;
    const newProducerId = await this.#parts.producerIds.generate();
    if (newProducerId === null) return initError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    // All is looked at again: others may have come meanwhile.
    return this.#init(request, newProducerId) ?? initError(ErrorCode.UNKNOWN_SERVER_ERROR);
  }

  /** Null: it takes a new producer id. */
  #init(
    request: InitProducerIdRequest,
    newProducerId: number | null,
  ): Promise<InitAnswer> | InitAnswer | null {
    const { transactionalId, timeoutMs, expected } = request;
    const { owner, error } = this.#runtime.locate(transactionalId);
    if (owner === null) return initError(error);
    const nowMs = this.#parts.clock.wallMs();
    let entry = owner.shard.entries.get(transactionalId);
    if (entry === undefined) {
      if (this.#idCount() >= this.#parts.settings.maxIds) return initError(ErrorCode.POLICY_VIOLATION);
      if (newProducerId === null) return null;
      entry = owner.shard.create(transactionalId, newTransaction(newProducerId, timeoutMs, nowMs));
    }
    const decision = decideInit(entry, { timeoutMs, expected, newProducerId }, nowMs);
    switch (decision.do) {
      case 'refuse':
        return initError(decision.error);
      case 'need-producer-id':
        return null;
      case 'abort-first':
        return this.#abortFirst({ owner, entry });
      case 'write':
        return this.#writeInit({ owner, entry }, decision.next);
    }
  }

  #idCount(): number {
    return [...this.#runtime.active()].reduce((sum, { shard }) => sum + shard.entries.size, 0);
  }

  async #abortFirst(placed: PlacedEntry): Promise<InitAnswer> {
    const error = await this.#endings.abort(placed, 'replaced');
    return initError(error === ErrorCode.NONE ? ErrorCode.CONCURRENT_TRANSACTIONS : error);
  }

  async #writeInit(placed: PlacedEntry, next: Transaction): Promise<InitAnswer> {
    const { owner, entry } = placed;
    const isNew = entry.transaction.producerEpoch < 0;
    const error = await writeTransaction(this.#runtime, placed, next);
    if (error === ErrorCode.NONE) {
      return { error, producerId: next.producerId, producerEpoch: next.producerEpoch };
    }
    if (isNew) owner.shard.forget(entry);
    return initError(error);
  }

  #find(
    transactionalId: string,
  ): { placed: PlacedEntry; error: typeof ErrorCode.NONE } | { placed: null; error: ErrorCode } {
    if (transactionalId === '') return { placed: null, error: ErrorCode.INVALID_REQUEST };
    const { owner, error } = this.#runtime.locate(transactionalId);
    if (owner === null) return { placed: null, error };
    const entry = owner.shard.entries.get(transactionalId);
    if (entry === undefined) return { placed: null, error: ErrorCode.INVALID_PRODUCER_ID_MAPPING };
    return { placed: { owner, entry }, error: ErrorCode.NONE };
  }

  /** What was decided before this broker came is carried out by it. */
  #loaded(owner: TransactionOwner, tookMs: number): void {
    const { entries } = owner.shard;
    const ending = [...entries.values()].filter(({ transaction }) => isEnding(transaction));
    for (const entry of ending) this.#endings.tell({ owner, entry });
    this.#loadTimes.add(tookMs);
    const { partition, leaderEpoch } = owner;
    this.#parts.journal.record({
      kind: 'transactions-loaded',
      partition,
      leaderEpoch,
      ids: entries.size,
      resumed: ending.length,
      tookMs,
    });
  }
}

function initError(error: ErrorCode): InitAnswer {
  return { error, producerId: -1, producerEpoch: -1 };
}
