/**
 * What every coordinator does with its topic: it takes a partition when this broker becomes its leader
 * (after reading all of it), gives it up when it no longer is, and changes state by one rule. A transition
 * decides and says which records it takes; they are appended; only when they are replicated are they
 * replayed into the shard. So what could not be written has not happened, and nothing is undone.
 * Source: Kafka's CoordinatorRuntime.
 */

import { ErrorCode } from '../../errors.ts';
import type { Int64 } from '../../int64.ts';
import type { Verification } from '../../log/append.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import { atOnce, type Steps } from '../../platform/turns.ts';
import { BATCH_HEADER_BYTES } from '../../records/batch.ts';
import { buildBatch } from '../../records/build.ts';
import { loadShard } from './loader.ts';
import { type Located, type OwnedPartition, Ownership } from './ownership.ts';
import type { KeyValue, RecordCodec, Shard } from './shard.ts';
import { DamagedLog, type StateLog } from './state-log.ts';

interface RuntimeParts<R, S extends Shard<R>> {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly log: StateLog;
  readonly codec: RecordCodec<R>;
  readonly newShard: () => S;
  /** Partitions of the topic: which one a key falls into must not change once the topic is known. */
  readonly partitionCount: () => number;
  /** All of it has been read, which took so long: from now on it answers. */
  readonly loaded: (owner: OwnedPartition<S>, tookMs: number) => void;
  /** What others have whole is damaged here: nobody is answered from it. */
  readonly failed: (owner: OwnedPartition<S>, reason: string) => void;
  /** It is no longer ours: whoever waits is told, and no timer of it fires again. */
  readonly unloaded: (owner: OwnedPartition<S>, why: 'moved' | 'deleted') => void;
}

interface RuntimeSettings {
  readonly loadBufferSizeBytes: number;
  readonly writeTimeoutMs: number;
}

/** More than a record takes besides its key and its value. */
const RECORD_OVERHEAD_BYTES = 32;

/** Records and what is stored of each. */
export interface EncodedRecords<R> {
  readonly records: readonly R[];
  readonly encoded: readonly KeyValue[];
  /** A batch of them is larger. */
  readonly leastBytes: number;
}

/** Whose transaction records are written in. */
export interface WritingTransaction {
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly verification?: Verification | undefined;
}

export class CoordinatorRuntime<R, S extends Shard<R>> {
  readonly #parts: RuntimeParts<R, S>;
  readonly #settings: RuntimeSettings;
  readonly #ownership: Ownership<S>;

  constructor(parts: RuntimeParts<R, S>, settings: RuntimeSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#ownership = new Ownership(parts.partitionCount, parts.newShard);
  }

  /** This broker leads a partition of the topic: read it, then answer for what is in it. */
  async elect(partition: number, leaderEpoch: number): Promise<void> {
    const owner = this.#ownership.take(partition, leaderEpoch);
    if (owner === null) return;
    const { clock, diagnostics, log, codec, loaded } = this.#parts;
    const startedMs = clock.nowMs();
    const bufferSizeBytes = this.#settings.loadBufferSizeBytes;
    try {
      if (!(await loadShard(owner, { log, codec, clock, diagnostics, bufferSizeBytes }))) return;
    } catch (error) {
      // Other replicas have what is damaged here. Without it groups would begin anew and decided transactions
      // be undecided, and nobody would notice. (FAILED in Kafka's new coordinators.)
      if (error instanceof DamagedLog && log.hasOtherCopies(partition)) {
        this.#fail(owner, error.message);
        return;
      }
      // As in Kafka the partition counts as loaded then, with what was read until then: life can go on.
      diagnostics.error(`Error loading ${log.topic}-${partition}`, error);
    }
    if (owner.state !== 'loading') return;
    owner.state = 'active';
    loaded(owner, Math.round(clock.nowMs() - startedMs));
  }

