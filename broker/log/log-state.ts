/**
 * What the files of this folder share about one log. PartitionLog is its face to the rest of the
 * broker; append, read, truncate, load, flush, retention and compaction work on this object.
 */
import type { BrokerConfig, FixedConfig } from '../config/broker-config.ts';
import type { Live } from '../config/live.ts';
import type { LogConfig } from '../config/topic-config.ts';
import { toSafeInteger } from '../int64.ts';
import type { BufferPool } from '../platform/buffer-pool.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Disk } from '../platform/disk.ts';
import type { Random } from '../platform/random.ts';
import { type Decompress, decompressUpTo } from '../records/compression.ts';
import type { RecordRules } from '../records/produce-context.ts';
import type { TopicPartition, Uuid } from '../types.ts';
import { Cursors, type Place } from './files/cursors.ts';
import { EPOCH_CHECKPOINT, EpochHistory } from './files/epoch-history.ts';
import { DELETED_SUFFIX } from './files/file-names.ts';
import { writePartitionMetadata } from './files/partition-metadata.ts';
import { Segment, type SegmentHome } from './files/segment.ts';
import { Segments } from './files/segments.ts';
import type { StorageError } from './files/storage-error.ts';
import { ProducerState } from './producers/producer-state.ts';
import type { Removals } from './removals.ts';

export interface LogServices {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
  readonly buffers: BufferPool;
  readonly config: Pick<FixedConfig, 'compressedBatchMaxDecompressedBytes'>;
  readonly liveConfig: Live<Pick<BrokerConfig, 'producerIdExpirationMs'>>;
  readonly removals: Removals;
  /** Records from `offset` on are gone: checkpoints that say otherwise must be written soon. */
  readonly onTruncated: (log: LogState, offset: number) => void;
  readonly onStorageError: (error: StorageError) => void;
  /** Its topic's id was written a moment ago, and is to become durable. */
  readonly syncTopicId: (log: LogState) => void;
}

interface LogIdentity extends TopicPartition {
  /** The entry of log.dirs. */
  readonly logDirectory: string;
  /** The log's own folder. */
  readonly directory: string;
}

/**
 * `startOffset` ≤ `highWatermark` ≤ `endOffset`, and `recoveryPoint` ≤ `endOffset`. The first segment
 * begins at `startOffset` or below it, the active one at `endOffset` or below it.
 */
export class LogState implements SegmentHome {
  readonly services: LogServices;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly buffers: BufferPool;
  /** Opens compressed batches. */
  readonly decompress: Decompress;
  readonly topic: string;
  readonly partition: number;
  readonly logDirectory: string;
  directory: string;
  #config: LogConfig;
  #rules: RecordRules;
  topicId: Uuid | null = null;
  /** partition.metadata says what `topicId` does. */
  topicIdIsSaved = true;
  /** Never rejects; null when what partition.metadata says is durable. */
  topicIdSync: Promise<void> | null = null;
  epochs: EpochHistory;
  readonly producers: ProducerState;
  /** At least one once the log is loaded. */
  readonly segments = new Segments();
  readonly cursors = new Cursors();
  /** Rises by retention and DeleteRecords; a truncation below it takes it along. */
  startOffset = 0;
  /** The offset that the next record gets. */
  endOffset = 0;
  highWatermark = 0;
  /** From here on records are missing that only lost writes can explain, before others that are there; null: none. */
  holeOffset: number | null = null;
  /** Everything below is known to be on the disk itself. */
  recoveryPoint = 0;
  /** The first offset of the oldest transaction that is not over, or -1. */
  firstUnstableOffset = -1;
  /** Appended since the last sync was begun. */
  unflushedRecords = 0;
  /** When the last sync was begun, by the monotonic clock. */
  lastFlushMs: number;
  /** The syncs that are under way or wait for their turn; null when there are none. Never rejects. */
  backgroundFlush: Promise<void> | null = null;
  /** By how much the active segment is rolled before segment.ms; drawn anew with each roll. */
  rollJitterMs: number;
  /** For good: nothing is written or read any more. */
  closed = false;
  /** The name of the log's folder has been synced. */
  folderIsDurable = false;
  /** Those of which it has been told, since they were last cut, that they can't be read to their end. */
  readonly #toldOf = new WeakSet<Segment>();
  /** Counts changes that invalidate what a reader that waited knew: truncation, replaced segments. */
  changes = 0;

  constructor(identity: LogIdentity, config: LogConfig, services: LogServices) {
    this.services = services;
    this.disk = services.disk;
    this.clock = services.clock;
    this.buffers = services.buffers;
    this.decompress = decompressUpTo(services.config.compressedBatchMaxDecompressedBytes);
    this.topic = identity.topic;
    this.partition = identity.partition;
    this.logDirectory = identity.logDirectory;
    this.directory = identity.directory;
    this.#config = config;
    this.#rules = recordRules(config);
    this.lastFlushMs = services.clock.nowMs();
    this.rollJitterMs = drawJitterMs(config, services.random);
    this.epochs = new EpochHistory(services.disk, `${identity.directory}/${EPOCH_CHECKPOINT}`);
    this.producers = new ProducerState({
      disk: services.disk,
      directory: identity.directory,
      expirationMs: () => services.liveConfig.now.producerIdExpirationMs,
    });
  }

