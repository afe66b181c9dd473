/**
 * Chooses which compacted log is compacted next, and keeps the checkpoint of how far each has been:
 * `cleaner-offset-checkpoint`, the first dirty offset. The log with the largest share of dirty bytes
 * goes first; one that can't be compacted is left alone until the restart. (Kafka's LogCleaner and
 * LogCleanerManager.)
 */
import type { Live } from '../../config/live.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Workers } from '../../platform/workers.ts';
import { type PartitionKey, partitionKey } from '../../types.ts';
import { CLEANER_CHECKPOINT } from '../files/checkpoint.ts';
import { asStorageError, StorageError } from '../files/storage-error.ts';
import type { LogDirectories } from '../log-directories.ts';
import type { PartitionLog } from '../partition-log.ts';
import { type Cleanable, cleanableRange } from './cleanable.ts';
import { compactLog } from './compaction.ts';
import { CompactionGivenUp } from './guard.ts';
import { KeyMap } from './key-map.ts';
import { SLICE_LIMITS, type SliceLimits } from './slices.ts';

interface CleanerOptions {
  readonly diagnostics: Diagnostics;
  readonly metrics: Metrics;
  /** log.cleaner.threads */
  readonly threads: number;
  readonly liveConfig: Live<{
    readonly logCleanerBackoffMs: number;
    readonly logCleanerDedupeBufferSize: number;
    readonly logCleanerIoBufferLoadFactor: number;
    readonly logCleanerIoMaxBytesPerSecond: number;
  }>;
  /** Runs something later, or never when the broker stops before. */
  readonly later: (delayMs: number, run: () => void) => void;
  readonly workers: Workers;
  /** What may hold the event loop; SLICE_LIMITS unless given. */
  readonly sliceLimits?: SliceLimits | undefined;
  readonly logs: () => Iterable<PartitionLog>;
  readonly directories: LogDirectories;
}

export class Cleaner {
  readonly #options: CleanerOptions;
  /** First dirty offsets by log directory. */
  readonly #checkpoints = new Map<string, Map<PartitionKey, number>>();
  /** Being compacted now: not chosen by another loop, and no retention. */
  readonly #inProgress = new Set<PartitionKey>();
  /** Given up on until the restart, or until the log is deleted. */
  readonly #uncleanable = new Set<PartitionKey>();
  #running = false;

  constructor(options: CleanerOptions) {
    this.#options = options;
    options.metrics.gauge(
      'kafka_log_logcleanermanager_uncleanable_partitions_count',
      'Partitions that compaction has given up on',
      () => this.#uncleanable.size,
    );
  }

  /** As many loops as log.cleaner.threads says; they take turns on the one thread there is. */
  start(): void {
    this.#running = true;
    for (let loop = 0; loop < this.#options.threads; loop++) {
      this.#loop().catch((error: unknown) => this.#options.diagnostics.error('The cleaner stopped', error));
    }
  }

  stop(): void {
    this.#running = false;
  }

  /** A log was deleted. */
  forget(key: PartitionKey, logDirectory: string): void {
    this.#uncleanable.delete(key);
    const checkpoint = this.#checkpoint(logDirectory);
    if (checkpoint.delete(key)) this.#write(logDirectory);
  }

  /** Records from `offset` on are gone; those that come in their place are dirty. */
  truncated(key: PartitionKey, logDirectory: string, offset: number): void {
    const checkpoint = this.#checkpoint(logDirectory);
    if ((checkpoint.get(key) ?? 0) <= offset) return;
    checkpoint.set(key, offset);
    this.#write(logDirectory);
  }

  /** Compacts the dirtiest log; false when there is none. */
  async cleanOne(): Promise<boolean> {
    const cleanable = this.#dirtiest();
    if (cleanable === null) return false;
    const { log, range } = cleanable;
    const key = partitionKey(log.topic, log.partition);
    this.#inProgress.add(key);
    try {
      const firstDirtyOffset = await this.#compact(log, range);
      this.#checkpoint(log.logDirectory).set(key, firstDirtyOffset);
      this.#write(log.logDirectory);
    } catch (error) {
      this.#failed(log, key, error);
    } finally {
      this.#inProgress.delete(key);
    }
    return true;
  }

