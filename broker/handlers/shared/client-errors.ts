/**
 * What clients are refused for partitions, as events of the journal: summed up by request and error, one
 * event a second at most, and less often while it goes on. Only refusals come this way; what is served costs
 * nothing.
 */
import type { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EventOf } from '../../platform/cluster-events.ts';
import type { Journal } from '../../platform/journal.ts';

type Refused = EventOf<'client-errors'>['errors'][number];

interface Refusal {
  readonly api: Refused['api'];
  readonly error: ErrorCode;
  readonly topic: string;
  readonly partition: number;
}

const FIRST_PERIOD_MS = 1000;
const LONGEST_PERIOD_MS = 60_000;
/** Requests times errors; there are fewer. */
const MOST_KINDS = 50;
const MOST_NAMED = 5;
const LONGEST_NAME = 260;

export class ClientErrors {
  readonly #journal: Pick<Journal, 'record'>;
  readonly #clock: Pick<Clock, 'after'>;
  /** Since the last event, by request and error. */
  #counted = new Map<string, { readonly of: Refusal; count: number; readonly partitions: Set<string> }>();
  /** The time to the next event; null while none is due. */
  #periodMs: number | null = null;

  constructor(journal: Pick<Journal, 'record'>, clock: Pick<Clock, 'after'>) {
    this.#journal = journal;
    this.#clock = clock;
  }

  count(refusal: Refusal): void {
    const key = `${refusal.api} ${refusal.error}`;
    let counted = this.#counted.get(key);
    if (counted === undefined) {
      if (this.#counted.size >= MOST_KINDS) return;
      counted = { of: refusal, count: 0, partitions: new Set() };
      this.#counted.set(key, counted);
    }
    counted.count++;
    if (counted.partitions.size < MOST_NAMED)
      counted.partitions.add(`${refusal.topic}-${refusal.partition}`.slice(-LONGEST_NAME));
    if (this.#periodMs === null) this.#wait(FIRST_PERIOD_MS);
  }

  #wait(periodMs: number): void {
    this.#periodMs = periodMs;
    this.#clock.after(periodMs, () => this.#tell(periodMs));
  }

  #tell(periodMs: number): void {
    this.#periodMs = null;
    if (this.#counted.size === 0) return;
    const errors = [...this.#counted.values()].map(({ of: { api, error }, count, partitions }) => {
      return { api, error, count, partitions: [...partitions] };
    });
    this.#counted = new Map();
    this.#journal.record({ kind: 'client-errors', periodMs, errors });
    // Who asks again and again in vain need not be told of every second.
    this.#wait(Math.min(periodMs * 2, LONGEST_PERIOD_MS));
  }
}
