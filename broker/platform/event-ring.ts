/**
 * The newest events, as many as fit, and who waits for one. The broker's journal keeps its own in one; a
 * process that started brokers keeps what they send it.
 */
import type { BrokerId } from '../types.ts';
import type { Clock } from './clock.ts';
import type { ClusterEvent, EventKind, EventOf } from './cluster-events.ts';

/**
 * Counts a broker's events, from 1 on. A run of the broker whose journal is on disk goes on after the ids of
 * the run before it, with a gap; without that each run counts anew.
 */
export type EventId = number;

/** An event of any broker of the cluster, as another one names it. */
export interface EventReference {
  readonly brokerId: BrokerId;
  readonly id: EventId;
}

/** What led to an event: one that the same broker has recorded, or one of another broker. */
export type Cause = EventId | EventReference | null;

/** An event with who recorded it and when. */
export interface Recorded<Event extends ClusterEvent = ClusterEvent> {
  readonly id: EventId;
  /** The event that led to this one; null when none did. It may have left the ring. */
  readonly causeId: EventId | null;
  /** Who has recorded that one, where it was another broker. */
  readonly causeBrokerId?: BrokerId;
  /** -1 as long as the broker has none yet. */
  readonly brokerId: BrokerId;
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

/** What an event of one partition takes in memory, about; one with many details counts for as many of these. */
const USUAL_BYTES = 400;
/** So many that have left may still be in front of the array: moving the others up costs something. */
const MOST_LEFT = 1024;

/** Ids rise from the oldest event to the newest, without gaps as long as one journal fills it. */
export class EventRing {
  readonly #maxWeight: number;
  readonly #clock: Pick<Clock, 'after'>;
  /** From `#first` on; what is before it has left. Together they weigh `#weight`, at most `#maxWeight`. */
  #events: Recorded[] = [];
  #first = 0;
  #weight = 0;
  /** Never falls. */
  #lastId: EventId = 0;
  #hasLost = false;
  readonly #listeners = new Set<EventListener>();

  /** Holds `maxEvents` usual ones, and always the newest, however much it weighs. */
  constructor(maxEvents: number, clock: Pick<Clock, 'after'>) {
    this.#maxWeight = maxEvents;
    this.#clock = clock;
  }

  /** Of the newest event; where `startAfter` set it as long as there is none, 0 otherwise. */
  get lastId(): EventId {
    return this.#lastId;
  }

  /** Of the oldest that is kept; the one that comes next when there is none. */
  get firstId(): EventId {
    return this.#events[this.#first]?.id ?? this.#lastId + 1;
  }

  /** Something has been kept and is no more. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** What comes is numbered from here on, unless it would be higher anyway. */
  startAfter(id: EventId): void {
    this.#lastId = Math.max(this.#lastId, id);
  }

  /** Takes the place of the oldest when there is no other. */
  add(recorded: Recorded): void {
    this.#events.push(recorded);
    this.#weight += weightOf(recorded);
    this.#lastId = Math.max(this.#lastId, recorded.id);
    while (this.#weight > this.#maxWeight && this.#first < this.#events.length - 1) {
      const oldest = this.#events[this.#first++];
      this.#hasLost = true;
      if (oldest !== undefined) this.#weight -= weightOf(oldest);
    }
    if (this.#first > MOST_LEFT && this.#first * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
    for (const listener of [...this.#listeners]) listener(recorded);
  }

  /** What is kept of the events after this one, in their order, at most `most` of them. */
  since(id: EventId, most: number = Number.POSITIVE_INFINITY): readonly Recorded[] {
    let [low, high] = [this.#first, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.id ?? 0) > id) high = middle;
      else low = middle + 1;
    }
    return this.#events.slice(low, Math.min(low + most, this.#events.length));
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
}

function weightOf({ event }: Recorded): number {
  if (!('details' in event)) return 1;
  // Text is most of what details are.
  let characters = 0;
  for (const { topics } of event.details) {
    for (const [topic, partitions] of topics) characters += topic.length + partitions.length;
  }
  return 1 + Math.floor((characters + USUAL_BYTES * event.details.length) / USUAL_BYTES);
}
