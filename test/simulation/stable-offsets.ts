/**
 * What counts as decided stays decided: the last stable offset, below which no transaction is open, never falls.
 * While one leader is in office nobody sees a lower one than before, over restarts and in what clients are
 * answered. A new leader may for a while not know how far all is replicated, and shows a lower one until it does;
 * but once its high watermark is where it was when an offset was stable, that offset is stable again.
 * Source: KIP-98; UnifiedLog.fetchLastStableOffsetMetadata, which counts a transaction as open until its marker
 * is replicated.
 */
import type { Broken, ReplicaView } from './observation.ts';

/** What the answer to a fetch says. */
interface StableRead {
  /** Topic id and partition. */
  readonly key: string;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

/** With the high watermark there, this was stable. */
interface Known {
  readonly highWatermark: number;
  readonly stable: number;
}

export class StableOffsets {
  readonly #broken: Broken;
  /** The greatest that was seen, by partition and leader epoch. */
  readonly #highest = new Map<string, number>();
  /** By partition; both numbers rise from one to the next. */
  readonly #known = new Map<string, Known[]>();

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  /** What an answer to a question that is asked now may not fall below. */
  floor(key: string, leaderEpoch: number): number {
    return this.#highest.get(`${key}@${leaderEpoch}`) ?? -1;
  }

  /** Clients are told of it; `floor` is of the moment when they asked. */
  read(read: StableRead, floor: number): void {
    this.#see(read, floor, `a client was told of ${read.key}`);
  }

  check(replica: ReplicaView): void {
    const who = `broker ${replica.brokerId} has of ${replica.name}`;
    if (replica.role === 'leader') this.#see(replica, this.floor(replica.key, replica.leaderEpoch), who);
    else this.#compare(replica, who);
  }

  #see(seen: StableRead, floor: number, who: string): void {
    const { key, leaderEpoch, lastStableOffset } = seen;
    if (lastStableOffset < floor)
      this.#broken(
        `${who} a last stable offset of ${lastStableOffset} in epoch ${leaderEpoch}, after ${floor}`,
      );
    this.#compare(seen, who);
    const at = `${key}@${leaderEpoch}`;
    this.#highest.set(at, Math.max(lastStableOffset, this.#highest.get(at) ?? -1));
    this.#learn(seen);
  }

  #compare({ key, highWatermark, lastStableOffset }: StableRead, who: string): void {
    const known = this.#known.get(key)?.findLast((each) => each.highWatermark <= highWatermark);
    if (known !== undefined && lastStableOffset < known.stable)
      this.#broken(
        `${who} a last stable offset of ${lastStableOffset} with the high watermark at ${highWatermark}; ` +
          `with that at ${known.highWatermark} it was ${known.stable}`,
      );
  }

  #learn({ key, highWatermark, lastStableOffset: stable }: StableRead): void {
    const known = this.#known.get(key) ?? [];
    this.#known.set(key, known);
    if (stable <= (known.at(-1)?.stable ?? -1)) return;
    while ((known.at(-1)?.highWatermark ?? -1) >= highWatermark) known.pop();
    known.push({ highWatermark, stable });
  }
}
