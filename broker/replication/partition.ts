/**
 * One partition on this broker: its role and epochs, and, while it leads, its in-sync replicas and high
 * watermark. Every change is synchronous; whoever waits is told through PartitionEvents.
 * Rules: a state older than the known one is ignored; the high watermark never falls in one epoch and
 * moves by leader-state.ts; at most one ISR change is on its way. Source: Kafka's Partition.scala.
 */

import { ErrorCode } from '../errors.ts';
import type { AppendInfo, RequestedAppendOptions } from '../log/append.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { ReplicaState } from '../metadata/delta.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import { type BrokerId, NO_EPOCH, NO_LEADER, type PartitionKey, partitionKey, type Uuid } from '../types.ts';
import type { IsrProposals, IsrVerdict } from './isr-proposals.ts';
import * as isr from './isr-state.ts';
import * as leading from './leader-state.ts';
import { isrChangeRefused, isrExpandProposed, isrShrinkProposed } from './replica-events.ts';

/** Who is told of what happens to a partition; called synchronously. */
interface PartitionEvents {
  /** The leader's log has grown. */
  appended(partition: Partition): void;
  highWatermarkMoved(partition: Partition): void;
  /** The log start offset of this log or of a follower has moved. */
  startOffsetMoved(partition: Partition): void;
  isrChanged(partition: Partition, change: 'expand' | 'shrink' | 'failed'): void;
}

export interface PartitionContext {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly lagTimeMaxMs: number;
  readonly isAlive: (broker: BrokerId) => boolean;
  readonly proposals: IsrProposals;
  readonly events: PartitionEvents;
}

type PartitionRole = 'leader' | 'follower' | 'none';

export class Partition {
  readonly topic: string;
  readonly partition: number;
  readonly key: PartitionKey;
  readonly #context: PartitionContext;
  #log: PartitionLog | null = null;
  #role: PartitionRole = 'none'; // 'none' until told, and after `retire`
  #leader: BrokerId = NO_LEADER; // this broker, while the role is 'leader'
  #leaderEpoch = NO_EPOCH; // never falls: leadership.ts lets only higher ones through
  #partitionEpoch = -1; // never falls
  #controllerEpoch = -1;
  #leaderEpochStartOffset = -1; // -1 unless leading
  #replicas: readonly BrokerId[] = [];
  #isReassigning = false;
  #isr: isr.IsrState = isr.committed([]); // empty unless leading
  readonly #followers = new Map<BrokerId, leading.FollowerState>(); // the other replicas, if leading
  /** The event that tells of its role, which what becomes of it follows from. */
  roleEventId: EventId | null = null;

  constructor(topic: string, partition: number, context: PartitionContext) {
    this.topic = topic;
    this.partition = partition;
    this.key = partitionKey(topic, partition);
    this.#context = context;
  }

