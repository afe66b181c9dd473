/**
 * Chooses what one replication stream sends next: the subscriptions that have records take turns, a
 * message holds up to replica.fetch.response.max.bytes, no partition more than replica.fetch.max.bytes
 * of it, and together no more than the follower has given credit for. One batch may go beyond each of
 * these, or a large one would never leave. Held back are followers that are not in sync of a throttled
 * replica while the leader's rate is exceeded, and those that ask for it.
 */

import { PEER_HEADER_ROOM_BYTES } from '../../config/peer-messages.ts';
import { ErrorCode, isError } from '../../errors.ts';
import { batchCodec, batchMagic, CorruptBatch, completeBatches } from '../../records/batch.ts';
import { compressSnappy } from '../../records/snappy.ts';
import type { BrokerId } from '../../types.ts';
import type { ReplicationConfig } from '../collaborators.ts';
import type { Partition } from '../partition.ts';
import type { Throttle } from '../throttles.ts';
import type { SharedRead, SharedReads } from './shared-reads.ts';
import type { RecordsItem } from './stream-messages.ts';

/**
 * One partition that a follower has subscribed to. `ackedEndOffset` is the follower's last word and may
 * lag behind `nextOffset` by what is under way.
 */
export interface Subscription {
  readonly id: number;
  readonly partition: Partition;
  readonly leaderEpoch: number;
  /** What is sent next; never falls within a subscription. */
  nextOffset: number;
  ackedEndOffset: number;
  ackedStartOffset: number;
  /** The marks the follower was told last; -1 before the first. */
  sentHighWatermark: number;
  sentStartOffset: number;
  /** The follower wants no records for now. */
  held: boolean;
}

interface RecordSenderOptions {
  readonly config: ReplicationConfig;
  readonly reads: SharedReads;
  readonly follower: BrokerId;
  readonly throttle: Throttle;
  /** The subscription can't go on. */
  readonly refuse: (subscription: Subscription, error: ErrorCode) => void;
  /** The log could not be read: the caller maps what was thrown. */
  readonly onReadFailure: (partition: Partition, error: unknown) => ErrorCode;
  /** What had to be waited for is there: there may be something to send. */
  readonly onReady: () => void;
}

interface NextMessage {
  readonly items: readonly RecordsItem[];
  /** To be released when the message has left. */
  readonly reads: readonly SharedRead[];
}

export class RecordSender {
  readonly #options: RecordSenderOptions;
  /** Those whose partition may have records to send, in the order of their turns. */
  readonly #ready = new Set<Subscription>();
  /** Of the ready ones, those that the throttle holds back. */
  readonly #throttled = new Set<Subscription>();
  /** Those whose next records are being brought into memory, and those for whom they have been. */
  readonly #warming = new Set<Subscription>();
  readonly #warm = new Set<Subscription>();
  /** At most peer.stream.credit.bytes. */
  #creditBytes = 0;

  constructor(options: RecordSenderOptions) {
    this.#options = options;
  }

  /** Record bytes that may still be sent; negative after a batch that went beyond. */
  get creditBytes(): number {
    return this.#creditBytes;
  }

  get canSend(): boolean {
    return this.#ready.size > 0 && this.#creditBytes > 0;
  }

  /** Whether there are subscriptions to be looked at again when the rate may be down. */
  get isThrottling(): boolean {
    return this.#throttled.size > 0;
  }

