/**
 * The follower's end of one replication stream: keeps a channel to one leader open, subscribes the
 * partitions that follow it, appends what comes and acknowledges it. A partition that can't go on backs
 * off alone; a channel that breaks is dialled again after the same pause, and everything is subscribed
 * anew from where the logs end. The messages are in stream-messages.ts.
 * Source: Kafka's AbstractFetcherThread and ReplicaFetcherThread.
 */

import { ErrorCode, errorName } from '../../errors.ts';
import { MalformedMessage } from '../../peers/envelope.ts';
import type { Channel } from '../../platform/channels.ts';
import type { Timer } from '../../platform/clock.ts';
import type { Journal } from '../../platform/journal.ts';
import type { BrokerId, PartitionKey } from '../../types.ts';
import type { Partition } from '../partition.ts';
import type { Throttle } from '../throttles.ts';
import { type Followed, pauseAfterRefusal, subscriptionOf } from './followed-partition.ts';
import {
  applyMarks,
  applyRecords,
  repairRange,
  type TruncationRecorder,
  truncateAtHole,
  truncateToLeader,
  truncateWithoutEpochs,
} from './follower-log.ts';
import { HeldPartitions } from './held-partitions.ts';
import { type DialContext, LeaderDial } from './leader-dial.ts';
import {
  type AckItem,
  decodeLeaderMessage,
  encodeFollowerMessage,
  type LeaderMessage,
  type MarksItem,
  type RecordsItem,
  type RefusedItem,
  type SubscribeItem,
} from './stream-messages.ts';

export interface FollowerContext extends DialContext {
  readonly journal: Journal;
  readonly throttle: Throttle;
  readonly brokerEpoch: () => number;
  readonly receivedBytes: (sizeBytes: number) => void;
  /** Whether the error is the storage's, which ends the partition on this broker. */
  readonly isStorageFailure: (error: unknown) => boolean;
}

export class FollowerStream {
  readonly leader: BrokerId;
  readonly #context: FollowerContext;
  readonly #followed = new Map<PartitionKey, Followed>();
  readonly #byId = new Map<number, Followed>(); // those that are 'subscribed', and no others
  readonly #held: HeldPartitions;
  readonly #dial: LeaderDial;
  #channel: Channel | null = null; // null while dialling or between two dials
  #beat: Timer | null = null;
  #subscribeScheduled = false;
  #nextId = 1; // for the next subscription; never falls, also over channels
  #heardMs = 0; // when the leader last said anything on this channel
  #creditToReturn = 0; // record bytes dealt with since the last ack or beat
  #closed = false;

