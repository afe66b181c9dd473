/**
 * All logs of a broker, in directories that it is given: loads them at the start, makes and deletes them,
 * runs what must run now and then (retention, checkpoints, flushing, compaction), and stops cleanly. A
 * directory that fails is taken offline with all its logs; the others go on. (Kafka's LogManager.)
 */
import type { BrokerConfig, FixedConfig } from '../config/broker-config.ts';
import type { Live } from '../config/live.ts';
import type { LogConfig } from '../config/topic-config.ts';
import { BufferPool } from '../platform/buffer-pool.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Platform } from '../platform/platform.ts';
import { type PartitionKey, partitionKey, type TopicPartition, type Uuid } from '../types.ts';
import { Cleaner } from './cleaner/cleaner.ts';
import type { SliceLimits } from './cleaner/slices.ts';
import { asStorageError, StorageError } from './files/storage-error.ts';
import { FutureLogs } from './future-logs.ts';
import { createLog } from './load.ts';
import { loadDirectory } from './load-directory.ts';
import { type CheckpointWhen, LogCheckpoints } from './log-checkpoints.ts';
import type { LogDirectories } from './log-directories.ts';
import type { LogDirectory } from './log-directory.ts';
import { LogFolders } from './log-folders.ts';
import { type LogServices, LogState } from './log-state.ts';
import { LogTable } from './log-table.ts';
import { PartitionLog } from './partition-log.ts';
import { Removals } from './removals.ts';
import { Tasks } from './tasks.ts';
import { TopicIdSyncs } from './topic-id-syncs.ts';
import { startUpkeep, type UpkeepConfig } from './upkeep.ts';

export type LogManagerConfig = UpkeepConfig &
  Pick<FixedConfig, 'logCleanerThreads' | 'compressedBatchMaxDecompressedBytes'>;

export type LiveLogConfig = Live<
  Pick<
    BrokerConfig,
    | 'numRecoveryThreadsPerDataDir'
    | 'producerIdExpirationMs'
    | 'logCleanerBackoffMs'
    | 'logCleanerDedupeBufferSize'
    | 'logCleanerIoBufferLoadFactor'
    | 'logCleanerIoMaxBytesPerSecond'
  >
>;

interface LogManagerOptions
  extends Pick<Platform, 'disk' | 'clock' | 'random' | 'diagnostics' | 'journal' | 'metrics' | 'workers'> {
  readonly config: LogManagerConfig;
  /** Where the logs lie. It takes them over: opens them if nobody has, and releases them in the end. */
  readonly directories: LogDirectories;
  readonly liveConfig: LiveLogConfig;
  /** The effective config of a topic's logs, asked when a log is loaded or made. */
  readonly topicConfig: (topic: string) => LogConfig;
  /** What compaction may do in one go; of a test that has everything done apart. */
  readonly sliceLimits?: SliceLimits;
}

/** What logs are read into: the buffers of one large answer are kept (a consumer asks for up to 50 MiB). */
const MAX_POOLED_BYTES = 64 * 1024 * 1024;

/** `causeId`: the event of the failure. */
type DirectoryFailureListener = (directory: string, error: Error, causeId: EventId) => void;

export class LogManager {
  readonly #options: LogManagerOptions;
  readonly #config: LogManagerConfig;
  readonly #diagnostics: Diagnostics;
  readonly #directories: LogDirectories;
  /** Those in service: a log leaves at once when it is deleted or its directory fails. */
  readonly #logs = new LogTable();
  readonly #folders: LogFolders;
  readonly futures: FutureLogs;
  readonly #preferred = new Map<PartitionKey, string>(); // directories for logs that are not here yet
  readonly #listeners: DirectoryFailureListener[] = [];
  readonly #tasks: Tasks;
  readonly #removals: Removals;
  readonly #topicIds = new TopicIdSyncs();
  readonly #checkpoints: LogCheckpoints;
  /** Shared by all logs. */
  readonly #buffers = new BufferPool(MAX_POOLED_BYTES);
  readonly #cleaner: Cleaner;

