/**
 * The partitions of a coordinator's topic that this broker leads, and the shard of each. A partition is
 * `loading` until all of its log has been read; requests for what is in it are told to come again.
 */
import { ErrorCode } from '../../errors.ts';
import { partitionForKey } from '../../java-hash.ts';

export interface OwnedPartition<S> {
  readonly partition: number;
  /** Never falls; rises while the leadership stays here, as when a follower dies. */
  leaderEpoch: number;
  /**
   * Only forwards; `gone` is for good, a partition that comes back is another one of these. `failed`: what its log
   * holds is damaged; nobody is answered from it until another replica leads, or this one does anew.
   */
  state: 'loading' | 'active' | 'failed' | 'gone';
  /** Incomplete while loading. */
  shard: S;
}

/** A shard is only handed out once all of it is loaded. */
export type Located<S> =
  | { readonly owner: OwnedPartition<S>; readonly error: typeof ErrorCode.NONE }
  | { readonly owner: null; readonly error: ErrorCode };

export class Ownership<S> {
  /** None of them is gone. */
  readonly #owned = new Map<number, OwnedPartition<S>>();
  /** Highest leader epoch seen of each partition, also after losing it: older news is ignored. */
  readonly #epochs = new Map<number, number>();
  readonly #partitionCount: () => number;
  readonly #newShard: () => S;

  constructor(partitionCount: () => number, newShard: () => S) {
    this.#partitionCount = partitionCount;
    this.#newShard = newShard;
  }

  /**
   * A new owned partition, still loading; null when there is nothing to load: the news is stale, or the
   * partition is owned already and only its leader epoch has risen.
   */
  take(partition: number, leaderEpoch: number): OwnedPartition<S> | null {
    if (leaderEpoch < (this.#epochs.get(partition) ?? -1)) return null;
    this.#epochs.set(partition, leaderEpoch);
    const existing = this.#owned.get(partition);
    if (existing !== undefined && existing.state !== 'failed') {
      existing.leaderEpoch = leaderEpoch;
      return null;
    }
    const owner: OwnedPartition<S> = { partition, leaderEpoch, state: 'loading', shard: this.#newShard() };
    this.#owned.set(partition, owner);
    return owner;
  }

  /** Gives a partition up; returns what was owned of it. */
  drop(partition: number): OwnedPartition<S> | null {
    const owner = this.#owned.get(partition) ?? null;
    if (owner !== null) owner.state = 'gone';
    this.#owned.delete(partition);
    return owner;
  }

  /** The partition is gone from this broker, and its leader epochs with it. */
  forget(partition: number): void {
    this.#epochs.delete(partition);
  }

  /** The partition that the key (a group, a transactional id) falls into, whoever leads it. */
  partitionFor(key: string): number {
    return partitionForKey(key, this.#partitionCount());
  }

  get(partition: number): OwnedPartition<S> | undefined {
    return this.#owned.get(partition);
  }

  all(): Iterable<OwnedPartition<S>> {
    return this.#owned.values();
  }

  /** The partition that owns a key here, or the error to answer with. */
  locate(key: string): Located<S> {
    const owner = this.#owned.get(this.partitionFor(key));
    if (owner === undefined || owner.state === 'failed')
      return { owner: null, error: ErrorCode.NOT_COORDINATOR };
    if (owner.state === 'loading') return { owner: null, error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS };
    return { owner, error: ErrorCode.NONE };
  }
}
