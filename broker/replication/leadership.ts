/**
 * LeaderAndIsr and StopReplica: what the controller wants this broker to lead, follow and drop.
 * Both are decided synchronously and in one piece. Rules: the controller's and the broker's epoch are
 * compared before anything else; a partition state takes effect only with a leader epoch above the
 * known one; leaders first, then followers; a follower starts only when its leader is alive.
 * Source: Kafka's ReplicaManager.becomeLeaderOrFollower, makeLeaders, makeFollowers, stopReplicas.
 */

import { ErrorCode } from '../errors.ts';
import { StorageError } from '../log/files/storage-error.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type {
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
  PartitionError,
  PartitionStateMessage,
  StopReplicaRequest,
  StopReplicaResponse,
  UpdateMetadataRequest,
} from '../peers/messages.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import {
  type BrokerId,
  EPOCH_DURING_DELETE,
  NO_EPOCH,
  type PartitionKey,
  partitionKey,
  type Uuid,
  ZERO_UUID,
} from '../types.ts';
import type { ReplicationFence, ReplicationMetadata } from './collaborators.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';
import type { Follower } from './stream/follower.ts';

export interface LeadershipChange {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  /** `stopped`: the replica was deleted here, has moved to others, or its directory has failed. */
  readonly role: 'leader' | 'follower' | 'stopped';
}

export interface LeadershipContext {
  readonly brokerId: BrokerId;
  readonly diagnostics: Diagnostics;
  readonly hosted: HostedPartitions;
  readonly logs: LogManager;
  readonly metadata: ReplicationMetadata;
  readonly fence: ReplicationFence;
  readonly follower: Follower;
  readonly newPartition: (topic: string, partition: number) => Partition;
  /** Role or epoch has changed: whoever waits or streams must look again. */
  readonly changed: (partition: Partition) => void;
  readonly announce: (change: LeadershipChange) => void;
  /** Maps what a log threw. */
  readonly failureOf: (partition: { topic: string; partition: number }, error: unknown) => ErrorCode;
}

interface Transition {
  readonly partition: Partition;
  readonly state: PartitionStateMessage;
  readonly topicId: Uuid | null;
}

export class Leadership {
  readonly #context: LeadershipContext;
  /** The checkpointed high watermarks, read once a request and only when a log is new to us. */
  #checkpointed: ReadonlyMap<PartitionKey, number> | null = null;

  constructor(context: LeadershipContext) {
    this.#context = context;
  }

  becomeLeaderOrFollower(request: LeaderAndIsrRequest): LeaderAndIsrResponse {
    const { fence, brokerId, follower, announce } = this.#context;
    const fenced = fence.check(request);
    if (fenced !== ErrorCode.NONE) return { error: fenced, partitions: [] };
    const errors = new Map<PartitionStateMessage, ErrorCode>();
    const leaders: Transition[] = [];
    const followers: Transition[] = [];
    this.#checkpointed = null;
    const topicIds = new Map(request.topicIds);
    for (const state of request.partitions) {
      const topicId = topicIdOf(topicIds, state.topic);
      const judged = this.#judge(state, topicId);
      if (typeof judged === 'number') errors.set(state, judged);
      else (state.leader === brokerId ? leaders : followers).push({ partition: judged, state, topicId });
    }
    for (const { partition } of [...leaders, ...followers]) follower.unfollow(partition.key);
    const led = this.#carryOut(leaders, errors, (transition) => this.#makeLeader(transition));
    const followed = this.#carryOut(followers, errors, (transition) => this.#makeFollower(transition));
    follower.closeIdleStreams();
    for (const { topic, partition, leaderEpoch } of led) {
      announce({ topic, partition, leaderEpoch, role: 'leader' });
    }
    for (const { topic, partition, leaderEpoch } of followed) {
      announce({ topic, partition, leaderEpoch, role: 'follower' });
    }
    const partitions = request.partitions.map((state) => answer(state, errors.get(state) ?? ErrorCode.NONE));
    return { error: ErrorCode.NONE, partitions };
  }

