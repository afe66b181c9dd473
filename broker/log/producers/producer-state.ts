/**
 * All producers of one log and its open transactions, brought back from snapshots. The state at offset N
 * covers the records below N. A transaction holds the last stable offset back from its first record
 * until its marker is below the high watermark. (Kafka's ProducerStateManager.)
 */
import { type Int64, int64Difference } from '../../int64.ts';
import type { Disk } from '../../platform/disk.ts';
import { CorruptFile } from '../files/storage-error.ts';
import { type ProducerEntry, unknownProducer } from './producer-entry.ts';
import { ProducerSnapshots } from './producer-snapshots.ts';
import { type VerificationGuard, Verifications } from './verifications.ts';

export interface CompletedTransaction {
  readonly producerId: Int64;
  readonly firstOffset: number;
  /** The offset of the marker. */
  readonly lastOffset: number;
  readonly aborted: boolean;
}

interface ProducerStateOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly expirationMs: () => number;
}

/**
 * A producer with an open transaction is in `#producers` with its first offset, and that offset in
 * `#ongoing`.
 */
export class ProducerState {
  readonly #expirationMs: () => number;
  readonly snapshots: ProducerSnapshots;
  readonly #producers = new Map<Int64, ProducerEntry>();
  /** First offset → producer id of transactions without a marker. */
  readonly #ongoing = new Map<number, Int64>();
  /** First offset → marker offset of those that ended, until the marker is below the high watermark. */
  readonly #unreplicated = new Map<number, number>();
  /** Of those without an open transaction. */
  readonly verifications = new Verifications();
  /** Producers have expired, whose transactions a truncation might open again. */
  #hasForgotten = false;
  /** The state covers the records below this. */
  #mapEndOffset = 0;
  /** No snapshot is taken at or below this. */
  #lastSnapshotOffset = 0;

  /** Empty; a rescan finds the snapshots, {@link truncateAndReload} the producers. */
  constructor(options: ProducerStateOptions) {
    this.#expirationMs = options.expirationMs;
    this.snapshots = new ProducerSnapshots(options.disk, options.directory);
  }

  get mapEndOffset(): number {
    return this.#mapEndOffset;
  }

  /** No producer has written here: none can come to light when the end of the log is cut off. */
  get isEmpty(): boolean {
    return this.#producers.size === 0 && this.#unreplicated.size === 0 && !this.#hasForgotten;
  }

  get activeProducers(): Iterable<ProducerEntry> {
    return this.#producers.values();
  }

  entry(producerId: Int64): ProducerEntry | undefined {
    return this.#producers.get(producerId);
  }

  entryOrUnknown(producerId: Int64): ProducerEntry {
    return this.#producers.get(producerId) ?? unknownProducer(producerId);
  }

  hasOngoingTransaction(producerId: Int64, epoch: number): boolean {
    const entry = this.#producers.get(producerId);
    return entry !== undefined && entry.transactionFirstOffset >= 0 && entry.epoch === epoch;
  }