  /** Those that the throttle has held back may try again. */
  tryThrottled(): void {
    for (const subscription of this.#throttled) this.#ready.add(subscription);
    this.#throttled.clear();
  }

  /** More credit, up to the window this leader is willing to have under way. */
  grant(creditBytes: number): void {
    const windowBytes = this.#options.config.peerStreamCreditBytes;
    this.#creditBytes = Math.min(this.#creditBytes + creditBytes, windowBytes);
  }

  ready(subscription: Subscription): void {
    if (subscription.held || this.#throttled.has(subscription) || this.#warming.has(subscription)) return;
    this.#ready.add(subscription);
  }

  drop(subscription: Subscription): void {
    for (const some of [this.#ready, this.#throttled, this.#warming, this.#warm]) some.delete(subscription);
  }

  clear(): void {
    for (const some of [this.#ready, this.#throttled, this.#warming, this.#warm]) some.clear();
  }

  /** Takes the records of the next message out of the logs. */
  next(): NextMessage {
    const { config } = this.#options;
    const items: RecordsItem[] = [];
    const reads: SharedRead[] = [];
    let room = Math.min(
      config.replicaFetchResponseMaxBytes,
      config.peerMaxMessageBytes - PEER_HEADER_ROOM_BYTES,
    );
    for (const subscription of [...this.#ready]) {
      if (room <= 0 || this.#creditBytes <= 0) break;
      if (this.#isHeldBack(subscription.partition)) {
        this.#ready.delete(subscription);
        this.#throttled.add(subscription);
        continue;
      }
      const maxBytes = Math.min(config.replicaFetchMaxBytes, room, this.#creditBytes);
      if (this.#waitsForDisk(subscription, maxBytes)) continue;
      const read = this.#read(subscription, maxBytes);
      if (read === null) continue;
      if (items.length > 0 && read.bytes.length > room) {
        // A batch that is larger than what is left of this message opens the next one.
        read.release();
        break;
      }
      this.#ready.delete(subscription);
      if (read.nextOffset < (subscription.partition.log?.endOffset ?? 0)) this.#ready.add(subscription);
      room -= read.bytes.length;
      this.#creditBytes -= read.bytes.length;
      subscription.nextOffset = read.nextOffset;
      items.push(this.#item(subscription, read));
      const { throttle } = this.#options;
      if (throttle.isThrottled(subscription.partition)) throttle.record(read.bytes.length);
      reads.push(read);
    }
    return { items, reads };
  }

  /** Takes it out of the turns for as long as its records are being brought into memory. */
  #waitsForDisk(subscription: Subscription, maxBytes: number): boolean {
    if (this.#warm.delete(subscription)) return false;
    const warmed = subscription.partition.log?.warm(subscription.nextOffset, maxBytes) ?? null;
    if (warmed === null) return false;
    this.#ready.delete(subscription);
    this.#warming.add(subscription);
    void warmed.then(() => {
      if (!this.#warming.delete(subscription)) return; // it was dropped meanwhile
      this.#warm.add(subscription);
      this.ready(subscription);
      this.#options.onReady();
    });
    return true;
  }

  /** In-sync replicas never are: acks=all waits for them. */
  #isHeldBack(partition: Partition): boolean {
    const { throttle, follower } = this.#options;
    if (!throttle.isThrottled(partition) || partition.inSyncReplicas.includes(follower)) return false;
    return throttle.isExceeded();
  }

  /** The next bytes of a subscription; null when there are none, which also ends its turn. */
  #read(subscription: Subscription, maxBytes: number): SharedRead | null {
    const { partition, nextOffset } = subscription;
    const { config, reads, onReadFailure, refuse } = this.#options;
    const log = partition.log;
    let error: ErrorCode = partition.checkLeaderEpoch(subscription.leaderEpoch, true);
    try {
      if (log !== null && error === ErrorCode.NONE) {
        const read = reads.read(partition.key, log, nextOffset, maxBytes);
        if (read === null) {
          this.#ready.delete(subscription);
          return null;
        }
        if (isError(read)) {
          error = read;
        } else if (read.bytes.length <= config.peerMaxMessageBytes - PEER_HEADER_ROOM_BYTES) {
          return read;
        } else {
          read.release();
          error = ErrorCode.MESSAGE_TOO_LARGE;
        }
      }
    } catch (failure) {
      error = onReadFailure(partition, failure);
    }
    refuse(subscription, error);
    return null;
  }

  #item(subscription: Subscription, read: SharedRead): RecordsItem {
    const { id, partition } = subscription;
    const highWatermark = partition.log?.highWatermark ?? -1;
    const startOffset = partition.log?.startOffset ?? -1;
    subscription.sentHighWatermark = highWatermark;
    subscription.sentStartOffset = startOffset;
    return { id, highWatermark, startOffset, ...this.#wireForm(read) };
  }

  #wireForm(read: SharedRead): { bytes: Buffer; plainBytes: number } {
    if (this.#options.config.peerCompressionType === 'snappy' && !holdsCompressed(read.bytes)) {
      const bytes = compressSnappy(read.bytes);
      if (bytes.length < read.bytes.length) return { bytes, plainBytes: read.bytes.length };
    }
    return { bytes: read.bytes, plainBytes: 0 };
  }
}

/** Whether any batch is compressed already, so that compressing again would be in vain. */
function holdsCompressed(bytes: Buffer): boolean {
  try {
    for (const at of completeBatches(bytes)) {
      if (batchMagic(bytes, at) < 2 || batchCodec(bytes, at) !== 'none') return true;
    }
    return false;
  } catch (error) {
    if (error instanceof CorruptBatch) return true; // the follower will find out
    throw error;
  }
}