  stopReplicas(request: StopReplicaRequest): StopReplicaResponse {
    const { fence, follower } = this.#context;
    const fenced = fence.check(request);
    if (fenced !== ErrorCode.NONE) return { error: fenced, partitions: [] };
    const partitions = request.partitions.map((item) => {
      try {
        return answer(item, this.#stop(item));
      } catch (error) {
        return answer(item, this.#context.failureOf(item, error));
      }
    });
    follower.closeIdleStreams();
    return { error: ErrorCode.NONE, partitions };
  }

  /**
   * Lets go of what the cluster no longer holds this broker for. A broker that was away when its replica was
   * moved to others is never told to stop it; it must not go on leading, or its clients would stay with it.
   * The log is kept, as nobody has said that it is to be deleted.
   */
  leaveMoved({ partitions, topicIds }: Pick<UpdateMetadataRequest, 'partitions' | 'topicIds'>): void {
    const { brokerId, hosted, follower, diagnostics } = this.#context;
    const ids = new Map(topicIds);
    for (const { topic, partition: number, leaderEpoch, replicas } of partitions) {
      const partition = hosted.get(topic, number);
      if (partition === undefined || partition.role === 'none' || replicas.includes(brokerId)) continue;
      const topicId = topicIdOf(ids, topic);
      const isAnother = topicId !== null && partition.topicId !== null && partition.topicId !== topicId;
      if (leaderEpoch <= partition.leaderEpoch && !isAnother) continue;
      diagnostics.info(
        `${partition.key} is now on ${replicas}: this broker keeps its log and leaves it alone`,
      );
      follower.unfollow(partition.key);
      partition.retire();
      this.#context.changed(partition);
      this.#context.announce({
        topic,
        partition: number,
        leaderEpoch: partition.leaderEpoch,
        role: 'stopped',
      });
    }
    follower.closeIdleStreams();
  }

  /** The partition a state applies to, or why it does not apply. */
  #judge(state: PartitionStateMessage, topicId: Uuid | null): Partition | ErrorCode {
    const { hosted, logs, brokerId, newPartition } = this.#context;
    const { topic, partition: number } = state;
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
    transitions: readonly Transition[],
    errors: Map<PartitionStateMessage, ErrorCode>,
    make: (transition: Transition) => boolean,
  ): Partition[] {
    const made: Partition[] = [];
    for (const transition of transitions) {
      try {
        if (!make(transition)) continue;
        made.push(transition.partition);
        this.#context.changed(transition.partition);
      } catch (error) {
        const { partition, state } = transition;
        errors.set(state, this.#context.failureOf(partition, error));
        // No directory could take its log. What is known of it must not look like a replica.
        if (error instanceof StorageError && partition.log === null)
          this.#context.hosted.markOffline(partition.key);
      }
    }
    return made;
  }

  #makeLeader({ partition, state, topicId }: Transition): boolean {
    const log = this.#ensureLog(partition, state, topicId);
    return partition.becomeLeader(state, log);
  }

  #makeFollower({ partition, state, topicId }: Transition): boolean {
    const { metadata, follower, diagnostics } = this.#context;
    const log = this.#ensureLog(partition, state, topicId);
    if (!metadata.isAlive(state.leader)) {
      // The log is there, so that its high watermark stays in the checkpoint; nothing else changes.
      diagnostics.error(`${partition.key} can't follow ${state.leader}: that broker is not alive`);
      return false;
    }
    if (!partition.becomeFollower(state, log)) return false;
    follower.follow(partition);
    return true;
  }

  #ensureLog(partition: Partition, state: PartitionStateMessage, topicId: Uuid | null): PartitionLog {
    const { logs } = this.#context;
    const { topic, partition: number } = partition;
    const log =
      partition.log ?? logs.log(topic, number) ?? logs.create(topic, number, { isNew: state.isNew, topicId });
    if (topicId !== null && log.topicId === null) log.assignTopicId(topicId);
    if (partition.log === null) {
      this.#checkpointed ??= logs.readHighWatermarks();
      const checkpointed = this.#checkpointed.get(partition.key) ?? 0;
      if (checkpointed > log.highWatermark) log.updateHighWatermark(checkpointed);
      partition.attachLog(log);
    }
    return log;
  }

  #stop(item: StopReplicaRequest['partitions'][number]): ErrorCode {
    const { hosted, follower, logs, changed, announce } = this.#context;
    const { topic, partition: number, leaderEpoch, deletePartition } = item;
    const key = partitionKey(topic, number);
    if (hosted.isOffline(topic, number)) return ErrorCode.KAFKA_STORAGE_ERROR;
    const partition = hosted.get(topic, number);
    const always = leaderEpoch === EPOCH_DURING_DELETE || leaderEpoch === NO_EPOCH;
    if (partition !== undefined && !always && leaderEpoch < partition.leaderEpoch) {
      return ErrorCode.FENCED_LEADER_EPOCH;
    }
    follower.unfollow(key);
    if (deletePartition) {
      partition?.retire();
      hosted.remove(key);
      if (logs.log(topic, number) !== undefined) logs.delete(topic, number);
    }
    if (partition !== undefined) changed(partition);
    if (deletePartition) {
      announce({
        topic,
        partition: number,
        leaderEpoch: partition?.leaderEpoch ?? leaderEpoch,
        role: 'stopped',
      });
    }
    return ErrorCode.NONE;
  }
}

function answer(item: { topic: string; partition: number }, error: ErrorCode): PartitionError {
  return { topic: item.topic, partition: item.partition, error };
}

function topicIdOf(topicIds: ReadonlyMap<string, Uuid>, topic: string): Uuid | null {
  const id = topicIds.get(topic);
  return id === undefined || id === ZERO_UUID ? null : id;
}