  constructor(options: LogManagerOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#diagnostics = options.diagnostics.named('LogManager');
    this.#directories = options.directories;
    this.#directories.onFailure((path, error, causeId) => this.#directoryFailed(path, error, causeId));
    this.#tasks = new Tasks(options.clock, (error) => this.#taskFailed(error));
    this.#removals = new Removals(options.disk, this.#tasks, (error) => this.#taskFailed(error));
    this.#checkpoints = new LogCheckpoints(this.#directories, this.#logs, this.#tasks);
    this.#folders = new LogFolders({
      ...options,
      left: (log) => {
        this.#cleaner.forget(partitionKey(log.topic, log.partition), log.logDirectory);
        this.#checkpoints.writeSoon(log.logDirectory);
      },
      removals: this.#removals,
    });
    this.futures = new FutureLogs({
      ...options,
      diagnostics: this.#diagnostics,
      newLog: (at, logDirectory, directory) => this.#newState(at, logDirectory, directory),
      leaveBehind: (log) => this.#folders.leaveBehind(log),
    });
    this.#cleaner = new Cleaner({
      ...options,
      threads: this.#config.logCleanerThreads,
      diagnostics: options.diagnostics.named('LogCleaner'),
      later: (delayMs, run) => this.#tasks.later(delayMs, run),
      // What is being copied must not be compacted under its copy.
      logs: () => [...this.#logs.values()].filter(({ state }) => !this.futures.has(state.name)),
    });
    options.metrics.gauge(
      'kafka_log_logmanager_offlinelogdirectorycount',
      'Log directories that have failed',
      () => this.#directories.all.length - this.#directories.online.length,
    );
    options.metrics.gauge('kafka_log_log_size', 'Bytes in all logs of this broker', () =>
      [...this.#logs.values()].reduce((total, log) => total + log.sizeBytes, 0),
    );
  }

  /** Loads all logs, recovering them where the last stop was not clean, and begins the background work. */
  async start(): Promise<void> {
    this.#directories.open();
    await Promise.all(this.#directories.online.map((directory) => this.#load(directory)));
    this.#directories.requireOne();
    startUpkeep({
      config: this.#config,
      tasks: this.#tasks,
      checkpoints: this.#checkpoints,
      cleaner: this.#cleaner,
      logs: () => [...this.#logs.values()].filter(({ closed }) => !closed),
      trim: () => this.#buffers.trim(),
      failed: (error) => this.#taskFailed(error),
    });
  }

  log(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(partitionKey(topic, partition));
  }

  all(): Iterable<PartitionLog> {
    return this.#logs.values();
  }

  /** Log directories that work, and those that failed. */
  directories(): readonly { path: string; online: boolean }[] {
    return this.#directories.all.map(({ path, online }) => ({ path, online }));
  }

  /**
   * The log of a partition, made when there is none, in the directory with the fewest logs. While a
   * directory is offline only a partition that is new may be made: the data of another may lie there.
   * Throws StorageError.
   */
  create(
    topic: string,
    partition: number,
    { isNew, topicId }: { isNew: boolean; topicId: Uuid | null },
  ): PartitionLog {
    const key = partitionKey(topic, partition);
    const existing = this.#logs.get(key);
    if (existing !== undefined) {
      if (topicId !== null && existing.topicId === null) existing.assignTopicId(topicId);
      return existing;
    }
    const offline = this.#directories.firstOffline;
    if (!isNew && offline !== undefined) {
      throw new StorageError(offline.path, `Can't create log for ${key} because log directories are offline`);
    }
    for (const path of this.#placesFor(key)) {
      try {
        return this.#createIn(path, { topic, partition }, topicId);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        this.#diagnostics.warn(`Unable to create the log of ${key} in ${path}`, error);
      }
    }
    throw new StorageError(offline?.path ?? '', `No log directories available to create log for ${key}`);
  }

  /**
   * Takes a log out of service at once; its files go after file.delete.delay.ms. Resolves when it will not come
   * back after a power failure; rejects with a StorageError. Throws one where not even that could be begun.
   */
  delete(topic: string, partition: number): Promise<void> {
    const key = partitionKey(topic, partition);
    this.#preferred.delete(key);
    this.futures.delete(key);
    const log = this.#logs.get(key);
    if (log === undefined) return Promise.resolve();
    this.#logs.delete(key);
    return this.#folders.discard(log);
  }

  /** Where the log of a partition is to be made when this broker gets a replica of it. */
  preferDirectory(topic: string, partition: number, path: string): void {
    this.#preferred.set(partitionKey(topic, partition), path);
  }

  /** Puts the future log of a partition, which holds all that its log holds, in the place of that. */
  replaceByFuture(topic: string, partition: number): PartitionLog {
    const key = partitionKey(topic, partition);
    const log = this.#logs.get(key);
    if (log === undefined) throw new Error(`${key} is not on its way anywhere`);
    const future = this.futures.arrive(log, this.#folders);
    this.#logs.set(key, future);
    this.#folders.leaveBehind(log);
    this.#checkpoints.writeSoon(future.logDirectory);
    this.#diagnostics.info(`The log of ${key} is now in ${future.logDirectory}`);
    return future;
  }

  /** Gives all logs of a topic their new config. */
  updateTopicConfig(topic: string, config: LogConfig): void {
    for (const log of [...this.#logs.values(), ...this.futures.all()]) {
      if (log.topic === topic) log.updateConfig(config);
    }
  }

  /** Called (later, never from within the failing call) with each directory that fails. */
  onDirectoryFailure(listener: DirectoryFailureListener): void {
    this.#listeners.push(listener);
  }

  /** The high watermarks as they were checkpointed, of all directories. */
  readHighWatermarks(): Map<PartitionKey, number> {
    return this.#checkpoints.readHighWatermarks();
  }

  /** Checkpoints high watermarks, each in the directory its log lies in. */
  writeHighWatermarks(offsets: ReadonlyMap<PartitionKey, number>, when: CheckpointWhen): void {
    this.#checkpoints.writeHighWatermarks(offsets, when);
  }

  /** The clean stop: everything durable, checkpoints written, and the marker that says so. */
  shutdown(): void {
    this.#tasks.stop();
    this.#cleaner.stop();
    for (const directory of this.#directories.online) this.#closeDirectory(directory);
    this.#logs.clear();
  }

  /** As after kill -9: files are closed and nothing is written. For tests. */
  abandon(): void {
    this.#tasks.stop();
    this.#cleaner.stop();
    for (const log of this.#logs.values()) log.abandon();
    this.futures.abandon();
    this.#logs.clear();
    this.#directories.release();
  }

  async #load(directory: LogDirectory): Promise<void> {
    const { disk, topicConfig } = this.#options;
    try {
      const loaded = await loadDirectory(directory, {
        disk,
        directories: this.#directories,
        diagnostics: this.#diagnostics,
        concurrency: this.#options.liveConfig.now.numRecoveryThreadsPerDataDir,
        newLog: (at, path) => this.#newState(at, directory.path, path),
      });
      for (const state of loaded.logs) {
        const other = this.#logs.get(state.name);
        if (other !== undefined) {
          throw new Error(`Duplicate log directories found: ${other.directory} and ${state.directory}`);
        }
        this.#logs.set(state.name, new PartitionLog(state));
      }
      for (const state of loaded.futures) this.futures.found(state);
      for (const { path, topic } of loaded.toDelete) {
        const delayMs = topicConfig(topic).fileDeleteDelayMs;
        this.#folders.removeLater({ directory: path, logDirectory: directory.path }, delayMs);
      }
      directory.loaded = directory.online;
    } catch (error) {
      const failure = asStorageError(directory.path, 'loading logs', error);
      if (!(failure instanceof StorageError)) throw failure;
      this.#directories.fail(failure);
    }
  }

  #services(): LogServices {
    const { disk, clock, random, diagnostics, liveConfig } = this.#options;
    return {
      disk,
      clock,
      random,
      diagnostics: diagnostics.named('Log'),
      buffers: this.#buffers,
      config: this.#config,
      liveConfig,
      removals: this.#removals,
      onTruncated: (log, offset) => {
        if (this.#logs.get(log.name)?.state === log) this.futures.truncated(log.name, offset);
        this.#cleaner.truncated(log.name, log.logDirectory, offset);
        this.#checkpoints.writeSoon(log.logDirectory);
      },
      onStorageError: (error) => this.#directories.fail(error),
      syncTopicId: (log) => this.#topicIds.add(log),
    };
  }

  #newState(at: TopicPartition, logDirectory: string, directory: string): LogState {
    return new LogState(
      { ...at, logDirectory, directory },
      this.#options.topicConfig(at.topic),
      this.#services(),
    );
  }

  #createIn(logDirectory: string, at: TopicPartition, topicId: Uuid | null): PartitionLog {
    const key = partitionKey(at.topic, at.partition);
    const directory = `${logDirectory}/${key}`;
    return this.#directories.guarded(logDirectory, `creating the log of ${key}`, () => {
      const state = this.#newState(at, logDirectory, directory);
      createLog(state);
      const log = new PartitionLog(state);
      if (topicId !== null) log.assignTopicId(topicId);
      this.#logs.set(key, log);
      this.#preferred.delete(key);
      this.#diagnostics.info(`Created log for partition ${key} in ${directory}`);
      return log;
    });
  }

  #closeDirectory(directory: LogDirectory): void {
    try {
      const logs = [...this.#logsIn(directory.path), ...this.futures.in(directory.path)];
      for (const log of logs) if (!log.closed) log.close();
      this.#checkpoints.writeRecoveryPoints(directory.path, 'now');
      this.#checkpoints.writeLogStarts(directory.path, 'now');
      if (directory.loaded && directory.online) directory.writeCleanShutdownMarker();
    } catch (error) {
      this.#diagnostics.error(
        `There was an error in one of the logs of ${directory.path} during shutdown`,
        error,
      );
    } finally {
      directory.release();
    }
  }

  /** Its logs are gone at once; who listens hears of it later, never from within the failing call. */
  #directoryFailed(path: string, error: StorageError, causeId: EventId): void {
    this.futures.directoryFailed(path);
    for (const [key, log] of [...this.#logs]) {
      if (log.logDirectory !== path) continue;
      this.#logs.delete(key);
      log.abandon();
    }
    this.#options.clock.soon(() => {
      for (const listener of this.#listeners) listener(path, error, causeId);
    });
  }

  #taskFailed(error: unknown): void {
    if (!(error instanceof StorageError)) this.#diagnostics.error('A background task failed', error);
  }

  #logsIn(path: string): PartitionLog[] {
    return [...this.#logs.values()].filter((log) => log.logDirectory === path);
  }

  /** Where somebody wants it, or the directories by how few logs they hold. */
  #placesFor(key: PartitionKey): string[] {
    const preferred = this.#preferred.get(key);
    const paths = this.#directories.online.map(({ path }) => path);
    if (preferred !== undefined && paths.includes(preferred)) return [preferred];
    return paths.sort((one, other) => this.#logs.countIn(one) - this.#logs.countIn(other));
  }
}
