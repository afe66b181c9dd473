/**
 * What counts as decided stays decided: the last stable offset, below which no transaction is open, never falls.
 * While one process leads in one epoch nobody sees a lower one than before, in its log and in what clients are
 * answered. A new leader, or one whose process has begun again unnoticed, may for a while not know how far all is
 * replicated, and shows a lower one until it does; but once the high watermark is where it was when an offset was
 * stable, that offset is stable again, on every replica.
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

/** While one process leads in one epoch. */
interface Office {
  readonly life: number;
  /** The greatest that was seen. */
  highest: number;
}

/** What an answer may not fall below, if the same process has given it. */
interface Floor {
  readonly life: number;
  readonly stable: number;
}

const NO_FLOOR: Floor = { life: -1, stable: -1 };

export class StableOffsets {
  readonly #broken: Broken;
  /** By partition and leader epoch. */
  readonly #offices = new Map<string, Office>();
  /** By partition; both numbers rise from one to the next. */
  readonly #known = new Map<string, Known[]>();

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  /** To be asked for before a leader is asked. */
  floor(key: string, leaderEpoch: number): Floor {
    const office = this.#offices.get(`${key}@${leaderEpoch}`);
    return office === undefined ? NO_FLOOR : { life: office.life, stable: office.highest };
  }

  /** A leader has answered a client, whose question had this floor. */
  read(read: StableRead, floor: Floor): void {
    const who = () => `a client was told of ${read.key}`;
    const office = this.#offices.get(`${read.key}@${read.leaderEpoch}`);
    if (office !== undefined && office.life === floor.life) this.#rise(office, read, floor.stable, who);
    this.#compare(read, who);
    this.#learn(read);
  }

  check(replica: ReplicaView): void {
    const who = () => `broker ${replica.brokerId} has of ${replica.name}`;
    if (replica.role === 'leader') {
      const before = this.#offices.get(replica.term);
      const office = before?.life === replica.life ? before : { life: replica.life, highest: -1 };
      if (office !== before) this.#offices.set(replica.term, office);
      this.#rise(office, replica, office.highest, who);
      this.#learn(replica);
    }
    this.#compare(replica, who);
  }

  #rise(
    office: Office,
    { leaderEpoch, lastStableOffset }: StableRead,
    floor: number,
    who: () => string,
  ): void {
    if (lastStableOffset < floor)
      this.#broken(
        `${who()} a last stable offset of ${lastStableOffset} in epoch ${leaderEpoch}, after ${floor}`,
      );
    office.highest = Math.max(lastStableOffset, office.highest);
  }

  #compare({ key, highWatermark, lastStableOffset }: StableRead, who: () => string): void {
    const known = this.#known.get(key)?.findLast((each) => each.highWatermark <= highWatermark);
    if (known !== undefined && lastStableOffset < known.stable)
      this.#broken(
        `${who()} a last stable offset of ${lastStableOffset} with the high watermark at ${highWatermark}; ` +
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
