/**
 * The leader's end of one replication stream: sends one follower the batches of all partitions it has
 * subscribed to, as they are appended, and takes its acknowledgements. The messages, and what fences
 * them, are in stream-messages.ts.
 * Rules: no more record bytes are under way than the follower has given credit for (one batch may go
 * beyond, or a large one would never leave); partitions with much to send take turns; sending waits for
 * the end of the present callback, so that what one burst of produce requests appended leaves in one
 * message; the high watermark rides on records, and alone when none have come for a moment.
 */

import { ErrorCode, errorName, isError } from '../../errors.ts';
import { MalformedMessage } from '../../peers/envelope.ts';
import type { Channel } from '../../platform/channels.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { BrokerId, PartitionKey } from '../../types.ts';
import type { ReplicationConfig } from '../collaborators.ts';
import type { Partition } from '../partition.ts';
import { THROTTLE_CHECK_MS, type Throttle } from '../throttles.ts';
import { judgePosition } from '../truncation.ts';
import { RecordSender, type Subscription } from './record-sender.ts';
import type { SharedRead, SharedReads } from './shared-reads.ts';
import {
  type AckItem,
  decodeFollowerMessage,
  encodeLeaderMessage,
  type FollowerMessage,
  type SubscribeItem,
} from './stream-messages.ts';

/**
 * How long a high watermark waits for records to ride on. Sent at once, these messages are a third of all
 * that small requests cause; Kafka's followers hear of it with the answer to their next fetch.
 */
const MARKS_DELAY_MS = 5;

export interface ReplicaStreamContext {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly config: ReplicationConfig;
  readonly reads: SharedReads;
  readonly throttle: Throttle;
  /** The partition, or why this broker can't serve it. */
  readonly partition: (topic: string, partition: number) => Partition | ErrorCode;
  /** The broker epoch that the metadata cache knows, -1 when it knows none. */
  readonly knownBrokerEpoch: (broker: BrokerId) => number;
  readonly sentBytes: (sizeBytes: number) => void;
  /** A log could not be read: the caller maps what was thrown. */
  readonly onReadFailure: (partition: Partition, error: unknown) => ErrorCode;
}

/**
 * `#subscriptions` and `#byPartition` hold the same: at most one for each partition, all in the epoch
 * they were accepted in.
 */
export class ReplicaStream {
  readonly follower: BrokerId;
  readonly #channel: Channel;
  readonly #context: ReplicaStreamContext;
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #byPartition = new Map<PartitionKey, Subscription>();
  readonly #sender: RecordSender;
  /** Those whose marks have moved since they were sent. */
  readonly #marked = new Set<Subscription>();
  /** What the channel may still be reading from. */
  readonly #unsent = new Set<readonly SharedRead[]>();
  /** A flush follows at the end of this turn. */
  #scheduled = false;
  /** Running while moved marks wait for records to ride on. */
  #marksTimer: Timer | null = null;
  /** Runs while the throttle holds somebody back. */
  #throttleTimer: Timer | null = null;
  #idleTimer: Timer;
  /** When the follower last said anything. */
  #heardMs: number;

