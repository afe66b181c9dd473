/**
 * The fetch sessions that this broker remembers: a limited number, and a limited number of partitions in all of
 * them together. A newcomer for whom there is no slot evicts a session by KIP-227's rules, or stays without one.
 * Source: Kafka's FetchSessionCache.
 */
import type { Clock } from '../../platform/clock.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Random } from '../../platform/random.ts';
import type { Remembered, SessionPartition } from './session-partitions.ts';

export const LARGEST_INT = 2 ** 31 - 1;
/** Kafka's fixed time after which a session may be evicted by a newcomer. */
const EVICTION_MS = 120_000;

/** `partitions` are in the order of their turns: those that brought records last are at the end. */
export interface CachedSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** Partitions at the last use; what eviction compares. */
  size: number;
  /** Of the request that is expected next; never 0 again. */
  epoch: number;
  /** Somebody is walking through its partitions. */
  isBusy: boolean;
  /** Changed by the cache alone, which counts them; others may change their order. */
  readonly partitions: Map<string, Remembered>;
}

type NewSession = Pick<CachedSession, 'usesTopicIds' | 'size' | 'epoch' | 'partitions'>;

export interface FetchSessionCacheOptions {
  /** `max.incremental.fetch.session.cache.slots` */
  readonly slots: number;
  /**
   * `max.incremental.fetch.session.cache.partitions`, of all sessions together: they remember what
   * clients name, whether it exists or not, so there must be an end to it.
   */
  readonly maxPartitions: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

export class FetchSessionCache {
  readonly #options: FetchSessionCacheOptions;
  /** Least recently used first. */
  readonly #sessions = new Map<number, CachedSession>();
  readonly #evictions: { add(): void };
  /** In all sessions together. */
  #partitionCount = 0;

  constructor(options: FetchSessionCacheOptions) {
    this.#options = options;
    const { metrics } = options;
    const prefix = 'kafka_server_fetchsessioncache_';
    this.#evictions = metrics.counter(
      `${prefix}incrementalfetchsessionevictions_total`,
      'Fetch sessions that were evicted',
    );
    metrics.gauge(`${prefix}numincrementalfetchsessions`, 'Fetch sessions', () => this.#sessions.size);
    metrics.gauge(
      `${prefix}numincrementalfetchpartitionscached`,
      'Partitions in fetch sessions',
      () => this.#partitionCount,
    );
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Sessions remember more than they may all together. */
  get isOverfull(): boolean {
    return this.#partitionCount > this.#options.maxPartitions;
  }

  get(id: number): CachedSession | undefined {
    return this.#sessions.get(id);
  }

  /** False once it has been dropped. */
  has(session: CachedSession): boolean {
    return this.#sessions.get(session.id) === session;
  }

  hasRoomFor(partitions: number): boolean {
    return this.#partitionCount + partitions <= this.#options.maxPartitions;
  }

  /** Its id, or null where there is no slot and nobody to evict, or no room for its partitions. */
  add(session: NewSession): number | null {
    if (!this.hasRoomFor(session.size)) return null;
    const { slots, clock, random } = this.#options;
    if (this.#sessions.size >= slots && !this.#evictFor(session.size)) return null;
    let id: number;
    do {
      id = 1 + random.int(LARGEST_INT - 1);
    } while (this.#sessions.has(id));
    const nowMs = clock.nowMs();
    this.#sessions.set(id, { ...session, id, createdMs: nowMs, lastUsedMs: nowMs, isBusy: false });
    this.#partitionCount += session.partitions.size;
    return id;
  }

  drop(session: CachedSession | undefined): void {
    if (session === undefined || !this.#sessions.delete(session.id)) return;
    this.#partitionCount -= session.partitions.size;
  }

  /** Nothing was told of the partition so far. */
  remember(session: CachedSession, key: string, wanted: SessionPartition): void {
    session.partitions.set(key, { key, wanted, highWatermark: -1, logStartOffset: -1 });
    this.#partitionCount += 1;
  }

  forget(session: CachedSession, key: string): void {
    if (session.partitions.delete(key)) this.#partitionCount -= 1;
  }

  /** It has just been used. */
  touch(session: CachedSession): void {
    session.lastUsedMs = this.#options.clock.nowMs();
    session.size = session.partitions.size;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /** Frees a slot for a newcomer of a size: of who is idle, else of the smallest that may be evicted and is smaller. */
  #evictFor(size: number): boolean {
    const nowMs = this.#options.clock.nowMs();
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    let victim: CachedSession | null = nowMs - oldest.lastUsedMs > EVICTION_MS ? oldest : null;
    if (victim === null) {
      for (const session of this.#sessions.values()) {
        const isEvictable = nowMs - session.createdMs > EVICTION_MS;
        if (isEvictable && (victim === null || session.size < victim.size)) victim = session;
      }
      if (victim === null || victim.size >= size) return false;
    }
    this.drop(victim);
    this.#evictions.add();
    return true;
  }
}
