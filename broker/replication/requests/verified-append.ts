/**
 * Records of transactions, on their way into logs. Where a transaction is not under way yet, its coordinator
 * is asked first whether the partition belongs to it: the records of a producer that comes late, after the
 * marker, would otherwise begin a transaction that nobody ends, and hold readers back for ever. The guard that
 * a log gave before the question is valid after the answer only if no marker came between.
 * Requests of one producer that need an answer are taken in the order in which they came, with a copy of
 * their records: the buffer of a request belongs to the next one as soon as its handler has returned.
 * Source: KIP-890 part 1, Kafka's ReplicaManager.handleProduceAppend.
 */
import { ErrorCode, errorName, isError } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { Verification } from '../../log/append.ts';
import {
  BATCH_HEADER_BYTES,
  batchBaseSequence,
  batchIsTransactional,
  batchMagic,
  batchProducerEpoch,
  batchProducerId,
  NO_SEQUENCE,
} from '../../records/batch.ts';
import { type PartitionKey, partitionKey, type TopicPartition } from '../../types.ts';
import type { TransactionVerifier } from '../collaborators.ts';
import type { HostedPartitions } from '../hosted-partitions.ts';
import type { AppendEntry } from './append-entry.ts';
import { keptEntry } from './kept-entry.ts';
import type { AppendOutcome, AppendRequest, ReplicaAppend } from './replica-append.ts';

interface VerifiedAppendContext {
  readonly hosted: HostedPartitions;
  readonly append: ReplicaAppend;
  readonly verifier: TransactionVerifier;
  /** `transaction.partition.verification.enable` */
  readonly isEnabled: () => boolean;
}

/** Who says that he writes in a transaction. */
export interface TransactionClaim {
  readonly transactionalId: string;
  readonly producerId: Int64;
  readonly producerEpoch: number;
}

export interface VerifiedTransaction {
  readonly error: ErrorCode;
  /** What the append has to show; none where nothing is asked. */
  readonly verification?: Verification;
}

/** The first Produce that knows TRANSACTION_ABORTABLE. */
const FIRST_VERSION_WITH_ABORTABLE = 11;
/** In one turn, where there are many: the first append to a partition makes files. */
const APPENDED_TOGETHER = 25;
/** null: there is nothing of a transaction. */
type Claim = TransactionClaim | 'several' | null;
const NO_VERDICTS: ReadonlyMap<PartitionKey, ErrorCode> = new Map();

export class VerifiedAppend {
  readonly #context: VerifiedAppendContext;
  /** By producer, when the last of its requests that need an answer will be in the logs. */
  readonly #turns = new Map<Int64, Promise<void>>();

  constructor(context: VerifiedAppendContext) {
    this.#context = context;
  }

  /** As ReplicaAppend.append, once what the request has of a transaction is confirmed. */
  append(request: AppendRequest): AppendOutcome[] | Promise<AppendOutcome[]> {
    const { transactionalId, turns, entries } = request;
    if (transactionalId === undefined) return this.#context.append.append(request);
    const claim = claimOf(entries, transactionalId);
    if (turns === undefined || entries.length <= APPENDED_TOGETHER) return this.#claimed(claim, request);
    // They are of different partitions: none of them has to wait for those before it.
    const appended = turns.begin(
      slicesOf(entries),
      (some) => this.#claimed(claim, { ...request, entries: some }),
      1,
    );
    return appended.then((all) => all.flat());
  }

  #claimed(claim: Claim, request: AppendRequest): AppendOutcome[] | Promise<AppendOutcome[]> {
    if (claim === 'several') {
      const refusal = {
        error: ErrorCode.INVALID_PRODUCER_ID_MAPPING,
        message: 'Transactional records contained more than one producer ID',
      };
      return this.#context.append.append(withRefusals(request, () => refusal));
    }
    if (claim === null || !this.#context.isEnabled()) return this.#context.append.append(request);
    const begun = this.#begin(claim, request.entries);
    if (unconfirmed(begun).length === 0) return this.#appendBegun(request, begun, NO_VERDICTS);
    return this.#inTurn(claim, withOwnRecords(request));
  }

  /** Before a coordinator writes records of a transaction of somebody else into its own partition. */
  async verify(at: TopicPartition, claim: TransactionClaim): Promise<VerifiedTransaction> {
    if (!this.#context.isEnabled()) return { error: ErrorCode.NONE };
    const key = partitionKey(at.topic, at.partition);
    const verification = this.#beginOne(at, claim, NO_SEQUENCE);
    if (isError(verification)) return { error: verification };
    if (verification.guard === null) return { error: ErrorCode.NONE, verification };
    const verdicts = await this.#context.verifier.verify({ ...claim, partitions: [at] });
    return { error: verdicts.get(key) ?? ErrorCode.NONE, verification };
  }

  #inTurn(claim: TransactionClaim, request: AppendRequest): Promise<AppendOutcome[]> {
    const { producerId } = claim;
    const before = this.#turns.get(producerId) ?? Promise.resolve();
    const appended = before.then(() => this.#ask(claim, request));
    const over = appended.then(
      () => {},
      () => {},
    );
    this.#turns.set(producerId, over);
    void over.then(() => {
      if (this.#turns.get(producerId) === over) this.#turns.delete(producerId);
    });
    return appended.then(({ outcomes }) => outcomes);
  }

  /** Resolves when the records are in the logs; the outcomes may still be waited for. */
  async #ask(
    claim: TransactionClaim,
    request: AppendRequest,
  ): Promise<{ outcomes: AppendOutcome[] | Promise<AppendOutcome[]> }> {
    // Again: the request before this one may have begun the transaction meanwhile.
    const begun = this.#begin(claim, request.entries);
    const partitions = unconfirmed(begun);
    const verdicts =
      partitions.length === 0 ? NO_VERDICTS : await this.#context.verifier.verify({ ...claim, partitions });
    return { outcomes: this.#appendBegun(request, begun, verdicts) };
  }

  #begin(claim: TransactionClaim, entries: readonly AppendEntry[]): Map<PartitionKey, BegunAt> {
    const begun = new Map<PartitionKey, BegunAt>();
    for (const { topic, partition, records } of entries) {
      if (!isTransactional(records)) continue;
      const at = { topic, partition };
      const outcome = this.#beginOne(at, claim, batchBaseSequence(records, 0));
      begun.set(partitionKey(topic, partition), { at, outcome });
    }
    return begun;
  }

  #abandon({ topic, partition }: TopicPartition, { guard }: Verification): void {
    const found = this.#context.hosted.lookup(topic, partition);
    if (!isError(found) && guard !== null) found.log?.abandonVerification(guard);
  }

