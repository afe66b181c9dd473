/**
 * What one append changes about producers, gathered before the records are written and taken over
 * after: a refused or failed append leaves the state as it was. (Kafka's analyzeAndValidateProducerState.)
 */
import type { Int64 } from '../../int64.ts';
import {
  batchBaseOffset,
  batchBaseSequence,
  batchIsControl,
  batchIsTransactional,
  batchLastSequence,
  batchMaxTimestampMs,
  batchProducerEpoch,
  batchProducerId,
} from '../../records/batch.ts';
import { readControl } from '../../records/control.ts';
import { lastOffsetOf } from '../files/batch-fields.ts';
import {
  duplicateOf,
  type ProducerBatch,
  type ProducerEntry,
  type ProducerRefusal,
  type RetainedBatch,
  refuseDataBatch,
  refuseMarker,
  withDataBatch,
  withMarker,
} from './producer-entry.ts';
import type { CompletedTransaction, ProducerState } from './producer-state.ts';
import type { VerificationGuard } from './verifications.ts';

/** Who appends: what comes by `replication` is not checked, as its leader has. */
type AppendOrigin = 'client' | 'coordinator' | 'replication';

export type ProducerVerdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate'; readonly batch: RetainedBatch }
  | { readonly kind: 'refused'; readonly refusal: ProducerRefusal; readonly message: string };

const ACCEPTED: ProducerVerdict = { kind: 'accepted' };

interface ProducerUpdateOptions {
  readonly origin: AppendOrigin;
  /** Given when a transaction may only begin after its coordinator has confirmed it. */
  readonly verification?: { readonly guard: VerificationGuard | null } | undefined;
}

export class ProducerUpdate {
  readonly #state: ProducerState;
  readonly #options: ProducerUpdateOptions;
  /** The producers as they will be. */
  readonly #entries = new Map<Int64, ProducerEntry>();
  /** Producers of transactional data and markers. */
  readonly #transactional = new Set<Int64>();
  readonly #started: { producerId: Int64; firstOffset: number }[] = [];
  readonly #completed: CompletedTransaction[] = [];

  constructor(state: ProducerState, options: ProducerUpdateOptions) {
    this.#state = state;
    this.#options = options;
  }

  /** Judges a batch of a producer, whose offsets are assigned already. */
  add(buffer: Buffer, at: number): ProducerVerdict {
    return batchIsControl(buffer, at) ? this.#addControl(buffer, at) : this.#addData(buffer, at);
  }

  /** Takes everything over; `onAborted` gets each aborted transaction with the last stable offset after it. */
  commit(onAborted: (completed: CompletedTransaction, lastStableOffset: number) => void): void {
    for (const entry of this.#entries.values()) this.#state.put(entry);
    for (const producerId of this.#transactional) this.#state.verifications.end(producerId);
    for (const { producerId, firstOffset } of this.#started) {
      this.#state.beginTransaction(producerId, firstOffset);
    }
    for (const completed of this.#completed) {
      if (completed.aborted) onAborted(completed, this.#state.lastStableOffsetAfter(completed));
      this.#state.completeTransaction(completed);
    }
  }

  #addData(buffer: Buffer, at: number): ProducerVerdict {
    const producerId = batchProducerId(buffer, at);
    const batch: ProducerBatch = {
      producerId,
      epoch: batchProducerEpoch(buffer, at),
      firstSequence: batchBaseSequence(buffer, at),
      firstOffset: batchBaseOffset(buffer, at),
      lastOffset: lastOffsetOf(buffer, at),
      timestampMs: batchMaxTimestampMs(buffer, at),
      transactional: batchIsTransactional(buffer, at),
    };
    const committed = this.#state.entryOrUnknown(producerId);
    const fromClient = this.#options.origin === 'client';
    if (fromClient) {
      const lastSequence = batchLastSequence(buffer, at);
      const duplicate = duplicateOf(committed, batch.epoch, batch.firstSequence, lastSequence);
      if (duplicate !== undefined) return { kind: 'duplicate', batch: duplicate };
    }
    const entry = this.#entries.get(producerId) ?? committed;
    if (this.#options.origin !== 'replication') {
      const refusal = this.#refuse(entry, committed, batch, fromClient);
      if (refusal !== null) return refused(refusal, entry, batch);
    }
    if (batch.transactional) this.#transactional.add(producerId);
    const next = withDataBatch(entry, batch);
    if (next.transactionFirstOffset >= 0 && entry.transactionFirstOffset < 0) {
      this.#started.push({ producerId, firstOffset: next.transactionFirstOffset });
    }
    this.#entries.set(producerId, next);
    return ACCEPTED;
  }

  #refuse(
    entry: ProducerEntry,
    committed: ProducerEntry,
    batch: ProducerBatch,
    checkSequence: boolean,
  ): ProducerRefusal | null {
    const { verification } = this.#options;
    if (
      verification !== undefined &&
      batch.transactional &&
      !this.#state.hasOngoingTransaction(batch.producerId, batch.epoch) &&
      !this.#state.verifications.isVerified(batch.producerId, verification.guard)
    ) {
      return 'INVALID_TXN_STATE';
    }
    const refusal = refuseDataBatch(entry, committed, batch, checkSequence);
    if (refusal !== null) return refusal;
    const mustWait =
      checkSequence && this.#state.verifications.awaitsEarlierSequence(batch.producerId, batch.firstSequence);
    return mustWait ? 'OUT_OF_ORDER_SEQUENCE_NUMBER' : null;
  }

  #addControl(buffer: Buffer, at: number): ProducerVerdict {
    const control = readControl(buffer, at);
    if (control === null || (control.type !== 'ABORT' && control.type !== 'COMMIT')) return ACCEPTED;
    const producerId = batchProducerId(buffer, at);
    const marker = {
      epoch: batchProducerEpoch(buffer, at),
      coordinatorEpoch: control.coordinatorEpoch,
      timestampMs: batchMaxTimestampMs(buffer, at),
    };
    const entry = this.#entries.get(producerId) ?? this.#state.entryOrUnknown(producerId);
    const refusal = this.#options.origin === 'replication' ? null : refuseMarker(entry, marker);
    if (refusal !== null) {
      const message = `Marker of producer ${producerId} with epoch ${marker.epoch} and coordinator epoch ${marker.coordinatorEpoch}, known are ${entry.epoch} and ${entry.coordinatorEpoch}`;
      return { kind: 'refused', refusal, message };
    }
    if (entry.transactionFirstOffset >= 0) {
      this.#completed.push({
        producerId,
        firstOffset: entry.transactionFirstOffset,
        lastOffset: batchBaseOffset(buffer, at),
        aborted: control.type === 'ABORT',
      });
    }
    this.#transactional.add(producerId);
    this.#entries.set(producerId, withMarker(entry, marker));
    return ACCEPTED;
  }
}

function refused(refusal: ProducerRefusal, entry: ProducerEntry, batch: ProducerBatch): ProducerVerdict {
  const at = `offset ${batch.firstOffset}, producer ${batch.producerId}, epoch ${batch.epoch}`;
  const last = entry.batches.at(-1)?.lastSequence ?? -1;
  const message =
    refusal === 'INVALID_PRODUCER_EPOCH'
      ? `Epoch is smaller than the last seen epoch ${entry.epoch} (${at})`
      : refusal === 'OUT_OF_ORDER_SEQUENCE_NUMBER'
        ? `Out of order sequence number ${batch.firstSequence}, the last one is ${last} (${at})`
        : `Batch does not fit the state of the transaction (${at})`;
  return { kind: 'refused', refusal, message };
}
