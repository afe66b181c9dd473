/**
 * The log of one partition: the records this broker holds of it, from the log start offset to the log
 * end offset, in segments. Who leads and what is committed is decided above; the log is told its high
 * watermark. All methods are synchronous; a disk error is thrown as StorageError and takes the log
 * directory offline. (Kafka's UnifiedLog.)
 */
import type { LogConfig } from '../config/topic-config.ts';
import type { Int64 } from '../int64.ts';
import type { Decompress } from '../records/compression.ts';
import type { RecordRules } from '../records/produce-context.ts';
import type { Uuid } from '../types.ts';
import { type AppendInfo, appendAsFollower, appendAsLeader, type LeaderAppendOptions } from './append.ts';
import type { AbortedTransaction } from './files/aborted-index.ts';
import { EPOCH_CHECKPOINT, type EpochHistory } from './files/epoch-history.ts';
import { asStorageError, StorageError } from './files/storage-error.ts';
import { flush, flushWhenDue } from './flusher.ts';
import type { LogState } from './log-state.ts';
import {
  abortedTransactions,
  batchesByTime,
  isStillStored,
  LARGEST,
  legacyOffsetsBefore,
  type OffsetAtTime,
  offsetForTimestamp,
  readStored,
  type StoredBatch,
} from './lookup.ts';
import type { ProducerEntry } from './producers/producer-entry.ts';
import { restoreUnreplicated } from './producers/unreplicated.ts';
import type { VerificationGuard } from './producers/verifications.ts';
import {
  findPlace,
  type ReadRange,
  type ReadResult,
  readLog,
  readLogToSend,
  type SendResult,
} from './read.ts';
import { deleteOldSegments, raiseStartOffset } from './retention.ts';
import { roll } from './roll.ts';
import { truncateFullyAndStartAt, truncateTo } from './truncate.ts';

export class PartitionLog {
  readonly #log: LogState;

  constructor(log: LogState) {
    this.#log = log;
  }

  get topic(): string {
    return this.#log.topic;
  }

  get partition(): number {
    return this.#log.partition;
  }

  /** The log's own folder. */
  get directory(): string {
    return this.#log.directory;
  }

  /** The entry of log.dirs it lies in. */
  get logDirectory(): string {
    return this.#log.logDirectory;
  }

  get topicId(): Uuid | null {
    return this.#log.topicId;
  }

  get config(): LogConfig {
    return this.#log.config;
  }

  /** What of it validation goes by. */
  get rules(): RecordRules {
    return this.#log.rules;
  }

  get startOffset(): number {
    return this.#log.startOffset;
  }

  /** The offset the next record gets. */
  get endOffset(): number {
    return this.#log.endOffset;
  }

  get highWatermark(): number {
    return this.#log.highWatermark;
  }

  /** Where a recovery found records missing before others that are there; null: nowhere. */
  get holeOffset(): number | null {
    return this.#log.holeOffset;
  }

  /** Where readers of committed data stop: before the oldest open transaction, or at the high watermark. */
  get lastStableOffset(): number {
    return this.#log.lastStableOffset;
  }

  get recoveryPoint(): number {
    return this.#log.recoveryPoint;
  }

  get epochs(): EpochHistory {
    return this.#log.epochs;
  }

  get sizeBytes(): number {
    return this.#log.segments.sizeBytes;
  }

  get segmentCount(): number {
    return this.#log.segments.count;
  }

  /** True once the log is closed, deleted, or its directory has failed: everything throws StorageError. */
  get closed(): boolean {
    return this.#log.closed;
  }

  /** Appends a producer's or coordinator's batches; offsets and epoch are stamped into `records` in place. */
  appendAsLeader(records: Buffer, options: LeaderAppendOptions): AppendInfo {
    return this.#guarded('appending records', () => appendAsLeader(this.#log, records, options));
  }

  /** Appends a leader's batches as they are. Throws UnexpectedAppendOffset or CorruptBatch, having written nothing. */
  appendAsFollower(records: Buffer): { lastOffset: number } {
    return this.#guarded('appending records', () => appendAsFollower(this.#log, records));
  }

  /** Whole batches from the one that holds `offset` on. */
  read(range: ReadRange): ReadResult {
    return this.#guarded('reading', () => readLog(this.#log, range));
  }