  #beginOne(at: TopicPartition, claim: TransactionClaim, firstSequence: number): Verification | ErrorCode {
    const found = this.#context.hosted.lookup(at.topic, at.partition);
    if (isError(found)) return found;
    if (!found.isLeader || found.log === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const { producerId, producerEpoch } = claim;
    return { guard: found.log.startVerification(producerId, producerEpoch, firstSequence) };
  }

  #appendBegun(
    request: AppendRequest,
    begun: ReadonlyMap<PartitionKey, BegunAt>,
    verdicts: ReadonlyMap<PartitionKey, ErrorCode>,
  ): AppendOutcome[] | Promise<AppendOutcome[]> {
    const entries = request.entries.map((entry): AppendEntry => {
      const key = partitionKey(entry.topic, entry.partition);
      const outcome = begun.get(key)?.outcome;
      if (outcome === undefined) return entry;
      if (isError(outcome)) return { ...entry, refusal: { error: outcome, message: null } };
      const verdict = verdicts.get(key) ?? ErrorCode.NONE;
      if (verdict === ErrorCode.NONE) return { ...entry, verification: outcome };
      const refusal = refusalFor(verdict, request.apiVersion);
      // What is tried again must not be overtaken by what came after it; for the rest there is nothing to keep.
      if (refusal.error !== ErrorCode.NOT_ENOUGH_REPLICAS) this.#abandon(entry, outcome);
      return { ...entry, refusal };
    });
    return this.#context.append.append({ ...request, entries });
  }
}

/** What a log said before the question, or why there is no asking. */
interface BegunAt {
  readonly at: TopicPartition;
  readonly outcome: Verification | ErrorCode;
}

/** Those whose transaction is not under way here. */
function unconfirmed(begun: ReadonlyMap<PartitionKey, BegunAt>): TopicPartition[] {
  return [...begun.values()].flatMap(({ at, outcome }) =>
    !isError(outcome) && outcome.guard !== null ? [at] : [],
  );
}

function slicesOf(entries: readonly AppendEntry[]): (readonly AppendEntry[])[] {
  const slices: (readonly AppendEntry[])[] = [];
  for (let at = 0; at < entries.length; at += APPENDED_TOGETHER) {
    slices.push(entries.slice(at, at + APPENDED_TOGETHER));
  }
  return slices;
}

function claimOf(entries: readonly AppendEntry[], transactionalId: string): Claim {
  let claim: TransactionClaim | null = null;
  for (const { records } of entries) {
    if (!isTransactional(records)) continue;
    const producerId = batchProducerId(records, 0);
    const producerEpoch = batchProducerEpoch(records, 0);
    if (claim === null) claim = { transactionalId, producerId, producerEpoch };
    else if (claim.producerId !== producerId || claim.producerEpoch !== producerEpoch) return 'several';
  }
  return claim;
}

/** By the first batch; there is only one in the versions that know of transactions. */
export function isTransactional(records: Buffer): boolean {
  return (
    records.length >= BATCH_HEADER_BYTES && batchMagic(records, 0) === 2 && batchIsTransactional(records, 0)
  );
}

/** What a producer is told of what the coordinator has said. */
function refusalFor(verdict: ErrorCode, apiVersion: number): NonNullable<AppendEntry['refusal']> {
  switch (verdict) {
    case ErrorCode.INVALID_TXN_STATE:
    case ErrorCode.TRANSACTION_ABORTABLE: {
      const error =
        apiVersion >= FIRST_VERSION_WITH_ABORTABLE
          ? ErrorCode.TRANSACTION_ABORTABLE
          : ErrorCode.INVALID_TXN_STATE;
      return { error, message: 'Partition was not added to the transaction' };
    }
    case ErrorCode.CONCURRENT_TRANSACTIONS:
    case ErrorCode.NETWORK_EXCEPTION:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return {
        error: ErrorCode.NOT_ENOUGH_REPLICAS,
        message: `Unable to verify the partition has been added to the transaction. Underlying error: ${errorName(verdict)}`,
      };
    default:
      return { error: verdict, message: null };
  }
}

/** What arrived is valid only until the handler returns; what waits for an answer needs bytes of its own. */
function withOwnRecords(request: AppendRequest): AppendRequest {
  return { ...request, entries: request.entries.map(keptEntry) };
}

function withRefusals(
  request: AppendRequest,
  refusalOf: (entry: AppendEntry) => NonNullable<AppendEntry['refusal']>,
): AppendRequest {
  return { ...request, entries: request.entries.map((entry) => ({ ...entry, refusal: refusalOf(entry) })) };
}
