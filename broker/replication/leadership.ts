/**
 * What the controller wants this broker to lead, follow and drop, and what a failed directory takes from it,
 * each of them decided synchronously; node/metadata-publisher.ts gives very many of them several turns.
 * Whose word it is has been checked before (metadata/controller-fence.ts). Rules: a partition state takes
 * effect only with a leader epoch above the known one; leaders first, then followers; a follower starts
 * only when its leader is alive.
 * Source: Kafka's ReplicaManager.becomeLeaderOrFollower, makeLeaders, makeFollowers, stopReplicas.
 */

import { ErrorCode, isError } from '../errors.ts';
import { StorageError } from '../log/files/storage-error.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { MetadataDelta, ReplicaDelta, ReplicaState, StoppedReplica } from '../metadata/delta.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import type { Steps } from '../platform/turns.ts';
import {
  type BrokerId,
  EPOCH_DURING_DELETE,
  NO_EPOCH,
  type PartitionKey,
  partitionKey,
  type Uuid,
} from '../types.ts';
import type { ReplicationMetadata } from './collaborators.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';
import { replicaLeft, replicaOffline } from './replica-events.ts';
import type { Follower } from './stream/follower.ts';
import { TakenRoles } from './taken-roles.ts';

export interface RoleChange {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  /**
   * `stopped`: the replica has moved to others, or its directory has failed. `deleted`: the partition is no
   * more; one of that name that comes is another one, and begins with epoch 0.
   */
  readonly role: 'leader' | 'follower' | 'stopped' | 'deleted';
}

interface Applied {
  /** Those that could not, or would not, with the reason; {@link deletions} may add to it. */
  readonly failed: ReadonlyMap<PartitionKey, ErrorCode>;
  /** Whoever is told that a log was deleted must not see it come back: these resolve when that can't be. */
  readonly deletions: readonly Promise<void>[];
}

interface LeadershipContext {
  readonly brokerId: BrokerId;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  readonly hosted: HostedPartitions;
  readonly logs: LogManager;
  readonly metadata: ReplicationMetadata;
  readonly follower: Follower;
  readonly newPartition: (topic: string, partition: number) => Partition;
  /** Role or epoch has changed: whoever waits or streams must look again. */
  readonly changed: (partition: Partition) => void;
  readonly announce: (change: RoleChange) => void;
  /** Maps what a log threw. */
  readonly failureOf: (partition: { topic: string; partition: number }, error: unknown) => ErrorCode;
}

interface Transition {
  readonly partition: Partition;
  readonly state: ReplicaState;
}

export class Leadership {
  readonly #context: LeadershipContext;
  /** The checkpointed high watermarks, read once a delta and only when a log is new to us. */
  #checkpointed: ReadonlyMap<PartitionKey, number> | null = null;

  constructor(context: LeadershipContext) {
    this.#context = context;
  }

  /** A replica a step. */
  *apply({ lead, follow, stop }: ReplicaDelta): Steps<Applied> {
    const { journal, follower } = this.#context;
    const failed = new Map<PartitionKey, ErrorCode>();
    const deletions: Promise<void>[] = [];
    const roles = new TakenRoles(journal, lead.length + follow.length);
    let taken = 0;
    try {
      for (const state of lead) {
        if (taken++ > 0) yield;
        this.#take(state, failed, (transition) => this.#makeLeader(transition, roles));
      }
      for (const state of follow) {
        if (taken++ > 0) yield;
        this.#take(state, failed, (transition) => this.#makeFollower(transition, roles));
      }
      for (const replica of stop) {
        if (taken++ > 0) yield;
        this.#stopped(replica, failed, deletions);
        follower.closeIdleStreams();
      }
    } finally {
      // Also of an order that is dropped, or has failed, midway.
      roles.record();
      this.#checkpointed = null;
    }
    return { failed, deletions };
  }