  get config(): LogConfig {
    return this.#config;
  }

  set config(config: LogConfig) {
    this.#config = config;
    this.#rules = recordRules(config);
  }

  /** The part of the config that validation goes by. */
  get rules(): RecordRules {
    return this.#rules;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** Readers of committed data stop here. */
  get lastStableOffset(): number {
    const unstable = this.firstUnstableOffset;
    return unstable >= 0 && unstable < this.highWatermark ? unstable : this.highWatermark;
  }

  refreshFirstUnstable(): void {
    const first = this.producers.firstUnstableOffset;
    this.firstUnstableOffset = first >= 0 ? Math.max(first, this.startOffset) : -1;
  }

  /** Bounded to what the log holds. True when it changed. */
  setHighWatermark(offset: number): boolean {
    const bounded = Math.min(Math.max(offset, this.startOffset), this.endOffset);
    if (bounded === this.highWatermark) return false;
    this.highWatermark = bounded;
    this.producers.onHighWatermark(bounded);
    this.refreshFirstUnstable();
    return true;
  }

  /** Written late, as making many partitions would have to wait for the disk: an empty log needs no id on disk. */
  saveTopicId(): void {
    if (this.topicIdIsSaved || this.topicId === null) return;
    const isDurable = writePartitionMetadata(this.disk, this.directory, this.topicId);
    this.topicIdIsSaved = true;
    if (!isDurable) this.services.syncTopicId(this);
  }

  /**
   * No batch of this log lies where the one should that holds `offset`: what comes up to the segment `next`, or up to
   * the log's end, is passed over, or ends the reading. Told once of each segment. Returns what is told.
   */
  noteLost({ segment, positionBytes }: Place, offset: number, next: Segment | undefined): string {
    const upTo = next?.baseOffset ?? this.endOffset;
    // Where the damage begins is not known by offset: what was asked for may lie behind it.
    const lost = `of what is asked for, offsets ${offset} up to ${upTo} can't be read: no whole batch of this log begins at byte ${positionBytes} of the ${segment.sizeBytes} of segment ${segment.baseOffset}`;
    if (!this.#toldOf.has(segment)) this.services.diagnostics.error(`[${this.name}] ${lost}`);
    this.#toldOf.add(segment);
    return lost;
  }

  /** Nothing from `offset` on, which is the log's end now, counts as durable, or as compacted, any more. */
  noteTruncation(offset: number): void {
    // What is written there now may be damaged as well.
    this.#toldOf.delete(this.segments.active);
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
    this.services.onTruncated(this, offset);
  }

  /** Makes the files of a segment and takes it in. */
  createSegment(baseOffset: number): Segment {
    const segment = Segment.create(this, baseOffset);
    this.segments.add(segment);
    return segment;
  }

  /** Takes segments out of the log at once; their files go after file.delete.delay.ms, for readers' sake. */
  removeSegments(gone: readonly Segment[]): void {
    if (gone.length === 0) return;
    for (const segment of gone) {
      this.segments.remove(segment);
      segment.changeSuffix(DELETED_SUFFIX);
      if (this.producers.snapshots.offsets.includes(segment.baseOffset)) {
        this.producers.snapshots.remove(segment.baseOffset);
      }
    }
    this.filesChanged();
    this.removeFilesLater(gone);
  }

  /** Puts the output of a compaction in the place of the segments it was made of. */
  replaceSegments(sources: readonly Segment[], output: Segment): void {
    for (const segment of sources) {
      this.segments.remove(segment);
      segment.changeSuffix(DELETED_SUFFIX);
      const hasSnapshot = this.producers.snapshots.offsets.includes(segment.baseOffset);
      if (hasSnapshot && segment.baseOffset !== output.baseOffset)
        this.producers.snapshots.remove(segment.baseOffset);
    }
    this.segments.add(output);
    this.filesChanged();
    this.removeFilesLater(sources);
  }

  removeFilesLater(gone: readonly Segment[]): void {
    this.services.removals.later({
      logDirectory: this.logDirectory,
      delayMs: this.config.fileDeleteDelayMs,
      // Their folder may have another name by then.
      paths: () => gone.flatMap((segment) => segment.retire()),
    });
  }

  /** To be called after every change behind the log's end. */
  filesChanged(): void {
    this.changes += 1;
    this.cursors.clear();
  }

  redrawJitter(): void {
    this.rollJitterMs = drawJitterMs(this.config, this.services.random);
  }
}

/** Both strings were checked against these words when the config was set. */
function recordRules(config: LogConfig): RecordRules {
  const levels: Readonly<Record<string, number>> = {
    gzip: config.compressionGzipLevel,
    lz4: config.compressionLz4Level,
    zstd: config.compressionZstdLevel,
  };
  return {
    ...config,
    compressionType: config.compressionType as RecordRules['compressionType'],
    messageTimestampType: config.messageTimestampType as RecordRules['messageTimestampType'],
    compressionLevel: levels[config.compressionType],
  };
}

/** Spreads the rolls of logs that were created together. */
function drawJitterMs(config: LogConfig, random: Random): number {
  const limit = Math.min(config.segmentJitterMs, toSafeInteger(config.segmentMs));
  return limit > 0 ? Math.floor(random.fraction() * limit) : 0;
}
