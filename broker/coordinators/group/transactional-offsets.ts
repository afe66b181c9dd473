/**
 * Offsets that a producer commits within its transaction. They are written as records of the transaction,
 * after its coordinator has confirmed that the partition of `__consumer_offsets` belongs to it, and hold or
 * vanish with its marker.
 * Source: Kafka's GroupCoordinator.handleTxnCommitOffsets, GroupMetadataManager.handleTxnCompletion.
 */
import { ErrorCode } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { Verification } from '../../log/append.ts';
import type { Clock } from '../../platform/clock.ts';
import { atOnce } from '../../platform/turns.ts';
import type { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import type { TransactionEnd } from '../runtime/shard.ts';
import { verificationErrorFor } from './append-errors.ts';
import { type Committer, validateTransactionalCommit } from './commit-rules.ts';
import type { GroupRecord } from './group-records.ts';
import type { GroupShard } from './group-shard.ts';
import type { OffsetStore, OffsetToCommit, PreparedCommits } from './offset-store.ts';

export interface TransactionalCommit extends Committer {
  readonly groupId: string;
  readonly transactionalId: string;
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly commits: readonly OffsetToCommit[];
  /** What has been done of very many of them already. */
  readonly prepared?: PreparedCommits;
}

/** Asks the coordinator of the transaction; `partition` is of `__consumer_offsets`. Never rejects. */
export type VerifyTransaction = (
  partition: number,
  claim: Pick<TransactionalCommit, 'transactionalId' | 'producerId' | 'producerEpoch'>,
) => Promise<{ readonly error: ErrorCode; readonly verification?: Verification }>;

/** Called when the marker is replicated. Resolves when what was written before it is decided. */
export type TransactionEnding = (end: TransactionEnd) => Promise<void>;

interface TransactionalOffsetsParts {
  readonly clock: Clock;
  readonly runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
  readonly offsets: OffsetStore;
  readonly verify: VerifyTransaction;
}

export class TransactionalOffsets {
  readonly #parts: TransactionalOffsetsParts;
  /** By producer: commits that are in the log, but not yet known to be replicated. */
  readonly #underWay = new Map<Int64, Set<Promise<unknown>>>();

  constructor(parts: TransactionalOffsetsParts) {
    this.#parts = parts;
  }

  /** One error for each commit, in order. */
  async commit(request: TransactionalCommit): Promise<ErrorCode[]> {
    const { groupId, transactionalId, producerId, producerEpoch, commits } = request;
    const all = (error: ErrorCode): ErrorCode[] => commits.map(() => error);
    const { runtime, offsets, verify } = this.#parts;
    if (groupId === '') return all(ErrorCode.INVALID_GROUP_ID);
    const before = runtime.locate(groupId);
    if (before.owner === null) return all(before.error);
    const claim = { transactionalId, producerId, producerEpoch };
    const verified = await verify(before.owner.partition, claim);
    if (verified.error !== ErrorCode.NONE) return all(verificationErrorFor(verified.error));
    // Again: the group may have moved meanwhile, or be another.
    const { owner, error } = runtime.locate(groupId);
    if (owner === null) return all(error);
    const entry = owner.shard.groups.get(groupId) ?? owner.shard.create(groupId, this.#parts.clock.wallMs());
    const refused = validateTransactionalCommit(entry.group, request);
    if (refused !== ErrorCode.NONE) return all(refused);
    const { verification } = verified;
    const prepared = request.prepared ?? atOnce(offsets.prepare(groupId, commits));
    const writing = offsets.commit({ owner, entry }, prepared, { producerId, producerEpoch, verification });
    return this.#note(producerId, writing);
  }

  /** A marker of the producer is about to be written to the partition. */
  ending(partition: number, producerId: Int64): TransactionEnding {
    const written = [...(this.#underWay.get(producerId) ?? [])];
    return async (end) => {
      // Answers may overtake each other: what comes before the marker in the log is taken in before it.
      await Promise.all(written);
      const owner = this.#parts.runtime.ownedPartition(partition);
      // While it is loading the marker is read, as it is in the log.
      if (owner?.state === 'active') owner.shard.endTransaction(producerId, end);
    };
  }

  #note<T>(producerId: Int64, writing: Promise<T>): Promise<T> {
    const those = this.#underWay.get(producerId) ?? new Set();
    this.#underWay.set(producerId, those.add(writing));
    return writing.finally(() => {
      those.delete(writing);
      if (those.size === 0 && this.#underWay.get(producerId) === those) this.#underWay.delete(producerId);
    });
  }
}