  constructor(leader: BrokerId, context: FollowerContext) {
    this.leader = leader;
    this.#context = context;
    const { clock, throttle } = context;
    this.#dial = new LeaderDial(leader, context, {
      isWanted: () => this.#followed.size > 0,
      opened: (channel) => this.#opened(channel),
    });
    const tell = (type: 'hold' | 'resume', ids: readonly number[]): void =>
      this.#channel?.send(encodeFollowerMessage({ type, ids }));
    this.#held = new HeldPartitions({ clock, throttle, tell });
  }

  get size(): number {
    return this.#followed.size;
  }

  get failedCount(): number {
    return [...this.#followed.values()].filter(({ progress }) => progress === 'failed').length;
  }

  /** Follows the leader of this partition, in the epoch the partition has now. */
  add(partition: Partition): void {
    const followed: Followed = {
      partition,
      leaderEpoch: partition.leaderEpoch,
      progress: 'due',
      id: 0,
      reportedStartOffset: -1,
      refusals: 0,
      timer: null,
    };
    this.#followed.set(partition.key, followed);
    this.#attempt(followed, () => {
      if (partition.log === null) return;
      truncateAtHole(partition.log, this.#recorderOf(partition));
      truncateWithoutEpochs(partition.log, this.#recorderOf(partition));
    });
    this.#scheduleSubscribe();
  }

  /** Stops following; true when it was followed here. */
  remove(key: PartitionKey): boolean {
    const followed = this.#followed.get(key);
    if (followed === undefined) return false;
    this.#followed.delete(key);
    followed.timer?.cancel();
    if (followed.progress === 'subscribed') {
      this.#byId.delete(followed.id);
      this.#held.drop(followed.id);
      this.#channel?.send(encodeFollowerMessage({ type: 'unsubscribe', ids: [followed.id] }));
    }
    return true;
  }

  close(reason: string): void {
    this.#closed = true;
    this.#dial.stop();
    this.#beat?.cancel();
    this.#held.clear();
    for (const followed of this.#followed.values()) followed.timer?.cancel();
    this.#followed.clear();
    this.#byId.clear();
    this.#channel?.close(reason);
  }

  #opened(channel: Channel): void {
    this.#channel = channel;
    this.#heardMs = this.#context.clock.nowMs();
    this.#creditToReturn = 0;
    channel.onMessage((message) => {
      if (this.#channel === channel) this.#receive(message);
    });
    channel.onClose((reason) => {
      if (this.#channel !== channel) return;
      this.#context.diagnostics.info(`Replication stream to leader ${this.leader} ended: ${reason}`);
      this.#ended();
    });
    const credit = this.#context.config.peerStreamCreditBytes;
    channel.send(encodeFollowerMessage({ type: 'open', epoch: this.#context.brokerEpoch(), credit }));
    this.#subscribe();
    this.#scheduleBeat();
  }

  #ended(): void {
    this.#channel = null;
    this.#beat?.cancel();
    this.#held.clear();
    this.#byId.clear();
    for (const followed of this.#followed.values()) {
      if (followed.progress === 'subscribed') followed.progress = 'due';
    }
    this.#dial.later();
  }

  #scheduleSubscribe(): void {
    if (this.#subscribeScheduled || this.#closed) return;
    this.#subscribeScheduled = true;
    this.#context.clock.soon(() => {
      this.#subscribeScheduled = false;
      this.#subscribe();
    });
  }

  #subscribe(): void {
    if (this.#closed || this.#followed.size === 0) return;
    if (this.#channel === null) {
      this.#dial.now();
      return;
    }
    const items: SubscribeItem[] = [];
    const subscribed: Followed[] = [];
    for (const followed of this.#followed.values()) {
      const { log } = followed.partition;
      if (followed.progress !== 'due' || log === null) continue;
      followed.id = this.#nextId++;
      followed.progress = 'subscribed';
      followed.reportedStartOffset = log.startOffset;
      this.#byId.set(followed.id, followed);
      subscribed.push(followed);
      items.push(subscriptionOf(followed, log));
    }
    if (items.length === 0) return;
    const epoch = this.#context.brokerEpoch();
    this.#channel.send(encodeFollowerMessage({ type: 'subscribe', epoch, items }));
    this.#held.subscribed(subscribed);
  }

  /** Tells the leader at the promised pace that we are here, also when there is nothing to acknowledge. */
  #scheduleBeat(): void {
    const { clock, config } = this.#context;
    this.#beat = clock.after(config.replicaFetchWaitMaxMs, () => {
      const channel = this.#channel;
      if (channel === null) return;
      if (clock.nowMs() - this.#heardMs > config.replicaSocketTimeoutMs) {
        channel.close(`nothing was heard of leader ${this.leader} for ${config.replicaSocketTimeoutMs} ms`);
        return;
      }
      const items: AckItem[] = [];
      for (const followed of this.#byId.values()) {
        if (followed.partition.log?.startOffset !== followed.reportedStartOffset) {
          this.#acknowledge(followed, items);
        }
      }
      this.#send('beat', items);
      this.#scheduleBeat();
    });
  }

  #receive(message: Buffer): void {
    this.#heardMs = this.#context.clock.nowMs();
    let said: LeaderMessage;
    try {
      said = decodeLeaderMessage(message);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#context.diagnostics.warn(`Leader ${this.leader} sent a malformed message`, error);
      this.#channel?.close('malformed message');
      return;
    }
    switch (said.type) {
      case 'records':
        this.#records(said.items);
        return;
      case 'marks':
        this.#marks(said.items);
        return;
      case 'diverging':
        for (const item of said.items) this.#diverging(item);
        return;
      case 'refused':
        for (const item of said.items) this.#refused(item);
        return;
      case 'beat':
        return;
    }
  }

  #records(items: readonly RecordsItem[]): void {
    const acks: AckItem[] = [];
    for (const item of items) {
      // The credit of records that are not wanted any more returns, too, or the leader would stop for good.
      this.#creditToReturn += item.plainBytes === 0 ? item.bytes.length : item.plainBytes;
      this.#context.receivedBytes(item.bytes.length);
      const followed = this.#byId.get(item.id);
      const log = followed?.partition.log;
      if (followed === undefined || log === null || log === undefined) continue;
      this.#attempt(followed, () => {
        applyRecords(followed.partition, log, item);
        this.#held.received(followed, item.plainBytes || item.bytes.length, item.highWatermark);
        this.#acknowledge(followed, acks);
      });
    }
    this.#send('ack', acks);
  }

  #marks(items: readonly MarksItem[]): void {
    const acks: AckItem[] = [];
    for (const item of items) {
      const followed = this.#byId.get(item.id);
      const log = followed?.partition.log;
      if (followed === undefined || log === null || log === undefined) continue;
      this.#attempt(followed, () => {
        applyMarks(followed.partition, log, item);
        if (log.startOffset !== followed.reportedStartOffset) this.#acknowledge(followed, acks);
      });
    }
    if (acks.length > 0) this.#send('ack', acks);
  }

  /** What is cut off a log follows from whom it follows. */
  #recorderOf(partition: Partition): TruncationRecorder {
    return { record: (event) => this.#context.journal.record(event, partition.roleEventId) };
  }

  #diverging(item: { readonly id: number; readonly epoch: number; readonly endOffset: number }): void {
    const followed = this.#unsubscribed(item.id);
    const log = followed?.partition.log;
    if (followed === undefined || log === null || log === undefined) return;
    this.#repair(followed, () => truncateToLeader(log, item, this.#recorderOf(followed.partition)));
  }

  #refused(item: RefusedItem): void {
    const followed = this.#unsubscribed(item.id);
    const log = followed?.partition.log;
    if (followed === undefined || log === null || log === undefined) return;
    const { diagnostics } = this.#context;
    if (item.error === ErrorCode.OFFSET_OUT_OF_RANGE && item.endOffset >= 0) {
      this.#repair(followed, () => repairRange(log, item, this.#recorderOf(followed.partition)));
      return;
    }
    const { key, leaderEpoch } = followed.partition;
    if (followed.refusals === 0)
      diagnostics.info(`Leader ${this.leader} refused ${key}: ${errorName(item.error)}`);
    const isFenced = item.error === ErrorCode.FENCED_LEADER_EPOCH;
    if (isFenced && followed.leaderEpoch === leaderEpoch) followed.progress = 'failed';
    else
      this.#backOff(
        followed,
        pauseAfterRefusal(item.error, followed.refusals++, this.#context.config.replicaFetchBackoffMs),
      );
  }

  /** Subscribes anew with a log that is changed; one that is not waits, or it would be told the same again. */
  #repair(followed: Followed, repair: () => boolean): void {
    let changed = false;
    this.#attempt(followed, () => {
      changed = repair();
    });
    if (followed.progress !== 'due') return;
    if (changed) this.#scheduleSubscribe();
    else this.#backOff(followed);
  }

  /** Ends a subscription; the partition is due for another. */
  #unsubscribed(id: number): Followed | undefined {
    const followed = this.#byId.get(id);
    if (followed === undefined) return undefined;
    this.#byId.delete(id);
    this.#held.drop(id);
    followed.progress = 'due';
    return followed;
  }

  #backOff(followed: Followed, pauseMs = this.#context.config.replicaFetchBackoffMs): void {
    followed.progress = 'backing-off';
    followed.timer?.cancel();
    followed.timer = this.#context.clock.after(pauseMs, () => {
      followed.progress = 'due';
      this.#scheduleSubscribe(); // those whose pause ends together go in one message
    });
  }

  /** Runs what touches the log; when it throws, this partition stops and the others go on. */
  #attempt(followed: Followed, touch: () => void): void {
    try {
      touch();
    } catch (error) {
      const { key } = followed.partition;
      const wasSubscribed = this.#byId.delete(followed.id);
      this.#held.drop(followed.id);
      if (wasSubscribed) {
        this.#channel?.send(encodeFollowerMessage({ type: 'unsubscribe', ids: [followed.id] }));
      }
      if (this.#context.isStorageFailure(error)) {
        this.#context.diagnostics.error(`Replication of ${key} stops`, error);
        followed.progress = 'failed';
      } else {
        this.#context.diagnostics.warn(`Replication of ${key} is tried again`, error);
        this.#backOff(followed);
      }
    }
  }

  #acknowledge(followed: Followed, acks: AckItem[]): void {
    const log = followed.partition.log;
    if (log === null) return;
    followed.reportedStartOffset = log.startOffset;
    const { id, leaderEpoch } = followed;
    acks.push({ id, leaderEpoch, endOffset: log.endOffset, startOffset: log.startOffset });
  }

  #send(type: 'ack' | 'beat', items: readonly AckItem[]): void {
    const credit = this.#creditToReturn;
    this.#creditToReturn = 0;
    this.#channel?.send(encodeFollowerMessage({ type, epoch: this.#context.brokerEpoch(), credit, items }));
  }
}
