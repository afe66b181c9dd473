/**
 * What a kind of coordinator brings along for the runtime: a shard, which is its state for one partition
 * of its topic, and a codec for the records of that topic. The runtime knows when a partition is ours,
 * reads it, and writes to it; it knows nothing of groups or transactions.
 * Source: Kafka's CoordinatorShard, CoordinatorLoader.Deserializer and Serializer.
 */

import type { Int64 } from '../../int64.ts';

/** State of one partition, made of the partition's records. */
export interface Shard<R> {
  /**
   * Takes a record in that is in the log at `offset`: each record of the log while the partition is
   * loading, in order; afterwards what was written here, once it is replicated. Answers to writes may
   * overtake each other, so whoever cares which of two records is the later compares offsets. A record of a
   * transaction comes with its producer, and holds once that transaction is committed.
   */
  replay(record: R, offset: number, producerId?: Int64): void;
  /**
   * Only where transactions write: the marker of one is in the log. It decides what the producer has written
   * before it, and is met while the partition is loading, or told by whoever has written it.
   */
  endTransaction?(producerId: Int64, end: TransactionEnd): void;
}

export interface TransactionEnd {
  readonly committed: boolean;
  readonly markerOffset: number;
}

/** A record as the topic holds it; a null value is a tombstone. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** Records of one topic, as Kafka's coordinators write them. */
export interface RecordCodec<R> {
  encode(record: R): KeyValue;
  /**
   * Null for a record that something newer wrote under a key we do not know. Throws on bytes that are no
   * record. The buffers belong to the log: what is kept of them must be copied.
   */
  decode(record: KeyValue): R | null;
}
