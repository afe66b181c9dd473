/**
 * Logs on their way to another log directory of this broker: for each partition at most one, in a folder
 * `topic-3.<hex>-future` beside the others, until it holds what the partition's log holds and takes its
 * place. What is cut from the log is cut from its future too. (Kafka's LogManager.futureLogs.)
 */
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Disk } from '../platform/disk.ts';
import type { Random } from '../platform/random.ts';
import { type PartitionKey, partitionKey, type TopicPartition, type Uuid } from '../types.ts';
import { renamedDirectoryName } from './files/file-names.ts';
import { StorageError } from './files/storage-error.ts';
import { createLog } from './load.ts';
import type { LogDirectories } from './log-directories.ts';
import type { LogFolders } from './log-folders.ts';
import type { LogState } from './log-state.ts';
import { PartitionLog } from './partition-log.ts';

interface FutureLogsOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
  readonly directories: LogDirectories;
  readonly newLog: (at: TopicPartition, logDirectory: string, directory: string) => LogState;
  /** Closes a log that is out of service, and has its files removed once readers are done. */
  readonly leaveBehind: (log: PartitionLog) => void;
}

export class FutureLogs {
  readonly #options: FutureLogsOptions;
  readonly #logs = new Map<PartitionKey, PartitionLog>();

  constructor(options: FutureLogsOptions) {
    this.#options = options;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(partitionKey(topic, partition));
  }

  all(): Iterable<PartitionLog> {
    return this.#logs.values();
  }

  has(key: PartitionKey): boolean {
    return this.#logs.has(key);
  }

  in(logDirectory: string): PartitionLog[] {
    return [...this.#logs.values()].filter((log) => log.logDirectory === logDirectory);
  }

  /** One that was there at the start. */
  found(state: LogState): void {
    const other = this.#logs.get(state.name);
    if (other !== undefined) {
      throw new Error(`Duplicate log directories found: ${other.directory} and ${state.directory}`);
    }
    this.#logs.set(state.name, new PartitionLog(state));
  }

  /** Makes the future log of a partition that has none. Throws StorageError. */
  create(at: TopicPartition, logDirectory: string, topicId: Uuid | null): PartitionLog {
    const { directories, random, newLog, diagnostics } = this.#options;
    const key = partitionKey(at.topic, at.partition);
    const name = renamedDirectoryName(at, 'future', random.bytes(16).toString('hex'));
    return directories.guarded(logDirectory, `creating the future log of ${key}`, () => {
      const state = newLog(at, logDirectory, `${logDirectory}/${name}`);
      createLog(state);
      const log = new PartitionLog(state);
      if (topicId !== null) log.assignTopicId(topicId);
      this.#logs.set(key, log);
      diagnostics.info(`Created the future log of partition ${key} in ${state.directory}`);
      return log;
    });
  }

  /**
   * Gives the future of a log the log's name and marks; it is nobody's future from then on. In Kafka's
   * order: after a crash before the log is gone, both are there under one name, and nothing is lost.
   */
  arrive(log: PartitionLog, folders: LogFolders): PartitionLog {
    const key = partitionKey(log.topic, log.partition);
    const future = this.#logs.get(key);
    if (future === undefined) throw new Error(`${key} is not on its way anywhere`);
    // An epoch that has no records yet was not copied with them.
    const latest = log.epochs.entries.at(-1);
    if (latest !== undefined) future.assignEpoch(latest.epoch, latest.startOffset);
    future.flush();
    folders.rename(future, key);
    this.#logs.delete(key);
    future.updateHighWatermark(log.highWatermark);
    if (log.startOffset > future.startOffset) future.raiseStartOffset(log.startOffset);
    return future;
  }

  /** The move is given up, or its partition is deleted. */
  delete(key: PartitionKey): void {
    const log = this.#logs.get(key);
    if (log === undefined) return;
    this.#logs.delete(key);
    this.#options.leaveBehind(log);
  }

  /** Records of the partition's log from `offset` on are gone. */
  truncated(key: PartitionKey, offset: number): void {
    const log = this.#logs.get(key);
    if (log === undefined || log.closed || log.endOffset <= offset) return;
    try {
      log.truncateTo(offset);
    } catch (error) {
      // Its directory is offline by now, and the future with it: the log itself must not suffer for that.
      if (!(error instanceof StorageError)) throw error;
    }
  }

  directoryFailed(logDirectory: string): void {
    for (const log of this.in(logDirectory)) {
      this.#logs.delete(partitionKey(log.topic, log.partition));
      log.abandon();
    }
  }

  abandon(): void {
    for (const log of this.#logs.values()) log.abandon();
    this.#logs.clear();
  }
}
