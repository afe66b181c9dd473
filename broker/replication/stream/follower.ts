/**
 * The partitions this broker follows, spread over the replication streams to their leaders: one stream
 * a leader, or num.replica.fetchers of them, among which partitions are divided as Kafka divides them
 * among fetcher threads. Source: Kafka's AbstractFetcherManager.
 */
import { javaStringHash } from '../../../coordinator-client/znodes/java-string-hash.ts';
import { javaAbs } from '../../java-hash.ts';
import type { BrokerId, PartitionKey } from '../../types.ts';
import type { Partition } from '../partition.ts';
import { type FollowerContext, FollowerStream } from './follower-stream.ts';

/** A partition that follows nobody on purpose. */
interface HeldBack {
  /** Those who want it so; it follows again when there is none left. */
  holders: number;
  /** What is to be followed then. */
  partition: Partition | null;
}

/**
 * A followed partition is on one stream, that of its leader; a stream without partitions lives until
 * `closeIdleStreams`.
 */
export class Follower {
  readonly #context: FollowerContext;
  /** By leader and index of the fetcher. */
  readonly #streams = new Map<string, FollowerStream>();
  readonly #streamOf = new Map<PartitionKey, FollowerStream>();
  readonly #heldBack = new Map<PartitionKey, HeldBack>();

  constructor(context: FollowerContext) {
    this.#context = context;
  }

  /** Partitions that are followed, those that have failed included. */
  get size(): number {
    return this.#streamOf.size;
  }

  /** Partitions that wait for a new leader epoch because they could not go on. */
  get failedCount(): number {
    let count = 0;
    for (const stream of this.#streams.values()) count += stream.failedCount;
    return count;
  }

  /** Follows the leader the partition has now. */
  follow(partition: Partition): void {
    this.unfollow(partition.key);
    const held = this.#heldBack.get(partition.key);
    if (held !== undefined) {
      held.partition = partition;
      return;
    }
    const index = fetcherOf(
      partition.topic,
      partition.partition,
      this.#context.liveConfig.now.numReplicaFetchers,
    );
    const stream = this.#streamTo(partition.leader, index);
    this.#streamOf.set(partition.key, stream);
    stream.add(partition);
  }

  /** As if the leader could not be reached, for this partition alone, until the answer is called, once. For faults. */
  holdBack(partition: Partition): () => void {
    const { key } = partition;
    const isFollowed = this.#streamOf.has(key);
    const held = this.#heldBack.get(key) ?? { holders: 0, partition: isFollowed ? partition : null };
    held.holders++;
    if (isFollowed) this.unfollow(key);
    this.#heldBack.set(key, held);
    return () => {
      held.holders--;
      if (held.holders > 0 || !this.#heldBack.delete(key)) return;
      if (held.partition !== null) this.follow(held.partition);
    };
  }

  unfollow(key: PartitionKey): void {
    const held = this.#heldBack.get(key);
    if (held !== undefined) held.partition = null;
    this.#streamOf.get(key)?.remove(key);
    this.#streamOf.delete(key);
  }

  /** Closes the streams on which nothing is followed any more. */
  closeIdleStreams(): void {
    for (const [name, stream] of this.#streams) {
      if (stream.size > 0) continue;
      this.#streams.delete(name);
      stream.close('nothing is followed any more');
    }
  }

  close(): void {
    this.#heldBack.clear();
    for (const stream of this.#streams.values()) stream.close('the broker is shutting down');
    this.#streams.clear();
    this.#streamOf.clear();
  }

  #streamTo(leader: BrokerId, index: number): FollowerStream {
    const name = `${leader}/${index}`;
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const stream = new FollowerStream(leader, this.#context);
    this.#streams.set(name, stream);
    return stream;
  }
}

/** Which of a leader's streams carries a partition: Java's hash of the topic, as in Kafka. */
export function fetcherOf(topic: string, partition: number, fetchers: number): number {
  return javaAbs((Math.imul(31, javaStringHash(topic)) + partition) | 0) % fetchers;
}
