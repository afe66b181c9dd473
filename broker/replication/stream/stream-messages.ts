/**
 * The replication stream: what a follower and its leader say on one authenticated channel of role
 * `stream`, which the follower dials so that the bulk flows unmasked from server to client. Every
 * message is an envelope (peers/envelope.ts): a small CBOR header, then raw record bytes. One channel
 * carries many partitions; each subscription has a number that the follower gives and never reuses on
 * that channel, so that whatever was sent before a truncation or a new epoch is recognised and dropped.
 *
 * Follower to leader:
 *   open        {credit, epoch}   first message: the record bytes the leader may have under way.
 *   subscribe   {epoch, p: [[id, topic, partition, topicId, leaderEpoch, endOffset, lastEpoch, startOffset]]}
 *               "send me this partition from endOffset". lastEpoch is the epoch of my last record, -1
 *               when I have none. A subscription counts as an acknowledgement of endOffset.
 *   ack         {epoch, credit, p: [[id, leaderEpoch, endOffset, startOffset]]}   my log ends here now;
 *               `credit` record bytes have been dealt with and may be sent again.
 *   beat        {epoch, credit, p}   as ack, and: of every subscription not in p, my last word stands.
 *               Sent each replica.fetch.wait.max.ms, so that followers stay in sync when idle.
 *   unsubscribe {p: [id]}
 * Leader to follower:
 *   records     {p: [[id, highWatermark, startOffset, sizeBytes, plainBytes]]} + the bytes of each, end
 *               to end. plainBytes is 0 for bytes as they are in the log, else their size before snappy.
 *   marks       {p: [[id, highWatermark, startOffset]]}   also the answer to an accepted subscription.
 *   diverging   {p: [[id, epoch, endOffset]]}   your last epoch ended there in my log: go back, subscribe anew.
 *   refused     {p: [[id, error, startOffset, endOffset]]}   this subscription is over; with
 *               OFFSET_OUT_OF_RANGE the two tell where the leader's log begins and ends.
 *   beat        {}   the answer to each beat.
 *
 * Fencing: every subscription and acknowledgement carries its partition's leader epoch and the
 * follower's broker epoch; an older one of either is refused. Source: KIP-101, KIP-227, KIP-595.
 */
import { type ErrorCode, knownError } from '../../errors.ts';
import {
  asInteger,
  asList,
  asMap,
  asText,
  decodeEnvelope,
  encodeEnvelope,
  MalformedMessage,
} from '../../peers/envelope.ts';
import type { Uuid } from '../../types.ts';

/** A follower begins with a partition, under an id of its choice. */
export interface SubscribeItem {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid | null;
  readonly leaderEpoch: number;
  readonly endOffset: number;
  readonly lastEpoch: number;
  readonly startOffset: number;
}

/** How far the follower has appended. */
export interface AckItem {
  readonly id: number;
  readonly leaderEpoch: number;
  readonly endOffset: number;
  readonly startOffset: number;
}

export type FollowerMessage =
  | { readonly type: 'open'; readonly epoch: number; readonly credit: number }
  | { readonly type: 'subscribe'; readonly epoch: number; readonly items: readonly SubscribeItem[] }
  | {
      readonly type: 'ack' | 'beat';
      readonly epoch: number;
      readonly credit: number;
      readonly items: readonly AckItem[];
    }
  | { readonly type: 'unsubscribe'; readonly ids: readonly number[] };

/** What a follower learns of a partition without records. */
export interface MarksItem {
  readonly id: number;
  readonly highWatermark: number;
  readonly startOffset: number;
}

export interface RecordsItem extends MarksItem {
  /** As they lie in the message. */
  readonly bytes: Buffer;
  /** Size before compression, 0 for bytes that are not compressed. */
  readonly plainBytes: number;
}

/** The follower's history differs: it truncates to the end of this epoch and subscribes again. */
interface DivergingItem {
  readonly id: number;
  readonly epoch: number;
  readonly endOffset: number;
}

export interface RefusedItem {
  readonly id: number;
  readonly error: ErrorCode;
  readonly startOffset: number;
  readonly endOffset: number;
}

export type LeaderMessage =
  | { readonly type: 'records'; readonly items: readonly RecordsItem[] }
  | { readonly type: 'marks'; readonly items: readonly MarksItem[] }
  | { readonly type: 'diverging'; readonly items: readonly DivergingItem[] }
  | { readonly type: 'refused'; readonly items: readonly RefusedItem[] }
  | { readonly type: 'beat' };

/** The parts of one message, to be sent as they are. */
export function encodeFollowerMessage(message: FollowerMessage): Uint8Array[] {
  switch (message.type) {
    case 'open':
      return encodeEnvelope(message);
    case 'subscribe': {
      const p = message.items.map((item) => [
        item.id,
        item.topic,
        item.partition,
        item.topicId,
        item.leaderEpoch,
        item.endOffset,
        item.lastEpoch,
        item.startOffset,
      ]);
      return encodeEnvelope({ type: 'subscribe', epoch: message.epoch, p });
    }
    case 'ack':
    case 'beat': {
      const { type, epoch, credit } = message;
      const p = message.items.map((item) => [item.id, item.leaderEpoch, item.endOffset, item.startOffset]);
      return encodeEnvelope({ type, epoch, credit, p });
    }
    case 'unsubscribe':
      return encodeEnvelope({ type: 'unsubscribe', p: message.ids });
  }
}

