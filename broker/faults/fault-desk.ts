/**
 * Where faults are asked for: what is asked is checked against the table, struck, and kept until it ends. It
 * knows nothing of HTTP; http/fault-pages.ts asks it.
 */
import type { Clock } from '../platform/clock.ts';
import type { Journal } from '../platform/journal.ts';
import { type FaultKind, type FaultPoints, FaultRefused, optional } from './fault-kind.ts';
import { checkedFaultBody } from './fault-parameters.ts';
import { FAULT_KINDS } from './fault-table.ts';
import { refuseUnknown } from './known-names.ts';
import { type FaultView, PlacedFaultTable } from './placed-faults.ts';

interface FaultDeskOptions {
  readonly points: FaultPoints;
  readonly clock: Clock;
  readonly journal: Journal;
  /** fault.api.max.ms */
  readonly maxMs: number;
  /** fault.api.max.faults */
  readonly maxFaults: number;
}

/** What has become of a request for a fault. */
interface Struck {
  readonly view: FaultView;
  /** Not before the answer has left. */
  readonly afterAnswer: (() => void) | null;
}

/** Somebody whose faults end with a connection. */
interface FaultAsker {
  readonly name: string;
  /** The connection has ended. */
  gone(): void;
}

export class FaultDesk {
  readonly kinds: readonly FaultKind[];
  readonly #options: FaultDeskOptions;
  readonly #placed: PlacedFaultTable;
  readonly #askers = new Set<string>();
  /** Faults that are being struck, which count as well. */
  #striking = 0;
  #lastAsker = 0;

  constructor(options: FaultDeskOptions) {
    this.#options = options;
    this.#placed = new PlacedFaultTable(options);
    this.kinds = FAULT_KINDS.map((kind) => withEnd(kind, options.maxMs));
  }

  list(): readonly FaultView[] {
    return this.#placed.list();
  }

  view(id: number): FaultView | null {
    return this.#placed.view(id);
  }

  /** Rejects with FaultRefused or FaultElsewhere; then nothing is struck. */
  async strike(name: string, given: unknown): Promise<Struck> {
    const kind = this.#kind(name);
    const body = checkedFaultBody(given, kind.parameters);
    const { asker = null, forMs = this.#options.maxMs, ...parameters } = body;
    if (asker !== null && !this.#askers.has(String(asker)))
      throw new FaultRefused(`there is no asker '${asker}': POST /faults/hold makes one`);
    if (this.#placed.size + this.#striking >= this.#options.maxFaults)
      throw new FaultRefused(
        `there are ${this.#options.maxFaults} faults, as many as fault.api.max.faults lets be`,
      );
    const id = this.#placed.nextId();
    this.#striking++;
    try {
      let isSpent = false;
      const spent = (): void => {
        isSpent = true;
        this.#placed.heal(id, 'count');
      };
      const struck = await kind.strike(this.#options.points, {
        body: parameters,
        forMs: Number(forMs),
        spent,
      });
      const placing = { fault: name, body: parameters, forMs: Number(forMs), asker: asker as string | null };
      const view = this.#placed.place(id, struck, placing);
      // Both may have come while it was struck.
      if (isSpent) this.#placed.heal(id, 'count');
      if (asker !== null && !this.#askers.has(String(asker))) this.#placed.heal(id, 'asker-gone');
      return { view, afterAnswer: struck.afterAnswer ?? null };
    } finally {
      this.#striking--;
    }
  }

  /** As it was; null when there is no such fault, or not any more. */
  heal(id: number): FaultView | null {
    return this.#placed.heal(id, 'asked');
  }

  healAll(why: 'asked' | 'shutdown' = 'asked'): readonly FaultView[] {
    return this.#placed.healAll(why);
  }

  /** Somebody whose faults end with a connection. Throws when there are too many. */
  hold(): FaultAsker {
    if (this.#askers.size >= this.#options.maxFaults)
      throw new FaultRefused(
        `${this.#options.maxFaults} connections hold faults, as many as fault.api.max.faults lets be`,
      );
    const name = `asker-${++this.#lastAsker}`;
    this.#askers.add(name);
    return {
      name,
      gone: () => {
        this.#askers.delete(name);
        this.#placed.healAll('asker-gone', name);
      },
    };
  }

  #kind(name: string): FaultKind {
    const kind = this.kinds.find((each) => each.name === name);
    if (kind !== undefined) return kind;
    const names = this.kinds.map((each) => each.name);
    try {
      refuseUnknown([name], names, 'fault');
    } catch (error) {
      throw new FaultRefused(`${(error as Error).message} (there are ${names.join(', ')})`);
    }
    throw new FaultRefused(`'${name}' is no fault`);
  }
}

/** The kind with what all that last have in common: how they end. */
function withEnd(kind: FaultKind, maxMs: number): FaultKind {
  if (kind.isMomentary === true) return kind;
  const help = `it ends by itself after so long; ${maxMs} unless given`;
  const own = kind.parameters.map((each) => (each.name === 'forMs' ? { ...each, max: maxMs } : each));
  const isOwn = own.some(({ name }) => name === 'forMs');
  const forMs = isOwn ? [] : [optional('forMs', 'integer', help, { min: 1, max: maxMs })];
  const asker = optional('asker', 'string', 'of /faults/hold: it ends with that connection as well');
  return { ...kind, parameters: [...own, ...forMs, asker] };
}