  #fail(owner: OwnedPartition<S>, reason: string): void {
    if (owner.state !== 'loading') return;
    owner.shard = this.#parts.newShard();
    owner.state = 'failed';
    this.#parts.failed(owner, reason);
  }

  /** This broker no longer leads the partition. After a deleted one, another may begin at epoch 0. */
  resign(partition: number, why: 'moved' | 'deleted'): void {
    const owner = this.#ownership.drop(partition);
    if (why === 'deleted') this.#ownership.forget(partition);
    if (owner !== null) this.#parts.unloaded(owner, why);
  }

  shutdown(): void {
    for (const owner of [...this.#ownership.all()]) this.resign(owner.partition, 'moved');
  }

  /** The partition that the key falls into; its leader coordinates the key. */
  partitionFor(key: string): number {
    return this.#ownership.partitionFor(key);
  }

  locate(key: string): Located<S> {
    return this.#ownership.locate(key);
  }

  /** What this broker owns of the partition, also while it is loading. */
  ownedPartition(partition: number): OwnedPartition<S> | undefined {
    return this.#ownership.get(partition);
  }

  /** How many partitions have failed to load. */
  get failedCount(): number {
    return [...this.#ownership.all()].filter(({ state }) => state === 'failed').length;
  }

  /**
   * What a list of all that is kept here is answered with: COORDINATOR_LOAD_IN_PROGRESS while anything is being
   * loaded, and KAFKA_STORAGE_ERROR while something could not be, as the list is not whole then. (Kafka's new
   * coordinators leave out without a word what has failed.)
   */
  get listError(): ErrorCode {
    const states = new Set([...this.#ownership.all()].map(({ state }) => state));
    if (states.has('loading')) return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    return states.has('failed') ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE;
  }

  *active(): Iterable<OwnedPartition<S>> {
    for (const owner of this.#ownership.all()) if (owner.state === 'active') yield owner;
  }

  /**
   * Appends the records as one batch and replays them once they are replicated. Resolves with the error
   * of the append; an error replays nothing. Never rejects. They are in the log before this returns, or never.
   */
  write(
    owner: OwnedPartition<S>,
    records: readonly R[],
    transaction?: WritingTransaction,
  ): Promise<ErrorCode> {
    return this.writeEncoded(owner, atOnce(this.encode(records)), transaction);
  }

  /** The records as they are written, in steps: of very many it takes long. null where they can't be, which is told. */
  *encode(records: readonly R[]): Steps<EncodedRecords<R> | null> {
    try {
      const encoded: KeyValue[] = [];
      let leastBytes = BATCH_HEADER_BYTES;
      for (const record of records) {
        const { key, value } = this.#parts.codec.encode(record);
        leastBytes += key.length + (value?.length ?? 0);
        encoded.push({ key, value });
        yield;
      }
      return { records, encoded, leastBytes };
    } catch (error) {
      return this.#unwritable(error);
    }
  }

  /** As `write`. */
  async writeEncoded(
    owner: OwnedPartition<S>,
    encoded: EncodedRecords<R> | null,
    transaction?: WritingTransaction,
  ): Promise<ErrorCode> {
    if (encoded === null) return ErrorCode.UNKNOWN_SERVER_ERROR;
    try {
      // What the log would say, if it is there, without a batch of all of them.
      const mostBytes = this.#parts.log.maxBatchBytes(owner.partition);
      if (mostBytes > 0 && encoded.leastBytes > mostBytes) return ErrorCode.MESSAGE_TOO_LARGE;
      return await this.#append(owner, encoded, transaction);
    } catch (error) {
      this.#unwritable(error);
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    }
  }

  /** Names without end that fit into no record, for example. */
  #unwritable(error: unknown): null {
    this.#parts.diagnostics.error(`Records for ${this.#parts.log.topic} cannot be written`, error);
    return null;
  }

  /**
   * The same in as many batches as it takes, all of them appended before anything else can be: what comes
   * later is later in the log. Resolves with the first error, if there is any.
   */
  async writeInSlices(owner: OwnedPartition<S>, records: readonly R[]): Promise<ErrorCode> {
    const encoded = records.map((record) => this.#parts.codec.encode(record));
    const writes: Promise<ErrorCode>[] = [];
    let from = 0;
    for (const to of sliceEnds(encoded, this.#parts.log.maxBatchBytes(owner.partition))) {
      const slice = { records: records.slice(from, to), encoded: encoded.slice(from, to) };
      writes.push(this.#append(owner, slice));
      from = to;
    }
    const errors = await Promise.all(writes);
    return errors.find((error) => error !== ErrorCode.NONE) ?? ErrorCode.NONE;
  }

  async #append(
    owner: OwnedPartition<S>,
    { records, encoded }: { readonly records: readonly R[]; readonly encoded: readonly KeyValue[] },
    transaction?: WritingTransaction,
  ): Promise<ErrorCode> {
    const { clock, log } = this.#parts;
    const timestampMs = clock.wallMs();
    const batch = buildBatch({
      records: encoded.map(({ key, value }) => ({ timestampMs, key, value, headers: [] })),
      ...(transaction !== undefined && {
        transactional: true,
        producerId: transaction.producerId,
        producerEpoch: transaction.producerEpoch,
      }),
    });
    const { error, baseOffset } = await log.append(owner.partition, batch, {
      leaderEpoch: owner.leaderEpoch,
      timeoutMs: this.#settings.writeTimeoutMs,
      verification: transaction?.verification,
    });
    if (error !== ErrorCode.NONE) return error;
    records.forEach((record, index) => {
      owner.shard.replay(record, baseOffset + index, transaction?.producerId);
    });
    return ErrorCode.NONE;
  }
}

/** Where slices end of which each makes a batch of at most `maxBytes`; a record that is too large has one of its own. */
function* sliceEnds(records: readonly KeyValue[], maxBytes: number): Generator<number> {
  let sizeBytes = BATCH_HEADER_BYTES;
  let from = 0;
  for (const [index, { key, value }] of records.entries()) {
    const recordBytes = RECORD_OVERHEAD_BYTES + key.length + (value?.length ?? 0);
    if (index > from && sizeBytes + recordBytes > maxBytes) {
      yield index;
      from = index;
      sizeBytes = BATCH_HEADER_BYTES;
    }
    sizeBytes += recordBytes;
  }
  if (records.length > from) yield records.length;
}