  /** The same of what will be sent: what is larger than `atOnceBytes` is read from the disk when it is. */
  readToSend(range: ReadRange, atOnceBytes: number): SendResult {
    return this.#guarded('reading', () => readLogToSend(this.#log, range, atOnceBytes));
  }

  /**
   * What a read that goes on at `offset`, or begins there with a segment, had better wait for, so that the disk
   * keeps nobody else waiting; null for nothing.
   */
  warm(offset: number, lengthBytes: number): Promise<void> | null {
    const { closed, cursors, segments } = this.#log;
    if (closed) return null;
    const place = cursors.find(offset);
    if (place !== undefined) return place.segment.warm(lengthBytes, place.positionBytes);
    const segment = segments.floor(offset);
    return segment?.baseOffset === offset ? segment.warm(lengthBytes, 0) : null;
  }

  /**
   * How many bytes a read of [fromOffset, upToOffset) would find, up to the end of the segment; the
   * rest of the log's size when the two lie in different segments. Cheap for recent offsets.
   */
  bytesBetween(fromOffset: number, upToOffset: number): number {
    if (fromOffset >= upToOffset) return 0;
    return this.#guarded('reading', () => {
      const from = findPlace(this.#log, fromOffset);
      if (from === null) return 0;
      const active = this.#log.segments.active;
      const end =
        upToOffset >= this.#log.endOffset
          ? { segment: active, positionBytes: active.sizeBytes }
          : (this.#log.cursors.find(upToOffset) ?? findPlace(this.#log, upToOffset));
      if (end === null || end.segment !== from.segment) return from.segment.sizeBytes - from.positionBytes;
      return end.positionBytes - from.positionBytes;
    });
  }

  /** Moves the high watermark, bounded to what the log holds; true when it changed. */
  updateHighWatermark(offset: number): boolean {
    return this.#log.setHighWatermark(offset);
  }

  /** The high watermark that was known before a restart; nothing is read of it before this. */
  restoreHighWatermark(offset: number): void {
    this.#guarded('reading what is not replicated', () => {
      if (offset > this.#log.highWatermark) this.#log.setHighWatermark(offset);
      restoreUnreplicated(this.#log);
    });
  }

  /** Notes that a leader epoch begins here. */
  assignEpoch(epoch: number, startOffset: number): void {
    this.#guarded('writing the leader epochs', () => this.#log.epochs.assign(epoch, startOffset));
  }

  /** Removes the records from `offset` on; true when there were any. */
  truncateTo(offset: number): boolean {
    return this.#guarded('truncating', () => truncateTo(this.#log, offset));
  }

  truncateFullyAndStartAt(offset: number): void {
    this.#guarded('truncating', () => truncateFullyAndStartAt(this.#log, offset));
  }

  /** Moves the start of the log forward (the segments go later); false when it would pass the high watermark. */
  raiseStartOffset(offset: number): boolean {
    return this.#guarded('moving the log start', () => raiseStartOffset(this.#log, offset));
  }

  /** The first record at or after a time; null when there is none. */
  offsetForTimestamp(time: Int64 | typeof LARGEST, decompress?: Decompress): OffsetAtTime | null {
    return this.#guarded('searching by time', () => offsetForTimestamp(this.#log, time, decompress));
  }

  /** The first record with the largest timestamp; null when no record has one. */
  maxTimestamp(decompress?: Decompress): OffsetAtTime | null {
    return this.offsetForTimestamp(LARGEST, decompress);
  }