  async #loop(): Promise<void> {
    const { liveConfig } = this.#options;
    while (this.#running) {
      await this.#sleep(liveConfig.now.logCleanerBackoffMs);
      while (this.#running && (await this.cleanOne()));
      if (this.#running) this.#deleteOld();
    }
  }

  #compact(log: PartitionLog, range: Cleanable['range']): Promise<number> {
    const { now } = this.#options.liveConfig;
    const threads = Math.max(1, this.#options.threads);
    const bytesPerMs = now.logCleanerIoMaxBytesPerSecond / 1000 / threads;
    const keys = new KeyMap({
      maxBytes: now.logCleanerDedupeBufferSize / threads,
      loadFactor: now.logCleanerIoBufferLoadFactor,
    });
    return compactLog(log.state, range, {
      keys,
      pause: (movedBytes) => this.#sleep(movedBytes / bytesPerMs),
      running: () => this.#running,
      workers: this.#options.workers,
      limits: this.#options.sliceLimits ?? SLICE_LIMITS,
    });
  }

  /** Never ends when the broker stops meanwhile: what waits for it is forgotten, as by a kill. */
  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.later(delayMs, resolve);
    });
  }

  #dirtiest(): Cleanable | null {
    let best: Cleanable | null = null;
    for (const log of this.#options.logs()) {
      const key = partitionKey(log.topic, log.partition);
      if (log.closed || !log.config.cleanupPolicy.compact) continue;
      if (this.#inProgress.has(key) || this.#uncleanable.has(key)) continue;
      const cleanable = cleanableRange(log, this.#checkpoint(log.logDirectory).get(key) ?? null);
      if (cleanable === null || (best !== null && cleanable.ratio <= best.ratio)) continue;
      best = cleanable;
    }
    return best;
  }

  /** Retention of compacted logs, which must not meet a compaction under way. */
  #deleteOld(): void {
    for (const log of this.#options.logs()) {
      const key = partitionKey(log.topic, log.partition);
      if (log.closed || !log.config.cleanupPolicy.compact) continue;
      if (this.#inProgress.has(key) || this.#uncleanable.has(key)) continue;
      try {
        log.deleteOldSegments();
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    }
  }

  #failed(log: PartitionLog, key: PartitionKey, error: unknown): void {
    if (error instanceof CompactionGivenUp || log.closed) return;
    const failure = asStorageError(log.logDirectory, `compacting ${key}`, error);
    if (failure instanceof StorageError) {
      this.#options.directories.fail(failure);
      return;
    }
    this.#uncleanable.add(key);
    this.#options.diagnostics.error(
      `Unexpected error in ${key}. Marking its partition as uncleanable`,
      error,
    );
  }

  #checkpoint(logDirectory: string): Map<PartitionKey, number> {
    let checkpoint = this.#checkpoints.get(logDirectory);
    if (checkpoint === undefined) {
      checkpoint = this.#options.directories.readOffsets(logDirectory, CLEANER_CHECKPOINT);
      this.#checkpoints.set(logDirectory, checkpoint);
    }
    return checkpoint;
  }

  #write(logDirectory: string): void {
    const { directories, diagnostics } = this.#options;
    if (directories.get(logDirectory)?.online !== true) return;
    try {
      directories.writeOffsets(logDirectory, CLEANER_CHECKPOINT, this.#checkpoint(logDirectory));
    } catch (error) {
      // The directory is offline by now. The log that was compacted may lie in another one: it goes on.
      diagnostics.warn(`Could not write ${CLEANER_CHECKPOINT} of ${logDirectory}`, error);
    }
  }
}
