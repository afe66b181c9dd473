/**
 * What somebody has done to a way, as effects that come and go while connections stand; several may be on
 * one way at once, and each ends by itself. A cut way ends its connections and takes no new ones, as when a
 * machine answers with resets. A silent one lets nothing through and tells nobody, as when a cable is
 * pulled. A slow one lets everything come so much later; a narrow one lets so many bytes through a second.
 * A lossy one does what TCP makes of lost packets: nothing is missing, but now and then everything stands
 * still until the retransmission has come (RFC 6298).
 */

export type Direction = 'in' | 'out';

/** What is left out is as without the effect. */
export interface LinkEffect {
  readonly isCut?: boolean;
  /** Which way it is silent, slow, lossy or narrow; both unless given. As the broker sees it. */
  readonly direction?: Direction;
  readonly isSilent?: boolean;
  readonly delayMs?: number;
  /** The share of pieces that need a retransmission. */
  readonly lossRate?: number;
  readonly bytesPerSecond?: number;
}

/** All effects of one direction together. */
export interface LaneState {
  readonly isSilent: boolean;
  readonly delayMs: number;
  readonly lossRate: number;
  readonly bytesPerSecond: number;
}

/** A connection that lives by a rule. */
export interface LinkUser {
  /** Ends now. */
  broken(): void;
  /** The rule is another. */
  changed(): void;
}

const UNHURT: LaneState = {
  isSilent: false,
  delayMs: 0,
  lossRate: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

export class LinkRule {
  readonly #effects = new Set<LinkEffect>();
  readonly #users = new Set<LinkUser>();
  /** Of the effects; made anew whenever these change. So is `#isCut`. */
  #lanes: Readonly<Record<Direction, LaneState>> = { in: UNHURT, out: UNHURT };
  #isCut = false;

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Nothing is done to it. */
  get isUnhurt(): boolean {
    return this.#effects.size === 0;
  }

  lane(direction: Direction): LaneState {
    return this.#lanes[direction];
  }

  /** Takes effect now; the answer takes it away again. */
  place(effect: LinkEffect): () => void {
    // A copy, so that the same effect can be there twice.
    const placed = { ...effect };
    this.#effects.add(placed);
    this.#changed();
    if (placed.isCut === true) this.break();
    return () => {
      if (this.#effects.delete(placed)) this.#changed();
    };
  }

  /** Ends the connections that stand. */
  break(): void {
    for (const user of [...this.#users]) user.broken();
  }

  /** Everything as it is without an effect. */
  heal(): void {
    this.#effects.clear();
    this.#changed();
  }

  join(user: LinkUser): void {
    this.#users.add(user);
  }

  leave(user: LinkUser): void {
    this.#users.delete(user);
  }

  #changed(): void {
    const effects = [...this.#effects];
    this.#isCut = effects.some(({ isCut }) => isCut === true);
    this.#lanes = { in: sumOf(effects, 'in'), out: sumOf(effects, 'out') };
    for (const user of [...this.#users]) user.changed();
  }
}

function sumOf(effects: readonly LinkEffect[], direction: Direction): LaneState {
  return effects
    .filter((effect) => effect.direction === undefined || effect.direction === direction)
    .reduce<LaneState>((sum, effect) => both(sum, { ...UNHURT, ...effect }), UNHURT);
}

/** One after the other, as two stretches of one way. */
export function both(one: LaneState, other: LaneState): LaneState {
  return {
    isSilent: one.isSilent || other.isSilent,
    delayMs: one.delayMs + other.delayMs,
    lossRate: 1 - (1 - one.lossRate) * (1 - other.lossRate),
    bytesPerSecond: Math.min(one.bytesPerSecond, other.bytesPerSecond),
  };
}
