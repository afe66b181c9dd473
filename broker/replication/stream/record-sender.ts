/**
 * Chooses what one replication stream sends next: the subscriptions that have records take turns, a
 * message holds up to replica.fetch.response.max.bytes, no partition more than replica.fetch.max.bytes
 * of it, and together no more than the follower has given credit for. One batch may go beyond each of
 * these, or a large one would never leave.
 */

import { PEER_HEADER_ROOM_BYTES } from '../../config/peer-messages.ts';
import { ErrorCode, isError } from '../../errors.ts';
import { batchCodec, batchMagic, CorruptBatch, completeBatches } from '../../records/batch.ts';
import { compressSnappy } from '../../records/snappy.ts';
import type { ReplicationConfig } from '../collaborators.ts';
import type { Partition } from '../partition.ts';
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
}

interface RecordSenderOptions {
  readonly config: ReplicationConfig;
  readonly reads: SharedReads;
  /** The subscription can't go on. */
  readonly refuse: (subscription: Subscription, error: ErrorCode) => void;
  /** The log could not be read: the caller maps what was thrown. */
  readonly onReadFailure: (partition: Partition, error: unknown) => ErrorCode;
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

  /** More credit, up to the window this leader is willing to have under way. */
  grant(creditBytes: number): void {
    const windowBytes = this.#options.config.peerStreamCreditBytes;
    this.#creditBytes = Math.min(this.#creditBytes + creditBytes, windowBytes);
  }

  ready(subscription: Subscription): void {
    this.#ready.add(subscription);
  }

  drop(subscription: Subscription): void {
    this.#ready.delete(subscription);
  }

  clear(): void {
    this.#ready.clear();
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
      const read = this.#read(subscription, Math.min(config.replicaFetchMaxBytes, room, this.#creditBytes));
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
      reads.push(read);
    }
    return { items, reads };
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