/**
 * The parts of one message; the bytes of records are passed on by reference and must stay until it has
 * left.
 */
export function encodeLeaderMessage(message: LeaderMessage): Uint8Array[] {
  switch (message.type) {
    case 'records': {
      const p = message.items.map((item) => [
        item.id,
        item.highWatermark,
        item.startOffset,
        item.bytes.length,
        item.plainBytes,
      ]);
      const raw = message.items.map((item) => item.bytes);
      return encodeEnvelope({ type: 'records', p }, raw);
    }
    case 'marks': {
      const p = message.items.map((item) => [item.id, item.highWatermark, item.startOffset]);
      return encodeEnvelope({ type: 'marks', p });
    }
    case 'diverging': {
      const p = message.items.map((item) => [item.id, item.epoch, item.endOffset]);
      return encodeEnvelope({ type: 'diverging', p });
    }
    case 'refused': {
      const p = message.items.map((item) => [item.id, item.error, item.startOffset, item.endOffset]);
      return encodeEnvelope({ type: 'refused', p });
    }
    case 'beat':
      return encodeEnvelope({ type: 'beat' });
  }
}

/** Throws MalformedMessage. */
export function decodeFollowerMessage(message: Buffer): FollowerMessage {
  const map = asMap(decodeEnvelope(message).header);
  switch (map['type']) {
    case 'open':
      return { type: 'open', epoch: asInteger(map['epoch']), credit: asSize(map['credit']) };
    case 'subscribe':
      return {
        type: 'subscribe',
        epoch: asInteger(map['epoch']),
        items: asList(map['p']).map(subscribeItem),
      };
    case 'ack':
    case 'beat':
      return {
        type: map['type'],
        epoch: asInteger(map['epoch']),
        credit: asSize(map['credit']),
        items: asList(map['p']).map(ackItem),
      };
    case 'unsubscribe':
      return { type: 'unsubscribe', ids: asList(map['p']).map(asInteger) };
    default:
      throw new MalformedMessage('unknown message on a replication stream');
  }
}

/** The bytes of records are views of `message`. Throws MalformedMessage. */
export function decodeLeaderMessage(message: Buffer): LeaderMessage {
  const { header, body } = decodeEnvelope(message);
  const map = asMap(header);
  switch (map['type']) {
    case 'records':
      return { type: 'records', items: recordsItems(asList(map['p']), body) };
    case 'marks':
      return { type: 'marks', items: asList(map['p']).map((row) => marksItem(asList(row))) };
    case 'diverging':
      return {
        type: 'diverging',
        items: asList(map['p']).map((row) => {
          const [id, epoch, endOffset] = asList(row);
          return { id: asInteger(id), epoch: asInteger(epoch), endOffset: asInteger(endOffset) };
        }),
      };
    case 'refused':
      return { type: 'refused', items: asList(map['p']).map(refusedItem) };
    case 'beat':
      return { type: 'beat' };
    default:
      throw new MalformedMessage('unknown message on a replication stream');
  }
}

function subscribeItem(row: unknown): SubscribeItem {
  const [id, topic, partition, topicId, leaderEpoch, endOffset, lastEpoch, startOffset] = asList(row);
  return {
    id: asInteger(id),
    topic: asText(topic),
    partition: asInteger(partition),
    topicId: topicId === null ? null : asText(topicId),
    leaderEpoch: asInteger(leaderEpoch),
    endOffset: asSize(endOffset),
    lastEpoch: asInteger(lastEpoch),
    startOffset: asSize(startOffset),
  };
}

function ackItem(row: unknown): AckItem {
  const [id, leaderEpoch, endOffset, startOffset] = asList(row);
  return {
    id: asInteger(id),
    leaderEpoch: asInteger(leaderEpoch),
    endOffset: asSize(endOffset),
    startOffset: asSize(startOffset),
  };
}

function marksItem(row: readonly unknown[]): MarksItem {
  const [id, highWatermark, startOffset] = row;
  return { id: asInteger(id), highWatermark: asInteger(highWatermark), startOffset: asInteger(startOffset) };
}

function refusedItem(row: unknown): RefusedItem {
  const [id, error, startOffset, endOffset] = asList(row);
  return {
    id: asInteger(id),
    error: knownError(asInteger(error)),
    startOffset: asInteger(startOffset),
    endOffset: asInteger(endOffset),
  };
}

function recordsItems(rows: readonly unknown[], body: Buffer): RecordsItem[] {
  let at = 0;
  const items = rows.map((row) => {
    const columns = asList(row);
    const sizeBytes = asSize(columns[3]);
    if (at + sizeBytes > body.length) throw new MalformedMessage('records are longer than their message');
    const bytes = body.subarray(at, at + sizeBytes);
    at += sizeBytes;
    return { ...marksItem(columns), bytes, plainBytes: asSize(columns[4]) };
  });
  if (at !== body.length) throw new MalformedMessage('a message is longer than its records');
  return items;
}

/** A size or an offset that exists: never negative. */
function asSize(value: unknown): number {
  const integer = asInteger(value);
  if (integer < 0) throw new MalformedMessage('expected a size');
  return integer;
}