  /** null until this broker has been told of its replica. */
  get log(): PartitionLog | null {
    return this.#log;
  }
  get topicId(): Uuid | null {
    return this.#log?.topicId ?? null;
  }
  get role(): PartitionRole {
    return this.#role;
  }
  get isLeader(): boolean {
    return this.#role === 'leader';
  }
  get leader(): BrokerId {
    return this.#leader;
  }
  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }
  get partitionEpoch(): number {
    return this.#partitionEpoch;
  }
  get controllerEpoch(): number {
    return this.#controllerEpoch;
  }
  /** The log's end when this broker began to lead in this epoch; -1 on a follower. */
  get leaderEpochStartOffset(): number {
    return this.#leaderEpochStartOffset;
  }
  get replicas(): readonly BrokerId[] {
    return this.#replicas;
  }
  /** What the controller has confirmed; empty on a follower. */
  get inSyncReplicas(): readonly BrokerId[] {
    return isr.committedIsr(this.#isr);
  }
  get maximalIsr(): readonly BrokerId[] {
    return isr.maximalIsr(this.#isr);
  }
  get isrState(): isr.IsrState {
    return this.#isr;
  }
  get followers(): ReadonlyMap<BrokerId, Readonly<leading.FollowerState>> {
    return this.#followers;
  }
  get effectiveMinIsr(): number {
    return leading.effectiveMinIsr(this.#log?.config.minInsyncReplicas ?? 1, this.#replicas.length);
  }
  get isUnderReplicated(): boolean {
    return this.isLeader && this.inSyncReplicas.length < this.#replicas.length;
  }
  get isUnderMinIsr(): boolean {
    return this.isLeader && this.inSyncReplicas.length < this.effectiveMinIsr;
  }
  get isReassigning(): boolean {
    return this.isLeader && this.#isReassigning;
  }
  get isAtMinIsr(): boolean {
    return this.isLeader && this.inSyncReplicas.length === this.effectiveMinIsr;
  }

  attachLog(log: PartitionLog): void {
    this.#log = log;
  }

  /** Takes the lead. False when the state is older than the known one and was ignored. */
  becomeLeader(state: ReplicaState, log: PartitionLog): boolean {
    if (state.partitionEpoch < this.#partitionEpoch) return false;
    const wasLeader = this.isLeader;
    this.#log = log;
    this.#controllerEpoch = state.controllerEpoch;
    this.#replicas = state.replicas;
    this.#isReassigning = state.addingReplicas.length + state.removingReplicas.length > 0;
    this.#isr = isr.committed(state.isr);
    const { brokerId, clock } = this.#context;
    const now = { isr: state.isr, leaderEndOffset: log.endOffset, nowMs: clock.nowMs() };
    if (state.leaderEpoch > this.#leaderEpoch) {
      this.#leaderEpochStartOffset = log.endOffset;
      log.assignEpoch(state.leaderEpoch, log.endOffset);
      if (!wasLeader) this.#followers.clear();
      leading.renewFollowers(this.#followers, now);
    }
    const others = state.replicas.filter((broker) => broker !== brokerId);
    leading.followAssignment(this.#followers, others, now);
    this.#leaderEpoch = state.leaderEpoch;
    this.#partitionEpoch = state.partitionEpoch;
    this.#leader = brokerId;
    this.#role = 'leader';
    if (this.#advanceHighWatermark()) this.#context.events.highWatermarkMoved(this);
    return true;
  }

  /** Follows another broker. True when the leader epoch is new, so that fetching must start over. */
  becomeFollower(state: ReplicaState, log: PartitionLog): boolean {
    if (state.partitionEpoch < this.#partitionEpoch) return false;
    const isNewEpoch = state.leaderEpoch > this.#leaderEpoch;
    this.#log = log;
    this.#controllerEpoch = state.controllerEpoch;
    this.#replicas = state.replicas;
    this.#isReassigning = state.addingReplicas.length + state.removingReplicas.length > 0;
    this.#isr = isr.committed([]);
    this.#followers.clear();
    this.#leaderEpochStartOffset = -1;
    this.#leaderEpoch = state.leaderEpoch;
    this.#partitionEpoch = state.partitionEpoch;
    this.#leader = state.leader;
    this.#role = 'follower';
    return isNewEpoch;
  }

  /** The replica is gone from this broker, or its directory is. */
  retire(): void {
    this.#role = 'none';
    this.#isr = isr.committed([]);
    this.#followers.clear();
    this.#leaderEpochStartOffset = -1;
  }

  /** Compares a requester's leader epoch with ours; -1 means that it has none to compare. */
  checkLeaderEpoch(currentLeaderEpoch: number, mustLead: boolean): ErrorCode {
    if (currentLeaderEpoch !== -1) {
      if (currentLeaderEpoch < this.#leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
      if (currentLeaderEpoch > this.#leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    }
    if (this.#log === null || (mustLead && !this.isLeader)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return ErrorCode.NONE;
  }

  /** Appends as the leader; a number is the error that kept the log from being touched. */
  append(
    records: Buffer,
    options: { readonly acks: -1 | 0 | 1 } & RequestedAppendOptions,
  ): AppendInfo | ErrorCode {
    const log = this.#log;
    if (!this.isLeader || log === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const { acks, ...rest } = options;
    if (acks === -1 && this.isUnderMinIsr) return ErrorCode.NOT_ENOUGH_REPLICAS;
    const info = log.appendAsLeader(records, { leaderEpoch: this.#leaderEpoch, ...rest });
    if (info.error !== ErrorCode.NONE) return info;
    const moved = this.#advanceHighWatermark();
    this.#context.events.appended(this);
    if (moved) this.#context.events.highWatermarkMoved(this);
    return info;
  }

  /** Whether what ends before `requiredOffset` counts as acknowledged by all; null: not yet. */
  acknowledgedByAll(requiredOffset: number): ErrorCode | null {
    if (!this.isLeader || this.#log === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    if (this.#log.highWatermark < requiredOffset) return null;
    return this.effectiveMinIsr <= this.maximalIsr.length
      ? ErrorCode.NONE
      : ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND;
  }

  /** A follower's acknowledgement, subscription or heartbeat, in the leader epoch it knows. */
  acknowledge(
    follower: BrokerId,
    leaderEpoch: number,
    position: { readonly endOffset: number; readonly startOffset: number },
  ): ErrorCode {
    const error = this.checkLeaderEpoch(leaderEpoch, true);
    if (error !== ErrorCode.NONE || this.#log === null) return error;
    const state = this.#followers.get(follower);
    if (state === undefined) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    const { startOffset } = state;
    leading.acknowledge(state, position, this.#log.endOffset, this.#context.clock.nowMs());
    this.#expandBy(follower);
    // Also when it says nothing new: another replica, that was waited for, may have died or fallen behind since.
    if (this.#advanceHighWatermark()) this.#context.events.highWatermarkMoved(this);
    if (startOffset !== position.startOffset) this.#context.events.startOffsetMoved(this);
    return ErrorCode.NONE;
  }

  /** Proposes to drop the replicas that have fallen behind for longer than the lag time; waits for no others. */
  shrinkIsr(): void {
    // Who was waited for and is not in sync may have died or fallen behind, and nobody else is there to speak.
    if (this.#advanceHighWatermark()) this.#context.events.highWatermarkMoved(this);
    if (!this.isLeader || this.#isr.kind !== 'committed') return;
    const view = this.#view();
    if (view === null) return;
    const pending = isr.shrink(this.#isr, leading.outOfSync(view, this.#context.brokerId));
    if (pending === null) return;
    const event = isrShrinkProposed(this, isr.proposedIsr(pending), view);
    this.#propose(pending, this.#context.journal.record(event));
  }

  /** Follower: takes over the leader's high watermark, as far as the own log reaches. */
  followHighWatermark(leaderHighWatermark: number): void {
    const log = this.#log;
    if (log === null || this.isLeader) return;
    const target = Math.min(leaderHighWatermark, log.endOffset);
    if (target > log.highWatermark && log.updateHighWatermark(target)) {
      this.#context.events.highWatermarkMoved(this);
    }
  }

  /** Raises the log start offset: DeleteRecords on the leader, its effect on a follower. */
  raiseStartOffset(offset: number): void {
    const log = this.#log;
    if (log === null || offset <= log.startOffset) return;
    log.raiseStartOffset(offset);
    this.#context.events.startOffsetMoved(this);
  }

  /** The least log start offset of the live replicas, up to which records are gone everywhere. */
  lowWatermark(): number {
    let lowest = this.#log?.startOffset ?? -1;
    for (const [broker, follower] of this.#followers) {
      if (this.#context.isAlive(broker)) lowest = Math.min(lowest, follower.startOffset);
    }
    return lowest;
  }

  #expandBy(follower: BrokerId): void {
    if (this.#isr.kind !== 'committed') return;
    if (this.#isr.isr.includes(follower)) return;
    const view = this.#view();
    if (view === null || !leading.mayJoin(view, follower)) return;
    const pending = isr.expand(this.#isr, follower);
    if (pending === null) return;
    const event = isrExpandProposed(this, isr.proposedIsr(pending));
    this.#propose(pending, this.#context.journal.record(event));
  }

  #propose(pending: isr.PendingIsr, causeId: EventId): void {
    const proposal = {
      causeId,
      topic: this.topic,
      partition: this.partition,
      leaderEpoch: this.#leaderEpoch,
      partitionEpoch: this.#partitionEpoch,
      newIsr: isr.proposedIsr(pending),
    };
    // First the state, then the question: the answer may come before submit returns.
    this.#isr = pending;
    if (!this.#context.proposals.submit(proposal, (verdict) => this.#decided(pending, verdict, causeId))) {
      this.#refused(pending, ErrorCode.OPERATION_NOT_ATTEMPTED, causeId);
    }
  }

  #decided(pending: isr.PendingIsr, verdict: IsrVerdict, causeId: EventId): void {
    if (this.#isr !== pending) return; // a newer state has decided already
    if (!verdict.ok) {
      this.#refused(pending, verdict.error, causeId);
      return;
    }
    const { leader, leaderEpoch, partitionEpoch, isr: decided } = verdict.value;
    const outdated =
      leaderEpoch !== this.#leaderEpoch ||
      partitionEpoch < this.#partitionEpoch ||
      leader !== this.#context.brokerId;
    if (outdated) return;
    this.#isr = isr.committed(decided);
    this.#partitionEpoch = partitionEpoch;
    this.#context.events.isrChanged(this, pending.kind === 'pending-expand' ? 'expand' : 'shrink');
    if (this.#advanceHighWatermark()) this.#context.events.highWatermarkMoved(this);
  }

  #refused(pending: isr.PendingIsr, error: ErrorCode, causeId: EventId): void {
    this.#context.events.isrChanged(this, 'failed');
    this.#context.journal.record(isrChangeRefused(this, error), causeId);
    const next = isr.afterRefusal(error);
    if (next === 'take back') {
      this.#isr = pending.lastCommitted;
      // Who was waited for as one to be is no longer; those who are have acknowledged, and stay silent.
      if (this.#advanceHighWatermark()) this.#context.events.highWatermarkMoved(this);
    } else if (next === 'propose again') {
      this.#context.proposals.later(() => {
        if (this.#isr === pending) this.#propose(pending, causeId);
      });
    }
  }

  #advanceHighWatermark(): boolean {
    if (!this.isLeader) return false;
    const log = this.#log;
    if (log === null || log.highWatermark >= log.endOffset) return false;
    // Alone, and so always in sync: the common case of small clusters, kept short.
    if (this.#replicas.length === 1) return log.updateHighWatermark(log.endOffset);
    const view = this.#view();
    if (view === null) return false;
    const next = leading.nextHighWatermark(view);
    return next > view.highWatermark && log.updateHighWatermark(next);
  }

  #view(): leading.LeaderView | null {
    const log = this.#log;
    if (log === null) return null;
    return {
      leaderEndOffset: log.endOffset,
      highWatermark: log.highWatermark,
      leaderEpochStartOffset: this.#leaderEpochStartOffset,
      followers: this.#followers,
      committedIsr: this.inSyncReplicas,
      maximalIsr: this.maximalIsr,
      effectiveMinIsr: this.effectiveMinIsr,
      nowMs: this.#context.clock.nowMs(),
      lagTimeMaxMs: this.#context.lagTimeMaxMs,
      isEligible: this.#context.isAlive,
    };
  }
}
