/**
 * Replicas on their way to another log directory of this broker: their log is copied into a future log,
 * a piece at a time and no faster than replica.alter.log.dirs.io.max.bytes.per.second, and that takes its
 * place once it holds the same. What a stop has interrupted goes on when the replica is told of again.
 * Source: ReplicaManager.alterReplicaLogDirs, ReplicaAlterLogDirsThread, KIP-113.
 */
import type { BrokerConfig, FixedConfig } from '../config/broker-config.ts';
import type { Live } from '../config/live.ts';
import { ErrorCode, isError } from '../errors.ts';
import { renamedDirectoryName } from '../log/files/file-names.ts';
import { StorageError } from '../log/files/storage-error.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { Platform } from '../platform/platform.ts';
import { ReplicationQuota } from '../quotas/replication-quota.ts';
import type { PartitionKey, TopicPartition } from '../types.ts';
import type { RoleChange } from './leadership.ts';
import type { Partition } from './partition.ts';
import { appendFollowed } from './stream/follower-log.ts';
import { THROTTLE_CHECK_MS } from './throttles.ts';

interface LogDirMovesOptions extends Pick<Platform, 'clock' | 'diagnostics' | 'metrics'> {
  readonly config: Pick<
    FixedConfig,
    | 'replicaFetchMaxBytes'
    | 'alterLogDirsReplicationQuotaWindowNum'
    | 'alterLogDirsReplicationQuotaWindowSizeSeconds'
  >;
  readonly liveConfig: Live<Pick<BrokerConfig, 'replicaAlterLogDirsIoMaxBytesPerSecond'>>;
  readonly logs: LogManager;
  readonly replicas: {
    lookup(topic: string, partition: number): Partition | ErrorCode;
    onLeadership(listener: (change: RoleChange) => void): void;
    logReplaced(partition: Partition, log: PartitionLog): void;
  };
}

/** Longest name of a folder. */
const MAX_NAME_LENGTH = 255;
const SUFFIX_HEX = '0'.repeat(32);

export class LogDirMoves {
  readonly #options: LogDirMovesOptions;
  readonly #quota: ReplicationQuota;
  readonly #moving = new Set<PartitionKey>();
  readonly #unfollow: () => void;
  #stopped = false;

