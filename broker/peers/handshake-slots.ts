/**
 * Room for handshakes: so many at once, and so many of one address, because whoever begins one and says
 * nothing holds its place until the timeout. A newcomer takes the place of the oldest handshake, as a
 * broker finishes its own within milliseconds; and addresses from which a broker has been welcomed give
 * way only to each other, so that strangers never shut out who was here before.
 */
/** A handshake under way. */
interface Slot {
  readonly address: string;
  readonly close: (reason: string) => void;
}

/** More addresses are not remembered; the oldest go. */
const MAX_KNOWN_ADDRESSES = 1000;
const MADE_ROOM = 'a newer connection takes its place';

export class HandshakeSlots {
  readonly #max: number;
  readonly #maxPerAddress: number;
  /** In order of their age, all of them and by address. */
  readonly #underWay = new Set<Slot>();
  readonly #ofAddress = new Map<string, Set<Slot>>();
  /** Addresses from which a broker was welcomed, the longest ago first; at most MAX_KNOWN_ADDRESSES. */
  readonly #known = new Set<string>();

  /** `peer.max.handshakes`, `peer.max.handshakes.per.ip` */
  constructor(max: number, maxPerAddress: number) {
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
  }

  /** Takes a place, for which another may be closed; null when nobody gives way. */
  enter(address: string, close: (reason: string) => void): Slot | null {
    const same = this.#ofAddress.get(address);
    const gives =
      same !== undefined && same.size >= this.#maxPerAddress ? first(same) : this.#whoGivesWay(address);
    if (gives === null) return null;
    if (gives !== undefined) {
      this.leave(gives);
      gives.close(MADE_ROOM);
    }
    const slot: Slot = { address, close };
    this.#underWay.add(slot);
    const siblings = this.#ofAddress.get(address);
    if (siblings === undefined) this.#ofAddress.set(address, new Set([slot]));
    else siblings.add(slot);
    return slot;
  }

  /** The handshake is over, either way. Idempotent. */
  leave(slot: Slot): void {
    if (!this.#underWay.delete(slot)) return;
    const siblings = this.#ofAddress.get(slot.address);
    siblings?.delete(slot);
    if (siblings?.size === 0) this.#ofAddress.delete(slot.address);
  }

  /** A broker has proven itself from this address. */
  welcomed(address: string): void {
    this.#known.delete(address);
    this.#known.add(address);
    if (this.#known.size > MAX_KNOWN_ADDRESSES) this.#known.delete(first(this.#known) ?? '');
  }

  /** undefined: there is room; null: nobody does. */
  #whoGivesWay(address: string): Slot | undefined | null {
    if (this.#underWay.size < this.#max) return undefined;
    for (const slot of this.#underWay) if (!this.#known.has(slot.address)) return slot;
    return this.#known.has(address) ? first(this.#underWay) : null;
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  return set.values().next().value;
}
