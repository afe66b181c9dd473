/**
 * The journal of a broker: what happens to the cluster, as far as this broker sees or does it, as data
 * (cluster-events.ts). It keeps the newest events (journal.max.events), and the line that the log has of an
 * event is made from it (event-lines.ts). What is only for a human stays with diagnostics. Nothing is
 * recorded on the way of a produce, a fetch or a replicated batch.
 */
import type { BrokerId } from '../types.ts';
import type { Clock } from './clock.ts';
import type { ClusterEvent, EventKind, EventOf } from './cluster-events.ts';
import type { Diagnostics } from './diagnostics.ts';
import { lineOf } from './event-lines.ts';
import {
  type Cause,
  type EventId,
  type EventListener,
  EventRing,
  type EventWaitOptions,
  type Recorded,
} from './event-ring.ts';

export interface Journal {
  /**
   * Takes an event down, and writes its line. `cause` is the event that led to it. `error` ends the line,
   * as it does with diagnostics, and is not in the event.
   */
  record(event: ClusterEvent, cause?: Cause, error?: unknown): EventId;
  /** What is kept of the events after this one, in their order, at most `most` of them. */
  since(id: EventId, most?: number): readonly Recorded[];
  /** 0 as long as there is none, or where `startAfter` set it. */
  readonly lastId: EventId;
  /** Of the oldest that is kept; the one that comes next when there is none. */
  readonly firstId: EventId;
  /** Events of this run are not kept any more. */
  readonly hasLost: boolean;
  /** What comes is numbered from here on: those of an earlier run of the broker have been numbered before. */
  startAfter(id: EventId): void;
  /** The first of this kind that matches, of those kept or still to come; rejects after `timeoutMs`. */
  first<Kind extends EventKind>(
    kind: Kind,
    matches: (event: EventOf<Kind>) => boolean,
    waiting: EventWaitOptions,
  ): Promise<Recorded<EventOf<Kind>>>;
  /** Called with each event from now on, synchronously: it must not throw. The answer takes it away again. */
  onEvent(listener: EventListener): () => void;
  /** Who records from now on. */
  identify(brokerId: BrokerId, brokerEpoch: number): void;
  /** The same journal; its lines are written under another name, such as `Controller id=1`. */
  named(name: string): Journal;
}

/** As journal.max.events has it, where there is no configuration. */
export const DEFAULT_MAX_EVENTS = 10_000;

/** A journal that nobody has recorded anything in; its records are of broker -1 until `identify`. */
export function createJournal(
  clock: Pick<Clock, 'wallMs' | 'after'>,
  diagnostics: Diagnostics,
  maxEvents = DEFAULT_MAX_EVENTS,
): Journal {
  const events = new EventRing(maxEvents, clock);
  return new RecordingJournal({ clock, events, identity: { brokerId: -1, brokerEpoch: -1 } }, diagnostics);
}

/** What a journal shares with itself under other names. */
interface Book {
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly events: EventRing;
  readonly identity: { brokerId: BrokerId; brokerEpoch: number };
}

class RecordingJournal implements Journal {
  readonly #book: Book;
  readonly #diagnostics: Diagnostics;

  constructor(book: Book, diagnostics: Diagnostics) {
    this.#book = book;
    this.#diagnostics = diagnostics;
  }

  get lastId(): EventId {
    return this.#book.events.lastId;
  }

  get firstId(): EventId {
    return this.#book.events.firstId;
  }

  get hasLost(): boolean {
    return this.#book.events.hasLost;
  }

  record(event: ClusterEvent, cause: Cause = null, error?: unknown): EventId {
    const { clock, events, identity } = this.#book;
    const id = events.lastId + 1;
    const line = lineOf(event);
    if (line !== null) this.#diagnostics[line.level](line.text, error);
    events.add({ id, ...causeIn(cause, identity.brokerId), ...identity, wallMs: clock.wallMs(), event });
    return id;
  }

  since(id: EventId, most?: number): readonly Recorded[] {
    return this.#book.events.since(id, most);
  }

  startAfter(id: EventId): void {
    this.#book.events.startAfter(id);
  }

  first<Kind extends EventKind>(
    kind: Kind,
    matches: (event: EventOf<Kind>) => boolean,
    waiting: EventWaitOptions,
  ): Promise<Recorded<EventOf<Kind>>> {
    return this.#book.events.first(kind, matches, waiting);
  }

  onEvent(listener: EventListener): () => void {
    return this.#book.events.onEvent(listener);
  }

  identify(brokerId: BrokerId, brokerEpoch: number): void {
    Object.assign(this.#book.identity, { brokerId, brokerEpoch });
  }

  named(name: string): Journal {
    return new RecordingJournal(this.#book, this.#diagnostics.named(name));
  }
}

/** A cause as it stands in the record of a broker. */
function causeIn(cause: Cause, brokerId: BrokerId): Pick<Recorded, 'causeId' | 'causeBrokerId'> {
  if (cause === null || typeof cause === 'number') return { causeId: cause };
  if (cause.brokerId === brokerId) return { causeId: cause.id };
  return { causeId: cause.id, causeBrokerId: cause.brokerId };
}