  /** When the producer of the oldest open transaction last wrote, by its clock; -1 when none is open. */
  get oldestTransactionTimestampMs(): Int64 {
    const producerId = this.#ongoing.get(smallestKey(this.#ongoing));
    return producerId === undefined ? -1 : (this.#producers.get(producerId)?.lastTimestampMs ?? -1);
  }

  /** The smallest offset that a reader of committed data must not pass yet, or -1. */
  get firstUnstableOffset(): number {
    const ended = smallestKey(this.#unreplicated);
    const open = smallestKey(this.#ongoing);
    if (ended < 0) return open;
    return open < 0 ? ended : Math.min(ended, open);
  }

  /** Takes the new picture of a producer over, once its records are written. */
  put(entry: ProducerEntry): void {
    this.#producers.set(entry.producerId, entry);
  }

  beginTransaction(producerId: Int64, firstOffset: number): void {
    this.#ongoing.set(firstOffset, producerId);
  }

  updateMapEndOffset(offset: number): void {
    this.#mapEndOffset = offset;
  }

  /**
   * The last stable offset that holds once this transaction has ended: the next open one, or past the marker.
   * One that begins after the marker, in the same append of a follower, does not count: the index would
   * differ from the leader's, and a reader who stops at this entry would miss those before that one.
   */
  lastStableOffsetAfter(completed: CompletedTransaction): number {
    let smallest = completed.lastOffset + 1;
    for (const firstOffset of this.#ongoing.keys()) {
      if (firstOffset !== completed.firstOffset && firstOffset < smallest) smallest = firstOffset;
    }
    return smallest;
  }

  completeTransaction(completed: CompletedTransaction): void {
    this.#ongoing.delete(completed.firstOffset);
    this.#unreplicated.set(completed.firstOffset, completed.lastOffset);
  }

  onHighWatermark(highWatermark: number): void {
    if (this.#unreplicated.size === 0) return;
    for (const [firstOffset, lastOffset] of this.#unreplicated) {
      if (lastOffset < highWatermark) this.#unreplicated.delete(firstOffset);
    }
  }

  /** Of those that ended: first offset and marker offset where the marker is at or after `offset`. */
  unreplicatedFrom(offset: number): readonly (readonly [number, number])[] {
    return [...this.#unreplicated].filter(([, lastOffset]) => lastOffset >= offset);
  }

  /** They are known of from before, or from elsewhere. */
  keepUnreplicated(ended: readonly (readonly [number, number])[]): void {
    for (const [firstOffset, lastOffset] of ended) this.#unreplicated.set(firstOffset, lastOffset);
  }

  /** The log now begins at `offset`: transactions that ended before it are over for everyone. */
  onStartOffset(offset: number): void {
    this.onHighWatermark(offset);
    this.#mapEndOffset = Math.max(this.#mapEndOffset, offset);
    this.#lastSnapshotOffset = this.snapshots.offsets.at(-1) ?? offset;
  }

  /** Forgets producers that have been silent for too long and have no open transaction. */
  removeExpired(nowMs: number): void {
    const expirationMs = this.#expirationMs();
    for (const entry of this.#producers.values()) {
      if (!isExpired(entry, nowMs, expirationMs)) continue;
      this.#producers.delete(entry.producerId);
      this.#hasForgotten = true;
    }
    this.verifications.removeExpired(nowMs, expirationMs);
  }

  /** null when the producer has an open transaction already: nothing to verify. */
  startVerification(
    producerId: Int64,
    epoch: number,
    firstSequence: number,
    nowMs: number,
  ): VerificationGuard | null {
    if (this.hasOngoingTransaction(producerId, epoch)) return null;
    return this.verifications.start(producerId, epoch, firstSequence, nowMs);
  }

  /**
   * Goes back to what the newest usable snapshot in (startOffset, endOffset] says; the caller replays
   * the records from {@link mapEndOffset} on. Snapshots outside that range are removed.
   */
  truncateAndReload(startOffset: number, endOffset: number, nowMs: number): void {
    for (const offset of this.snapshots.offsets) {
      if (offset > endOffset || offset <= startOffset) this.snapshots.remove(offset);
    }
    if (endOffset === this.#mapEndOffset) return;
    this.#clear();
    this.#loadNewest(startOffset, nowMs, (offset) => this.snapshots.remove(offset));
  }

  /**
   * Takes over what the newest of these snapshots says; without any, nothing is known at `startOffset`. They are
   * another state's, and stay, even one that can't be read: what that state lists must be there.
   */
  loadFrom(snapshots: readonly number[], startOffset: number, nowMs: number): void {
    this.snapshots.list(snapshots);
    this.#clear();
    this.#loadNewest(startOffset, nowMs, () => this.snapshots.list(this.snapshots.offsets.slice(0, -1)));
  }

  /** Forgets everything; the log starts anew at `offset`. */
  truncateFully(offset: number): void {
    this.#clear();
    for (const snapshot of this.snapshots.offsets) this.snapshots.remove(snapshot);
    this.#lastSnapshotOffset = 0;
    this.#mapEndOffset = offset;
  }

  /** Writes the state as of {@link mapEndOffset}, unless that snapshot exists. Returns its path when written. */
  takeSnapshot(sync: boolean): string | null {
    if (this.#mapEndOffset <= this.#lastSnapshotOffset) return null;
    const path = this.snapshots.write(this.#mapEndOffset, this.#producers.values(), sync);
    this.#lastSnapshotOffset = this.#mapEndOffset;
    return path;
  }

  #clear(): void {
    this.#producers.clear();
    this.#ongoing.clear();
    this.#unreplicated.clear();
    this.verifications.clear();
    this.#hasForgotten = false;
  }

  /** `giveUp` takes the newest one off the list. */
  #loadNewest(startOffset: number, nowMs: number, giveUp: (offset: number) => void): void {
    for (;;) {
      const offset = this.snapshots.offsets.at(-1);
      if (offset === undefined) break;
      try {
        for (const entry of this.snapshots.read(offset)) {
          if (isExpired(entry, nowMs, this.#expirationMs())) {
            this.#hasForgotten = true;
            continue;
          }
          this.put(entry);
          if (entry.transactionFirstOffset >= 0) {
            this.beginTransaction(entry.producerId, entry.transactionFirstOffset);
          }
        }
      } catch (error) {
        if (!(error instanceof CorruptFile)) throw error;
        giveUp(offset);
        continue;
      }
      this.#lastSnapshotOffset = offset;
      this.#mapEndOffset = offset;
      return;
    }
    this.#lastSnapshotOffset = startOffset;
    this.#mapEndOffset = startOffset;
  }
}

function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  return entry.transactionFirstOffset < 0 && int64Difference(nowMs, entry.lastTimestampMs) >= expirationMs;
}

function smallestKey(map: ReadonlyMap<number, unknown>): number {
  let smallest = -1;
  for (const key of map.keys()) if (smallest < 0 || key < smallest) smallest = key;
  return smallest;
}
