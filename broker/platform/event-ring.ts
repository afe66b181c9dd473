/**
 * The newest events, as many as fit, and who waits for one. The broker's journal keeps its own in one; a
 * process that started brokers keeps what they send it.
 */
import type { Clock } from './clock.ts';
import type { ClusterEvent, EventKind, EventOf } from './cluster-events.ts';

/** Counts a broker's events from 1 on; a new run of the broker counts anew. */
export type EventId = number;

/** An event with who recorded it and when. */
export interface Recorded<Event extends ClusterEvent = ClusterEvent> {
  readonly id: EventId;
  /** The event of this broker that led to this one; null when none did. It may have left the ring. */
  readonly causeId: EventId | null;
  /** -1 as long as the broker has none yet. */
  readonly brokerId: number;
  /** -1 before the first registration. */
  readonly brokerEpoch: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  readonly event: Event;
}

export type EventListener = (recorded: Recorded) => void;

export interface EventWaitOptions {
  /** Only events with a larger id count; 0, all that are kept, unless given. */
  readonly afterId?: EventId;
  readonly timeoutMs: number;
}

/** Ids rise from the oldest slot to the newest, without gaps as long as one journal fills it. */
export class EventRing {
  readonly #maxEvents: number;
  readonly #clock: Pick<Clock, 'after'>;
  /** At most `#maxEvents`. Once it is full the oldest is at `#oldest`; before that at 0. */
  readonly #slots: Recorded[] = [];
  #oldest = 0;
  readonly #listeners = new Set<EventListener>();

  constructor(maxEvents: number, clock: Pick<Clock, 'after'>) {
    this.#maxEvents = maxEvents;
    this.#clock = clock;
  }

  /** 0 as long as there is none. */
  get lastId(): EventId {
    return this.#at(this.#slots.length - 1)?.id ?? 0;
  }

  /** Takes the place of the oldest when there is no other. */
  add(recorded: Recorded): void {
    if (this.#slots.length < this.#maxEvents) this.#slots.push(recorded);
    else {
      this.#slots[this.#oldest] = recorded;
      this.#oldest = (this.#oldest + 1) % this.#maxEvents;
    }
    for (const listener of [...this.#listeners]) listener(recorded);
  }

  /** What is kept of the events after this one, in their order. */
  since(id: EventId): readonly Recorded[] {
    const found: Recorded[] = [];
    for (let back = this.#slots.length - 1; back >= 0; back--) {
      const recorded = this.#at(back);
      if (recorded === undefined || recorded.id <= id) break;
      found.push(recorded);
    }
    return found.reverse();
  }

  /** Called with each event from now on, synchronously: it must not throw. The answer takes it away again. */
  onEvent(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first of this kind that matches, of those kept or still to come; rejects after `timeoutMs`. */
  first<Kind extends EventKind>(
    kind: Kind,
    matches: (event: EventOf<Kind>) => boolean,
    { afterId = 0, timeoutMs }: EventWaitOptions,
  ): Promise<Recorded<EventOf<Kind>>> {
    const isIt = (recorded: Recorded): recorded is Recorded<EventOf<Kind>> =>
      recorded.event.kind === kind && matches(recorded.event as EventOf<Kind>);
    const known = this.since(afterId).find(isIt);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(timeoutMs, () => {
        forget();
        const kinds = this.since(afterId).map(({ event }) => event.kind);
        reject(new Error(`no ${kind} within ${timeoutMs} ms, but ${kinds.join(', ') || 'nothing'}`));
      });
      const forget = this.onEvent((recorded) => {
        if (!isIt(recorded)) return;
        timer.cancel();
        forget();
        resolve(recorded);
      });
    });
  }

  /** By age: 0 is the oldest. */
  #at(index: number): Recorded | undefined {
    return this.#slots[(this.#oldest + index) % this.#slots.length];
  }
}