  #take(
    state: ReplicaState,
    failed: Map<PartitionKey, ErrorCode>,
    make: (transition: Transition) => boolean,
  ): void {
    const { follower, announce } = this.#context;
    const judged = this.#judge(state);
    if (isError(judged)) {
      if (judged !== ErrorCode.NONE) failed.set(partitionKey(state.topic, state.partition), judged);
      return;
    }
    follower.unfollow(judged.key);
    const isMade = this.#carryOut({ partition: judged, state }, failed, make);
    follower.closeIdleStreams();
    if (!isMade) return;
    const { topic, partition, leaderEpoch } = judged;
    announce({ topic, partition, leaderEpoch, role: judged.isLeader ? 'leader' : 'follower' });
  }

  /**
   * Lets go of what the cluster no longer holds this broker for. A broker that was away when its replica was
   * moved to others is never told to stop it; it must not go on leading, or its clients would stay with it.
   * The log is kept, as nobody has said that it is to be deleted.
   */
  leaveMoved({ topics }: MetadataDelta): void {
    for (const [topic, { topicId, changed, removed }] of topics) {
      for (const told of changed) this.#leaveIfMoved(topic, topicId, told);
      // Whoever holds a replica is told to stop it, unless it is one of another topic of this name.
      for (const told of removed) this.#leaveIfMoved(topic, topicId, { ...told, leaderEpoch: NO_EPOCH });
    }
    this.#context.follower.closeIdleStreams();
  }

  #leaveIfMoved(
    topic: string,
    topicId: Uuid | null,
    told: {
      readonly partition: number;
      readonly replicas: readonly BrokerId[];
      readonly leaderEpoch: number;
    },
  ): void {
    const { brokerId, hosted, follower, journal } = this.#context;
    const partition = hosted.get(topic, told.partition);
    if (partition === undefined || partition.role === 'none' || told.replicas.includes(brokerId)) return;
    const isAnother = topicId !== null && partition.topicId !== null && partition.topicId !== topicId;
    if (told.leaderEpoch <= partition.leaderEpoch && !isAnother) return;
    journal.record(replicaLeft(partition, told.replicas));
    follower.unfollow(partition.key);
    partition.retire();
    this.#context.changed(partition);
    const { leaderEpoch } = partition;
    const role = isAnother ? 'deleted' : 'stopped';
    this.#context.announce({ topic, partition: told.partition, leaderEpoch, role });
  }

  /** Its replicas here are gone until the broker is started anew. */
  directoryFailed(directory: string, causeId: EventId): void {
    const { hosted, follower, journal, changed, announce } = this.#context;
    for (const replica of [...hosted.all()]) {
      if (replica.log?.logDirectory !== directory) continue;
      journal.record(replicaOffline(replica, directory), causeId);
      follower.unfollow(replica.key);
      replica.retire();
      hosted.markOffline(replica.key);
      changed(replica);
      const { topic, partition, leaderEpoch } = replica;
      announce({ topic, partition, leaderEpoch, role: 'stopped' });
    }
    follower.closeIdleStreams();
  }

  /** The partition a state applies to, or why it does not apply. */
  #judge(state: ReplicaState): Partition | ErrorCode {
    const { hosted, logs, brokerId, newPartition } = this.#context;
    const { topic, partition: number, topicId } = state;
    if (hosted.isOffline(topic, number)) return ErrorCode.KAFKA_STORAGE_ERROR;
    const known = hosted.get(topic, number);
    const log = known?.log ?? logs.log(topic, number);
    const knownId = log?.topicId ?? null;
    if (topicId !== null && knownId !== null && topicId !== knownId) return ErrorCode.INCONSISTENT_TOPIC_ID;
    const epoch = known?.leaderEpoch ?? NO_EPOCH;
    if (state.leaderEpoch > epoch) {
      if (!state.replicas.includes(brokerId)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      if (known !== undefined) return known;
      const partition = newPartition(topic, number);
      hosted.add(partition);
      return partition;
    }
    if (state.leaderEpoch === epoch && topicId !== null && knownId === null && log !== undefined) {
      // The topic got its id after this leader was elected; that alone takes effect.
      log.assignTopicId(topicId);
      return ErrorCode.NONE;
    }
    return ErrorCode.STALE_CONTROLLER_EPOCH;
  }

  #carryOut(
    transition: Transition,
    failed: Map<PartitionKey, ErrorCode>,
    make: (transition: Transition) => boolean,
  ): boolean {
    const { partition } = transition;
    try {
      if (!make(transition)) return false;
      this.#context.changed(partition);
      return true;
    } catch (error) {
      failed.set(partition.key, this.#context.failureOf(partition, error));
      // No directory could take its log: nobody may take the bare Partition for a replica that is hosted.
      if (error instanceof StorageError && partition.log === null)
        this.#context.hosted.markOffline(partition.key);
      return false;
    }
  }

  #makeLeader({ partition, state }: Transition, roles: TakenRoles): boolean {
    const log = this.#ensureLog(partition, state);
    if (!partition.becomeLeader(state, log)) return false;
    roles.took(partition, state);
    return true;
  }

  #makeFollower({ partition, state }: Transition, roles: TakenRoles): boolean {
    const { metadata, follower, diagnostics } = this.#context;
    const log = this.#ensureLog(partition, state);
    if (!metadata.isAlive(state.leader)) {
      // The log is there, so that its high watermark stays in the checkpoint; nothing else changes.
      diagnostics.error(`${partition.key} can't follow ${state.leader}: that broker is not alive`);
      return false;
    }
    if (!partition.becomeFollower(state, log)) return false;
    // First, as what following does to the log follows from it.
    roles.took(partition, state);
    follower.follow(partition);
    return true;
  }

  #ensureLog(partition: Partition, { isNew, topicId }: ReplicaState): PartitionLog {
    const { logs } = this.#context;
    const { topic, partition: number } = partition;
    const log = partition.log ?? logs.log(topic, number) ?? logs.create(topic, number, { isNew, topicId });
    if (topicId !== null && log.topicId === null) log.assignTopicId(topicId);
    if (partition.log === null) {
      this.#checkpointed ??= logs.readHighWatermarks();
      log.restoreHighWatermark(this.#checkpointed.get(partition.key) ?? 0);
      partition.attachLog(log);
    }
    return log;
  }

  #stopped(replica: StoppedReplica, failed: Map<PartitionKey, ErrorCode>, deletions: Promise<void>[]): void {
    const key = partitionKey(replica.topic, replica.partition);
    const hasFailed = (error: unknown): void => {
      failed.set(key, this.#context.failureOf(replica, error));
    };
    try {
      const stopped = this.#stop(replica);
      if (stopped instanceof Promise) deletions.push(stopped.catch(hasFailed));
      else if (stopped !== ErrorCode.NONE) failed.set(key, stopped);
    } catch (error) {
      hasFailed(error);
    }
  }

  /** A promise where a log is deleted: it resolves when that is durable. */
  #stop({
    topic,
    partition: number,
    leaderEpoch,
    deletePartition,
  }: StoppedReplica): ErrorCode | Promise<void> {
    const { hosted, follower, logs, changed, announce } = this.#context;
    const key = partitionKey(topic, number);
    if (hosted.isOffline(topic, number)) return ErrorCode.KAFKA_STORAGE_ERROR;
    const partition = hosted.get(topic, number);
    const always = leaderEpoch === EPOCH_DURING_DELETE || leaderEpoch === NO_EPOCH;
    if (partition !== undefined && !always && leaderEpoch < partition.leaderEpoch) {
      return ErrorCode.FENCED_LEADER_EPOCH;
    }
    follower.unfollow(key);
    let deletion: Promise<void> | null = null;
    if (deletePartition) {
      partition?.retire();
      hosted.remove(key);
      if (logs.log(topic, number) !== undefined) deletion = logs.delete(topic, number);
    }
    if (partition !== undefined) changed(partition);
    if (deletePartition) {
      announce({
        topic,
        partition: number,
        leaderEpoch: partition?.leaderEpoch ?? leaderEpoch,
        role: leaderEpoch === EPOCH_DURING_DELETE ? 'deleted' : 'stopped',
      });
    }
    return deletion ?? ErrorCode.NONE;
  }
}