  constructor(options: LogDirMovesOptions) {
    const { clock, config, liveConfig, metrics, replicas } = options;
    this.#options = options;
    const samples = config.alterLogDirsReplicationQuotaWindowNum;
    const sampleMs = config.alterLogDirsReplicationQuotaWindowSizeSeconds * 1000;
    const { replicaAlterLogDirsIoMaxBytesPerSecond } = liveConfig.now;
    this.#quota = new ReplicationQuota({ samples, sampleMs }, replicaAlterLogDirsIoMaxBytesPerSecond);
    this.#unfollow = liveConfig.onChange((now) => {
      this.#quota.limit = now.replicaAlterLogDirsIoMaxBytesPerSecond;
    });
    metrics.gauge('kafka_server_alterlogdirsreplication_byte_rate', 'Bytes a second of moved logs', () =>
      this.#quota.rate(clock.nowMs()),
    );
    replicas.onLeadership(({ topic, partition, role }) => {
      if (role !== 'stopped') this.#resume(topic, partition);
    });
  }

  /** Wants the replica to lie in `path`, where it goes by itself, or is to be made once it is here. */
  alter({ topic, partition }: TopicPartition, path: string): ErrorCode {
    const { logs, replicas } = this.#options;
    if (isTooLong(topic, partition)) return ErrorCode.INVALID_TOPIC_EXCEPTION;
    const directory = logs.directories().find((one) => one.path === path);
    if (directory === undefined) return ErrorCode.LOG_DIR_NOT_FOUND;
    const found = replicas.lookup(topic, partition);
    if (!directory.online || found === ErrorCode.KAFKA_STORAGE_ERROR) return ErrorCode.KAFKA_STORAGE_ERROR;
    const log = isError(found) ? null : found.log;
    if (isError(found) || log === null) {
      if (isError(found) && found !== ErrorCode.NOT_LEADER_OR_FOLLOWER) return found;
      logs.preferDirectory(topic, partition, path);
      return ErrorCode.REPLICA_NOT_AVAILABLE;
    }
    try {
      return this.#move(found, log, path);
    } catch (error) {
      if (error instanceof StorageError) return ErrorCode.KAFKA_STORAGE_ERROR;
      throw error;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow();
  }

  #move(partition: Partition, log: PartitionLog, path: string): ErrorCode {
    const { logs } = this.#options;
    const future = logs.futures.get(partition.topic, partition.partition);
    if (future?.logDirectory === path) return ErrorCode.NONE;
    if (future !== undefined) logs.futures.delete(partition.key);
    if (log.logDirectory === path) return ErrorCode.NONE;
    // Else its future might be made although there is one in a directory that nobody can look into.
    if (logs.directories().some(({ online }) => !online)) return ErrorCode.KAFKA_STORAGE_ERROR;
    logs.futures.create(partition, path, log.topicId);
    this.#start(partition);
    return ErrorCode.NONE;
  }

  /** There may be a future log from before the last stop. */
  #resume(topic: string, number: number): void {
    if (this.#options.logs.futures.get(topic, number) === undefined) return;
    const partition = this.#options.replicas.lookup(topic, number);
    if (!isError(partition)) this.#start(partition);
  }

  #start(partition: Partition): void {
    if (this.#moving.has(partition.key)) return;
    this.#moving.add(partition.key);
    this.#continue(partition, 0);
  }

  /** In between others get their turn. */
  #continue(partition: Partition, delayMs: number): void {
    const { clock, diagnostics } = this.#options;
    clock.after(delayMs, () => {
      try {
        if (!this.#stopped) this.#step(partition);
      } catch (error) {
        this.#moving.delete(partition.key);
        diagnostics.error(`The move of ${partition.key} to another log directory has ended`, error);
      }
    });
  }

  #step(partition: Partition): void {
    const { clock, logs, replicas } = this.#options;
    const { log, topic, partition: number } = partition;
    const future = logs.futures.get(topic, number);
    // Given up, deleted, or one of the directories has failed.
    if (future === undefined || log === null || log.closed || partition.role === 'none') {
      this.#moving.delete(partition.key);
      return;
    }
    if (this.#quota.isExceeded(clock.nowMs())) {
      this.#continue(partition, THROTTLE_CHECK_MS);
      return;
    }
    this.#copy(log, future);
    if (future.endOffset < log.endOffset) {
      this.#continue(partition, 0);
      return;
    }
    this.#moving.delete(partition.key);
    replicas.logReplaced(partition, logs.replaceByFuture(topic, number));
  }

  /** The next piece of what the future log lacks. */
  #copy(log: PartitionLog, future: PartitionLog): void {
    const { clock, config } = this.#options;
    if (future.endOffset < log.startOffset) future.truncateFullyAndStartAt(log.startOffset);
    if (future.endOffset > log.endOffset) future.truncateTo(log.endOffset);
    const read = log.read({
      offset: future.endOffset,
      maxBytes: config.replicaFetchMaxBytes,
      upToOffset: log.endOffset,
      minOneBatch: true,
    });
    if (isError(read)) throw new Error(`offset ${future.endOffset} of ${log.directory} can't be read`);
    try {
      if (read.bytes.length > 0) appendFollowed(future, read.bytes);
      this.#quota.record(read.bytes.length, clock.nowMs());
    } finally {
      read.release();
    }
  }
}

function isTooLong(topic: string, partition: number): boolean {
  const name = renamedDirectoryName({ topic: '', partition }, 'future', SUFFIX_HEX);
  return topic.length + name.length > MAX_NAME_LENGTH;
}