  constructor(channel: Channel, follower: BrokerId, context: ReplicaStreamContext) {
    this.#channel = channel;
    this.follower = follower;
    this.#context = context;
    this.#sender = new RecordSender({
      config: context.config,
      reads: context.reads,
      follower,
      throttle: context.throttle,
      refuse: (subscription, error) => this.#refuse(subscription, error),
      onReadFailure: context.onReadFailure,
      onReady: () => this.#schedule(),
    });
    this.#heardMs = context.clock.nowMs();
    this.#idleTimer = this.#watchIdle();
    channel.onMessage((message) => this.#receive(message));
    channel.onDrain(() => this.#schedule());
  }

  /** Record bytes that may still be sent; negative after a batch that went beyond. */
  get creditBytes(): number {
    return this.#sender.creditBytes;
  }

  /** What has been sent and has not left. */
  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  /** The leader's log has grown. */
  appended(partition: Partition): void {
    const subscription = this.#byPartition.get(partition.key);
    if (subscription === undefined) return;
    this.#sender.ready(subscription);
    this.#schedule();
  }

  /** The leader's high watermark or log start offset has moved. */
  marksMoved(partition: Partition): void {
    const subscription = this.#byPartition.get(partition.key);
    if (subscription === undefined) return;
    this.#marked.add(subscription);
    this.#marksTimer ??= this.#context.clock.after(MARKS_DELAY_MS, () => {
      this.#marksTimer = null;
      this.#schedule();
    });
  }

  /** The partition's role or epoch has changed: a subscription of another epoch is over. */
  leadershipChanged(partition: Partition): void {
    const subscription = this.#byPartition.get(partition.key);
    if (subscription === undefined) return;
    const error = partition.checkLeaderEpoch(subscription.leaderEpoch, true);
    if (error !== ErrorCode.NONE) this.#refuse(subscription, error);
  }

  /** The channel has closed: nothing more can be sent. */
  closed(): void {
    this.#idleTimer.cancel();
    this.#marksTimer?.cancel();
    this.#throttleTimer?.cancel();
    this.#subscriptions.clear();
    this.#byPartition.clear();
    this.#sender.clear();
    this.#marked.clear();
    for (const reads of [...this.#unsent]) this.#release(reads);
  }

  close(reason: string): void {
    this.#channel.close(reason);
  }

  #watchIdle(): Timer {
    const { clock, config } = this.#context;
    const timeoutMs = config.replicaSocketTimeoutMs;
    const leftMs = timeoutMs - (clock.nowMs() - this.#heardMs);
    // Whole milliseconds: a remainder lost in rounding would be waited for again and again.
    return clock.after(Math.max(1, Math.ceil(leftMs)), () => {
      if (clock.nowMs() - this.#heardMs >= timeoutMs) {
        this.#channel.close(`nothing was heard of follower ${this.follower} for ${timeoutMs} ms`);
      } else {
        this.#idleTimer = this.#watchIdle();
      }
    });
  }

  #receive(message: Buffer): void {
    this.#heardMs = this.#context.clock.nowMs();
    let said: FollowerMessage;
    try {
      said = decodeFollowerMessage(message);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#context.diagnostics.warn(`Follower ${this.follower} sent a malformed message`, error);
      this.#channel.close('malformed message');
      return;
    }
    if ('epoch' in said && said.epoch < this.#context.knownBrokerEpoch(this.follower)) {
      this.#channel.close(errorName(ErrorCode.STALE_BROKER_EPOCH));
      return;
    }
    switch (said.type) {
      case 'open':
        this.#sender.grant(said.credit);
        return;
      case 'subscribe':
        for (const item of said.items) this.#subscribe(item);
        return;
      case 'hold':
      case 'resume':
      case 'unsubscribe':
        for (const id of said.ids) {
          const subscription = this.#subscriptions.get(id);
          if (subscription !== undefined) this.#steer(subscription, said.type);
        }
        return;
      default:
        this.#acknowledged(said.items, said.credit);
        if (said.type === 'beat') this.#beat();
    }
  }

  #steer(subscription: Subscription, how: 'hold' | 'resume' | 'unsubscribe'): void {
    this.#sender.drop(subscription);
    if (how === 'unsubscribe') this.#drop(subscription);
    subscription.held = how === 'hold';
    if (how !== 'resume') return;
    this.#sender.ready(subscription);
    this.#schedule();
  }

  #subscribe(item: SubscribeItem): void {
    const found = this.#context.partition(item.topic, item.partition);
    const partition = isError(found) ? null : found;
    const error = isError(found) ? found : this.#errorOf(item, found);
    const log = partition?.log ?? null;
    if (partition === null || log === null || error !== ErrorCode.NONE) {
      this.#refuseItem(item.id, error, partition);
      return;
    }
    const view = {
      startOffset: log.startOffset,
      endOffset: log.endOffset,
      endOffsetFor: (epoch: number) => log.epochs.endOffsetFor(epoch, log.endOffset),
    };
    const verdict = judgePosition(view, { offset: item.endOffset, lastEpoch: item.lastEpoch });
    if (verdict.kind === 'accepted') {
      this.#accept(item, partition);
    } else if (verdict.kind === 'out-of-range') {
      this.#refuseItem(item.id, ErrorCode.OFFSET_OUT_OF_RANGE, partition);
    } else {
      const items = [{ id: item.id, ...verdict.leaderEnd }];
      this.#channel.send(encodeLeaderMessage({ type: 'diverging', items }));
    }
  }

  #errorOf(item: SubscribeItem, partition: Partition): ErrorCode {
    if (item.topicId !== null && partition.topicId !== null && item.topicId !== partition.topicId) {
      return ErrorCode.INCONSISTENT_TOPIC_ID;
    }
    const error = partition.checkLeaderEpoch(item.leaderEpoch, true);
    if (error !== ErrorCode.NONE) return error;
    return partition.followers.has(this.follower) ? ErrorCode.NONE : ErrorCode.UNKNOWN_LEADER_EPOCH;
  }

  #accept(item: SubscribeItem, partition: Partition): void {
    const earlier = this.#byPartition.get(partition.key);
    if (earlier !== undefined) this.#drop(earlier);
    const subscription: Subscription = {
      id: item.id,
      partition,
      leaderEpoch: item.leaderEpoch,
      nextOffset: item.endOffset,
      ackedEndOffset: item.endOffset,
      ackedStartOffset: item.startOffset,
      sentHighWatermark: -1,
      sentStartOffset: -1,
      held: false,
    };
    this.#subscriptions.set(item.id, subscription);
    this.#byPartition.set(partition.key, subscription);
    this.#sender.ready(subscription);
    this.#marked.add(subscription);
    this.#schedule();
    partition.acknowledge(this.follower, item.leaderEpoch, item);
  }

  #acknowledged(items: readonly AckItem[], credit: number): void {
    this.#sender.grant(credit);
    for (const item of items) {
      const subscription = this.#subscriptions.get(item.id);
      if (subscription === undefined) continue; // it has ended, by a truncation or a new epoch
      const error = subscription.partition.acknowledge(this.follower, item.leaderEpoch, item);
      if (error !== ErrorCode.NONE) {
        this.#refuse(subscription, error);
        continue;
      }
      subscription.ackedEndOffset = item.endOffset;
      subscription.ackedStartOffset = item.startOffset;
    }
    if (this.#sender.canSend) this.#schedule();
  }

  /** A heartbeat repeats the last word on every subscription. */
  #beat(): void {
    for (const subscription of [...this.#subscriptions.values()]) {
      const { partition, leaderEpoch, ackedEndOffset, ackedStartOffset } = subscription;
      const position = { endOffset: ackedEndOffset, startOffset: ackedStartOffset };
      const error = partition.acknowledge(this.follower, leaderEpoch, position);
      if (error !== ErrorCode.NONE) this.#refuse(subscription, error);
    }
    this.#channel.send(encodeLeaderMessage({ type: 'beat' }));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#context.clock.soon(() => {
      this.#scheduled = false;
      if (this.#channel.open) this.#flush();
    });
  }

  #flush(): void {
    // A follower that does not listen is told nothing more; when it does, it gets the latest only.
    if (this.#channel.bufferedBytes > this.#context.config.peerStreamCreditBytes) return;
    // One message a turn, so that other work of this process gets its turn between two of them.
    if (this.#sender.canSend) this.#sendRecords();
    if (this.#sender.isThrottling) {
      this.#throttleTimer ??= this.#context.clock.after(THROTTLE_CHECK_MS, () => {
        this.#throttleTimer = null;
        this.#sender.tryThrottled();
        this.#schedule();
      });
    }
    if (this.#marksTimer === null) this.#sendMarks();
    if (this.#sender.canSend) this.#schedule();
  }

  #sendRecords(): void {
    const { items, reads } = this.#sender.next();
    if (items.length === 0) return;
    this.#unsent.add(reads);
    for (const item of items) this.#context.sentBytes(item.bytes.length);
    this.#channel.send(encodeLeaderMessage({ type: 'records', items }), () => this.#release(reads));
  }

  #release(reads: readonly SharedRead[]): void {
    if (!this.#unsent.delete(reads)) return;
    for (const read of reads) read.release();
  }

  #sendMarks(): void {
    const items = [];
    for (const subscription of this.#marked) {
      const log = subscription.partition.log;
      if (log === null) continue;
      const { highWatermark, startOffset } = log;
      if (highWatermark === subscription.sentHighWatermark && startOffset === subscription.sentStartOffset) {
        continue;
      }
      subscription.sentHighWatermark = highWatermark;
      subscription.sentStartOffset = startOffset;
      items.push({ id: subscription.id, highWatermark, startOffset });
    }
    this.#marked.clear();
    if (items.length > 0) this.#channel.send(encodeLeaderMessage({ type: 'marks', items }));
  }

  #refuse(subscription: Subscription, error: ErrorCode): void {
    this.#drop(subscription);
    this.#refuseItem(subscription.id, error, subscription.partition);
  }

  #refuseItem(id: number, error: ErrorCode, partition: Partition | null): void {
    const startOffset = partition?.log?.startOffset ?? -1;
    const endOffset = partition?.log?.endOffset ?? -1;
    this.#channel.send(
      encodeLeaderMessage({ type: 'refused', items: [{ id, error, startOffset, endOffset }] }),
    );
  }

  #drop(subscription: Subscription): void {
    this.#subscriptions.delete(subscription.id);
    if (this.#byPartition.get(subscription.partition.key) === subscription) {
      this.#byPartition.delete(subscription.partition.key);
    }
    this.#sender.drop(subscription);
    this.#marked.delete(subscription);
  }
}
