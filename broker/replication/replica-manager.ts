/**
 * All replicas of this broker behind one face: what the controller wants of them, appends, fetches,
 * offsets, and the replication streams in both directions. The work is done in the files beside it;
 * here it is wired together, and whoever waits is woken.
 * Source: Kafka's ReplicaManager.
 */

import { ErrorCode } from '../errors.ts';
import { StorageError } from '../log/files/storage-error.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { type DeltaOutcome, deltaOutcome, type MetadataDelta, type ReplicaDelta } from '../metadata/delta.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../peers/messages.ts';
import type { Peers } from '../peers/peers.contract.ts';
import { every, type Timer } from '../platform/clock.ts';
import type { Platform } from '../platform/platform.ts';
import { type Steps, type Turns, unless } from '../platform/turns.ts';
import { NO_EPOCH, type TopicPartition } from '../types.ts';
import type { ReplicationConfigs, ReplicationMetadata, TransactionVerifier } from './collaborators.ts';
import { failureError } from './failure-error.ts';
import { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts';
import { HostedPartitions } from './hosted-partitions.ts';
import { IsrProposals } from './isr-proposals.ts';
import { Leadership, type RoleChange } from './leadership.ts';
import { Partition, type PartitionContext } from './partition.ts';
import {
  countIsrChange,
  type ReplicationCounters,
  registerReplicationGauges,
  replicationCounters,
} from './replication-metrics.ts';
import type { AnswerMemory } from './requests/answer-memory.ts';
import { type CoordinatorAppend, CoordinatorLog, type CoordinatorRead } from './requests/coordinator-log.ts';
import { type DeleteRecordsEntry, ReplicaDeleteRecords } from './requests/delete-records.ts';
import { isRackAware } from './requests/preferred-replica.ts';
import { PreparedAppend } from './requests/prepared-append.ts';
import { type AppendOutcome, type AppendRequest, ReplicaAppend } from './requests/replica-append.ts';
import { type FetchRequest, ReplicaFetch } from './requests/replica-fetch.ts';
import {
  type EpochEndQuery,
  type LegacyOffsetsQuery,
  type ListOffsetQuery,
  ReplicaOffsets,
} from './requests/replica-offsets.ts';
import {
  type TransactionClaim,
  VerifiedAppend,
  type VerifiedTransaction,
} from './requests/verified-append.ts';
import { WaitingRooms } from './requests/waiting-rooms.ts';
import { Follower } from './stream/follower.ts';
import { ReplicaStreams } from './stream/replica-streams.ts';
import { SharedReads } from './stream/shared-reads.ts';
import { type ReplicationThrottles, replicationThrottles } from './throttles.ts';

interface ReplicaManagerOptions
  extends ReplicationConfigs,
    Pick<Platform, 'clock' | 'diagnostics' | 'journal' | 'metrics' | 'workers'> {
  readonly logs: LogManager;
  readonly metadata: ReplicationMetadata;
  readonly peers: Pick<Peers, 'openStream' | 'onStream'>;
  readonly brokerEpoch: () => number;
  /** Asks the active controller, wherever it is; rejects when it can't be reached. */
  readonly propose: (request: AlterPartitionRequest) => Promise<AlterPartitionResponse>;
  readonly verifier: TransactionVerifier;
  readonly answerMemory: AnswerMemory;
}

export class ReplicaManager {
  readonly #options: ReplicaManagerOptions;
  readonly #told: Pick<Platform, 'diagnostics' | 'journal'>; // both under the name of the replica manager
  readonly #hosted: HostedPartitions;
  readonly #waiting: WaitingRooms;
  readonly #proposals: IsrProposals;
  readonly #streams: ReplicaStreams;
  readonly follower: Follower; // a fault on demand holds it back; nobody else has to do with it
  readonly #leadership: Leadership;
  readonly #append: PreparedAppend;
  readonly #verified: VerifiedAppend;
  readonly #fetch: ReplicaFetch;
  readonly #offsets: ReplicaOffsets;
  readonly #deleteRecords: ReplicaDeleteRecords;
  readonly #counters: ReplicationCounters;
  readonly #coordinatorLog: CoordinatorLog;
  readonly #throttles: ReplicationThrottles;
  readonly #checkpoints: HighWatermarkCheckpoints;
  readonly #shrinkTimer: Timer;
  readonly #listeners: ((change: RoleChange) => void)[] = [];
  #closed = false; // once true, deltas and new streams are refused

  constructor(options: ReplicaManagerOptions) {
    const { clock, metrics, workers, config, metadata, logs, brokerEpoch, propose } = options;
    const { brokerId } = config;
    const name = `ReplicaManager broker=${brokerId}`;
    const diagnostics = options.diagnostics.named(name);
    this.#options = options;
    this.#told = { diagnostics, journal: options.journal.named(name) };
    this.#hosted = new HostedPartitions(metadata);
    this.#counters = replicationCounters(metrics);
    this.#waiting = new WaitingRooms(clock);
    this.#proposals = new IsrProposals({ clock, diagnostics, brokerId, brokerEpoch, propose });
    this.#throttles = replicationThrottles({ ...options, brokerId });
    this.#streams = this.#makeStreams();
    this.follower = this.#makeFollower();
    this.#leadership = this.#makeLeadership();
    const common = {
      hosted: this.#hosted,
      failureOf: (partition: TopicPartition, error: unknown) => this.#failureOf(partition, error),
    };
    const append = new ReplicaAppend({ ...common, clock, waiting: this.#waiting.produce });
    this.#verified = new VerifiedAppend({
      ...{ hosted: this.#hosted, append, verifier: options.verifier },
      isEnabled: () => options.liveConfig.now.transactionPartitionVerificationEnable,
    });
    this.#append = new PreparedAppend({ ...common, ...options, append: this.#verified });
    this.#fetch = new ReplicaFetch({
      ...common,
      ...{ clock, brokerId, metadata, answerMemory: options.answerMemory, waiting: this.#waiting.fetch },
      rackAware: isRackAware(config.replicaSelectorClass),
      fetchMaxBytes: config.fetchMaxBytes,
    });
    this.#offsets = new ReplicaOffsets({ ...common, workers });
    this.#deleteRecords = new ReplicaDeleteRecords({ ...common, waiting: this.#waiting.deleteRecords });
    this.#coordinatorLog = new CoordinatorLog({ ...common, append });
    const intervalMs = config.replicaHighWatermarkCheckpointIntervalMs;
    this.#checkpoints = new HighWatermarkCheckpoints({ ...common, clock, diagnostics, logs, intervalMs });
    this.#shrinkTimer = this.#start();
  }

  /** What the controller wants of the replicas here, one a step; its epochs have been compared. */
  apply(delta: ReplicaDelta): Steps<DeltaOutcome> {
    return unless(this.#apply(delta), () =>
      this.#closed ? deltaOutcome(ErrorCode.BROKER_NOT_AVAILABLE) : null,
    );
  }

  /** The checkpoint stays held where not all is taken up: the next delta tells the rest of it. */
  *#apply(delta: ReplicaDelta): Steps<DeltaOutcome> {
    this.#checkpoints.hold(true);
    if (delta.lead.length + delta.follow.length > 0) this.#checkpoints.start();
    const { failed, deletions } = yield* this.#leadership.apply(delta);
    this.#checkpoints.hold(false);
    if (deletions.length > 0) yield Promise.all(deletions);
    return { error: ErrorCode.NONE, failed };
  }

  /** What all brokers are told of the cluster, once this one's metadata has taken it in. */
  metadataUpdated(delta: MetadataDelta): void {
    this.#leadership.leaveMoved(delta);
  }

  /** Outcomes in the order of the entries; a promise only while acks=all has to wait. */
  append(request: AppendRequest): AppendOutcome[] | Promise<AppendOutcome[]> {
    return this.#append.append(request);
  }

  /** Before a coordinator writes records of somebody's transaction to its partition. */
  verifyTransaction(at: TopicPartition, claim: TransactionClaim): Promise<VerifiedTransaction> {
    return this.#verified.verify(at, claim);
  }

  /** A coordinator's write, acknowledged by all, in the leader epoch in which the coordinator was elected. */
  appendToCoordinatorLog(
    topic: string,
    partition: number,
    batch: Buffer,
    options: CoordinatorAppend,
  ): Promise<{ error: ErrorCode; baseOffset: number }> {
    return this.#coordinatorLog.append({ topic, partition }, batch, options);
  }

  /** A coordinator loading its state reads up to the log's end, committed or not. */
  readForCoordinator(topic: string, partition: number, offset: number, maxBytes: number): CoordinatorRead {
    return this.#coordinatorLog.read({ topic, partition }, offset, maxBytes);
  }

  /** A consumer's fetch: outcomes in the order of the partitions, a promise when it has to wait or to take turns. */
  fetch(request: FetchRequest, turns: Turns) {
    return this.#fetch.fetch(request, turns);
  }

  listOffset(topic: string, partition: number, query: ListOffsetQuery) {
    return this.#offsets.listOffset(topic, partition, query);
  }

  /** ListOffsets v0. */
  legacyOffsets(topic: string, partition: number, query: LegacyOffsetsQuery) {
    return this.#offsets.legacyOffsets(topic, partition, query);
  }

  /** OffsetForLeaderEpoch: where an epoch ended, as far as this broker knows; -1 and -1 when it doesn't. */
  endOffsetForEpoch(topic: string, partition: number, query: EpochEndQuery) {
    return this.#offsets.endOffsetForEpoch(topic, partition, query);
  }

  deleteRecords(entries: readonly DeleteRecordsEntry[], timeoutMs: number, turns: Turns) {
    return this.#deleteRecords.delete(entries, timeoutMs, turns);
  }

  partition(topic: string, partition: number): Partition | undefined {
    return this.#hosted.get(topic, partition);
  }

  /** The partition, or the error a request for it is answered with. */
  lookup(topic: string, partition: number): Partition | ErrorCode {
    return this.#hosted.lookup(topic, partition);
  }

  logReplaced(partition: Partition, log: PartitionLog): void {
    partition.attachLog(log); // it lies in another directory now
    this.#changed(partition);
  }

  partitions(): Iterable<Partition> {
    return this.#hosted.all();
  }

  /** Called for each replica that a delta changes, leaders first, and for deleted replicas. */
  onLeadership(listener: (change: RoleChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Replication streams that followers have open to this broker. */
  get streams(): ReplicaStreams {
    return this.#streams;
  }

  /** Stops replication, ends every wait, and checkpoints the high watermarks. */
  shutdown(): void {
    if (this.#closed) return;
    this.#stop();
    this.#waiting.expireAll();
    this.#checkpoints.write();
  }

  /** As after kill -9: nothing is written or answered any more. For tests. */
  abandon(): void {
    if (!this.#closed) this.#stop();
  }

  #stop(): void {
    this.#closed = true;
    this.#shrinkTimer.cancel();
    this.#checkpoints.stop();
    this.#throttles.stop();
    this.#proposals.close();
    this.follower.close();
    this.#streams.close();
  }

  #start(): Timer {
    const { clock, config, peers, logs, metrics } = this.#options;
    peers.onStream((channel, follower) => {
      if (this.#closed) channel.close('the broker is shutting down');
      else this.#streams.accept(channel, follower);
    });
    logs.onDirectoryFailure((directory, _, causeId) => this.#leadership.directoryFailed(directory, causeId));
    registerReplicationGauges(metrics, {
      hosted: this.#hosted,
      follower: this.follower,
      streams: this.#streams,
      waiting: this.#waiting,
      clock,
      maxTransactionTimeoutMs: config.transactionMaxTimeoutMs,
    });
    const shrink = (): void => {
      for (const partition of this.#hosted.all()) partition.shrinkIsr();
    };
    return every(clock, config.replicaLagTimeMaxMs / 2, shrink, (error) =>
      this.#told.diagnostics.error('Shrinking in-sync replicas failed', error),
    );
  }

  #makeStreams(): ReplicaStreams {
    const { clock, config, metadata } = this.#options;
    return new ReplicaStreams({
      clock,
      config,
      diagnostics: this.#told.diagnostics,
      reads: new SharedReads(),
      throttle: this.#throttles.leader,
      partition: (topic, partition) => this.#hosted.lookup(topic, partition),
      knownBrokerEpoch: (broker) => metadata.broker(broker)?.epoch ?? NO_EPOCH,
      sentBytes: (sizeBytes) => this.#counters.replicationBytesOut.add(sizeBytes),
      onReadFailure: (partition, error) => this.#failureOf(partition, error),
    });
  }

  #makeFollower(): Follower {
    const { clock, config, liveConfig, metadata, peers, brokerEpoch } = this.#options;
    return new Follower({
      clock,
      config,
      liveConfig,
      metadata,
      peers,
      throttle: this.#throttles.follower,
      brokerEpoch,
      ...this.#told,
      receivedBytes: (sizeBytes) => this.#counters.replicationBytesIn.add(sizeBytes),
      isStorageFailure: (error) => error instanceof StorageError,
    });
  }

  #makeLeadership(): Leadership {
    const { config, logs, metadata } = this.#options;
    const context = this.#makePartitionContext();
    return new Leadership({
      brokerId: config.brokerId,
      ...this.#told,
      hosted: this.#hosted,
      logs,
      metadata,
      follower: this.follower,
      newPartition: (topic, partition) => new Partition(topic, partition, context),
      changed: (partition) => this.#changed(partition),
      announce: (change) => this.#announce(change),
      failureOf: (partition, error) => this.#failureOf(partition, error),
    });
  }

  #makePartitionContext(): PartitionContext {
    const { clock, config, metadata } = this.#options;
    return {
      brokerId: config.brokerId,
      clock,
      journal: this.#told.journal,
      lagTimeMaxMs: config.replicaLagTimeMaxMs,
      isAlive: (broker) => metadata.isAlive(broker),
      proposals: this.#proposals,
      events: {
        appended: (partition) => this.#streams.appended(partition),
        highWatermarkMoved: (partition) => {
          this.#streams.marksMoved(partition);
          this.#waiting.check(partition.key);
        },
        startOffsetMoved: (partition) => {
          this.#streams.marksMoved(partition);
          this.#waiting.deleteRecords.check(partition.key);
        },
        isrChanged: (_partition, change) => countIsrChange(this.#counters, change),
      },
    };
  }

  #changed(partition: Partition): void {
    this.#streams.leadershipChanged(partition);
    this.#waiting.check(partition.key);
  }

  #announce(change: RoleChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#told.diagnostics.error(`A listener failed on ${change.topic}-${change.partition}`, error);
      }
    }
  }

  #failureOf(partition: { topic: string; partition: number }, error: unknown): ErrorCode {
    return failureError(partition, error, this.#told.diagnostics);
  }
}
