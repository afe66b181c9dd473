/**
 * What befalls an application between and within its requests: it is killed, and begins again with nothing but its
 * name; or it stands still for longer than its group waits for it, and goes on as if nothing had happened.
 */
import type { Random } from '../../broker/platform/random.ts';

/** `killed during`: the request is on its way, its answer is never seen. */
type ApplicationFault = 'killed before' | 'killed during' | 'stands still';

const FAULTS: readonly ApplicationFault[] = ['killed before', 'killed during', 'stands still'];
/** One request in so many. */
const ONE_IN = 8;

export class ApplicationFaults {
  readonly #random: Random;
  #over = false;
  /** How often each happened, by fault and API. */
  readonly #counts = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** null in most cases. */
  next(api: string): ApplicationFault | null {
    if (this.#over || this.#random.int(ONE_IN) > 0) return null;
    const fault = FAULTS[this.#random.int(FAULTS.length)] ?? null;
    const what = `${fault} ${api}`;
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    return fault;
  }

  /** From now on the application is left alone. */
  stop(): void {
    this.#over = true;
  }

  get areOver(): boolean {
    return this.#over;
  }

  get happened(): readonly string[] {
    return [...this.#counts.keys()];
  }
}