  /** The batches in which offsetForTimestamp would look, for whoever opens them elsewhere. */
  batchesByTime(time: Int64 | typeof LARGEST): Iterator<StoredBatch, void> {
    const batches = batchesByTime(this.#log, time);
    return { next: () => this.#guarded('searching by time', () => batches.next()) };
  }

  /** A batch in memory of its own; null when it is there no more. */
  readStored(batch: StoredBatch): Buffer<ArrayBuffer> | null {
    return this.#guarded('searching by time', () => {
      if (!isStillStored(this.#log, batch)) return null;
      const bytes = Buffer.allocUnsafeSlow(batch.sizeBytes);
      readStored(batch, bytes);
      return bytes;
    });
  }

  /** Where segments begin that were last written to at or before a time; see lookup.ts. */
  legacyOffsetsBefore(timestampMs: number, maxOffsets: number): number[] {
    return this.#guarded('searching by time', () => legacyOffsetsBefore(this.#log, timestampMs, maxOffsets));
  }

  /** Aborted transactions with records in [fromOffset, upToOffset). */
  abortedTransactions(fromOffset: number, upToOffset: number): AbortedTransaction[] {
    return this.#guarded('reading', () => abortedTransactions(this.#log, fromOffset, upToOffset));
  }

  /** The producers this log remembers, for DescribeProducers. */
  producers(): readonly ProducerEntry[] {
    return [...this.#log.producers.activeProducers];
  }

  hasOngoingTransaction(producerId: Int64, epoch: number): boolean {
    return this.#log.producers.hasOngoingTransaction(producerId, epoch);
  }

  /** When the producer of the oldest open transaction last wrote, by its clock; -1 when none is open. */
  get oldestTransactionTimestampMs(): Int64 {
    return this.#log.producers.oldestTransactionTimestampMs;
  }

  /** Begins to verify a transaction with its coordinator; null when it is under way here already. */
  startVerification(producerId: Int64, epoch: number, firstSequence: number): VerificationGuard | null {
    const nowMs = this.#log.clock.wallMs();
    return this.#log.producers.startVerification(producerId, epoch, firstSequence, nowMs);
  }

  /** The coordinator has refused it for good. */
  abandonVerification(guard: VerificationGuard): void {
    this.#log.producers.verifications.abandon(guard);
  }

  removeExpiredProducers(): void {
    this.#log.producers.removeExpired(this.#log.clock.wallMs());
  }

  /** The topic's id, which is written beside the log before its first record. */
  assignTopicId(topicId: Uuid): void {
    const log = this.#log;
    if (log.topicId === topicId) return;
    log.topicId = topicId;
    log.topicIdIsSaved = false;
    if (log.endOffset > log.startOffset) this.#guarded('writing partition.metadata', () => log.saveTopicId());
  }

  updateConfig(config: LogConfig): void {
    this.#log.config = config;
  }

  /** Begins a new segment. */
  roll(): void {
    this.#guarded('rolling', () => {
      if (this.#log.segments.active.sizeBytes > 0) roll(this.#log);
    });
  }

  /** Makes everything durable before it returns. */
  flush(): void {
    this.#guarded('flushing', () => flush(this.#log));
  }

  /** flush.ms. */
  flushWhenDue(): void {
    this.#guarded('flushing', () => flushWhenDue(this.#log));
  }

  /** Retention by start offset, size and time; returns how many segments went. */
  deleteOldSegments(): number {
    return this.#guarded('deleting old segments', () => deleteOldSegments(this.#log));
  }

  /** What the log-start checkpoint says about this log: null while the first segment's name says it. */
  startOffsetToCheckpoint(): number | null {
    const { startOffset, segments } = this.#log;
    return startOffset > segments.first.baseOffset ? startOffset : null;
  }

  /** The clean end: everything durable, a producer snapshot at the end, files closed. */
  close(): void {
    this.#guarded('closing', () => {
      this.#log.producers.takeSnapshot(true);
      for (const segment of this.#log.segments.all.slice(-1)) segment.seal();
      flush(this.#log);
      this.#log.epochs.save();
      this.#log.saveTopicId();
      this.abandon();
    });
  }

  /** Closes the files and writes nothing, as a killed process would. */
  abandon(): void {
    this.#log.closed = true;
    for (const segment of this.#log.segments.all) segment.close();
  }

  /** The folder was renamed, to be deleted or to take its place. */
  movedTo(directory: string): void {
    const log = this.#log;
    log.directory = directory;
    for (const segment of log.segments.all) segment.movedHome();
    log.producers.snapshots.movedTo(directory);
    log.epochs.movedTo(`${directory}/${EPOCH_CHECKPOINT}`);
  }

  /** What the cleaner works on; for this folder only. */
  get state(): LogState {
    return this.#log;
  }

  #guarded<T>(doing: string, run: () => T): T {
    const log = this.#log;
    if (log.closed) throw new StorageError(log.logDirectory, `The log of ${log.name} is closed`);
    try {
      return run();
    } catch (error) {
      const failure = asStorageError(log.logDirectory, `${doing} for ${log.name}`, error);
      if (failure instanceof StorageError) log.services.onStorageError(failure);
      throw failure;
    }
  }
}
