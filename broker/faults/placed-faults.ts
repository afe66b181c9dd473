/**
 * The faults that are in place, each with an end that comes by itself: a time, a count, or the connection of
 * whoever asked. So a broker gets well also when the asker was killed. What is over when it has struck is
 * told and not kept.
 */
import type { Clock, Timer } from '../platform/clock.ts';
import type { HealReason } from '../platform/fault-events.ts';
import type { Journal } from '../platform/journal.ts';
import type { FaultBody, StruckFault } from './fault-kind.ts';

/** A fault as whoever looks sees it; `parameters` as they were asked for, with what was decided. */
export interface FaultView {
  readonly id: number;
  readonly fault: string;
  readonly parameters: FaultBody;
  /** Milliseconds since 1970. */
  readonly struckAtMs: number;
  /** Until it ends by itself; 0 for one that was over when it had struck. */
  readonly leftMs: number;
  /** How often it has struck so far, where that is counted. */
  readonly struck?: number;
  /** Whose end is its own as well. */
  readonly asker?: string;
}

interface PlacedFaultsOptions {
  readonly clock: Clock;
  readonly journal: Journal;
}

/** What is known of a fault when it is put in place. */
interface Placing {
  readonly fault: string;
  readonly body: FaultBody;
  readonly forMs: number;
  readonly asker: string | null;
}

interface Kept extends Placing {
  readonly id: number;
  readonly struck: StruckFault;
  readonly struckAtMs: number;
  readonly endsAtMs: number;
  readonly timer: Timer;
}

/** A fault is kept from when it has struck until it is healed, once, whatever comes first. */
export class PlacedFaultTable {
  readonly #options: PlacedFaultsOptions;
  readonly #kept = new Map<number, Kept>();
  #lastId = 0;

  constructor(options: PlacedFaultsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The id that the next fault has. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** It has struck: from here on it is listed, and ends. */
  place(id: number, struck: StruckFault, placing: Placing): FaultView {
    const { clock, journal } = this.#options;
    const { fault, forMs } = placing;
    const isKept = struck.heal !== null;
    const parameters = JSON.stringify({ ...placing.body, ...struck.decided });
    journal.record({ kind: 'fault-struck', id, fault, parameters, forMs: isKept ? forMs : 0 });
    const nowMs = clock.nowMs();
    const kept: Kept = {
      ...placing,
      id,
      struck,
      struckAtMs: clock.wallMs(),
      endsAtMs: nowMs + (isKept ? forMs : 0),
      timer: isKept ? clock.after(forMs, () => this.heal(id, 'time')) : { cancel: () => {} },
    };
    if (isKept) this.#kept.set(id, kept);
    return this.#viewOf(kept, nowMs);
  }

  list(): FaultView[] {
    return [...this.#kept.values()].map((kept) => this.#viewOf(kept));
  }

  /** null when there is no such fault, or not any more. */
  view(id: number): FaultView | null {
    const kept = this.#kept.get(id);
    return kept === undefined ? null : this.#viewOf(kept);
  }

  /** As it was; null when there is no such fault, or not any more. */
  heal(id: number, why: HealReason): FaultView | null {
    const kept = this.#kept.get(id);
    if (kept === undefined) return null;
    const view = this.#viewOf(kept);
    this.#kept.delete(id);
    kept.timer.cancel();
    kept.struck.heal?.();
    this.#options.journal.record({ kind: 'fault-healed', id, fault: kept.fault, why });
    return view;
  }

  /** Those of one asker, or all. */
  healAll(why: HealReason, asker?: string): FaultView[] {
    const all = [...this.#kept.values()].filter((kept) => asker === undefined || kept.asker === asker);
    return all.flatMap(({ id }) => this.heal(id, why) ?? []);
  }

  #viewOf(
    { id, fault, body, struck, struckAtMs, endsAtMs, asker }: Kept,
    nowMs = this.#options.clock.nowMs(),
  ): FaultView {
    const times = struck.struck?.();
    return {
      id,
      fault,
      parameters: { ...body, ...struck.decided },
      struckAtMs,
      leftMs: Math.max(0, Math.round(endsAtMs - nowMs)),
      ...(times === undefined ? {} : { struck: times }),
      ...(asker === null ? {} : { asker }),
    };
  }
}
