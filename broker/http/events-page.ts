/**
 * /events: the journal of this broker, as JSON lines, or as server-sent events for whoever accepts those.
 * From any id on, as far back as the journal goes; with `follow` also what is yet to come. A reader goes at
 * its own pace: it holds a place in the journal, of which the oldest goes; what it misses so it is told as a
 * gap. There are `journal.max.readers` of them at most. Source: the EventSource part of the HTML standard.
 */
import type { HttpAnswer, HttpHeaders, HttpStream } from '../platform/channels.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { EventId, Recorded } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import { type EventGap, JournalCursor } from '../platform/journal-files/journal-cursor.ts';
import type { JournalFiles } from '../platform/journal-files/journal-files.ts';
import { type EventsQuery, eventsQuery, withoutDetails } from './events-query.ts';

interface EventsPageOptions {
  readonly journal: Pick<Journal, 'since' | 'firstId' | 'lastId' | 'hasLost' | 'onEvent'>;
  /** null where nothing is kept on disk. */
  readonly files: Pick<JournalFiles, 'read' | 'firstId'> | null;
  readonly clock: Pick<Clock, 'after'>;
  /** `journal.max.readers` */
  readonly maxReaders: number;
}

const PIECE_CHARACTERS = 64 * 1024;
/** Who is told nothing for long may have gone without a word, and only writing shows it. */
const SIGN_OF_LIFE_MS = 15_000;

export class EventsPage {
  readonly #options: EventsPageOptions;
  readonly #readers = new Set<EventStream>();

  constructor(options: EventsPageOptions) {
    this.#options = options;
  }

  /** `search`: what stands behind the question mark. */
  answer(search: string, headers: HttpHeaders): HttpAnswer {
    const query = eventsQuery(search, headers);
    if (!query.ok) return { status: 400, contentType: 'text/plain', body: `${query.problem}\n` };
    const { maxReaders } = this.#options;
    if (this.#readers.size >= maxReaders) {
      const body = `${maxReaders} readers are the most that journal.max.readers allows\n`;
      return { status: 503, contentType: 'text/plain', body };
    }
    const reader = new EventStream(this.#options, query, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    const contentType = query.isEventStream ? 'text/event-stream' : 'application/jsonl';
    return { status: 200, contentType: `${contentType}; charset=utf-8`, body: reader };
  }
}

/** One reader. Between two pieces it holds its place, and events that memory holds anyway. */
class EventStream implements HttpStream {
  readonly #options: EventsPageOptions;
  readonly #query: EventsQuery;
  readonly #cursor: JournalCursor;
  /** Without `follow`: this event is the last. */
  readonly #lastId: EventId;
  /** Nothing was left to read when it last looked. */
  #isCaughtUp = false;
  readonly #closed: () => void;
  /** Read and not yet told; from `#told` on. */
  #events: readonly Recorded[] = [];
  #told = 0;
  #isClosed = false;
  /** Ends the wait of a `next` that has nothing to tell. */
  #wake = (): void => {};

  constructor(options: EventsPageOptions, query: EventsQuery, closed: () => void) {
    this.#options = options;
    this.#query = query;
    this.#cursor = new JournalCursor(options.journal, options.files, query.after);
    this.#lastId = query.follow ? Number.POSITIVE_INFINITY : options.journal.lastId;
    this.#closed = closed;
  }

  async next(): Promise<string | null> {
    while (!this.#isClosed) {
      const piece = this.#piece();
      if (piece !== '') return piece;
      if (this.#isOver) return null;
      // Another turn for the others between two reads of what the filter leaves nothing of.
      const isQuiet = this.#isCaughtUp;
      const isAwake = await this.#somethingHappens(isQuiet ? SIGN_OF_LIFE_MS : 0);
      if (isQuiet && !isAwake && !this.#isClosed) return this.#query.isEventStream ? ':\n\n' : '\n';
    }
    return null;
  }

  close(): void {
    this.#isClosed = true;
    this.#closed();
    this.#wake();
  }

  get #isOver(): boolean {
    if (this.#query.follow || this.#told < this.#events.length) return false;
    return this.#isCaughtUp || this.#cursor.after >= this.#lastId;
  }

  /** What can be told at once, a bounded part of it. */
  #piece(): string {
    let piece = '';
    if (this.#told === this.#events.length) {
      const { events, gap } = this.#cursor.next();
      this.#events = events;
      this.#told = 0;
      this.#isCaughtUp = events.length === 0 && gap === null;
      if (gap !== null) piece += this.#gapText(gap);
    }
    while (this.#told < this.#events.length && piece.length < PIECE_CHARACTERS) {
      const recorded = this.#events[this.#told++];
      if (recorded !== undefined && recorded.id <= this.#lastId && this.#query.isWanted(recorded.event))
        piece += this.#text(recorded);
    }
    return piece;
  }

  #text(recorded: Recorded): string {
    const text = JSON.stringify(this.#query.withDetails ? recorded : withoutDetails(recorded));
    return this.#query.isEventStream ? `id: ${recorded.id}\ndata: ${text}\n\n` : `${text}\n`;
  }

  #gapText(gap: EventGap): string {
    return this.#query.isEventStream
      ? `event: gap\ndata: ${JSON.stringify(gap)}\n\n`
      : `${JSON.stringify({ gap })}\n`;
  }

  /** False when nothing has within the time. */
  #somethingHappens(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = (isAwake: boolean): void => {
        timer?.cancel();
        forget();
        this.#wake = () => {};
        resolve(isAwake);
      };
      const forget = this.#options.journal.onEvent(() => end(true));
      timer = this.#options.clock.after(limitMs, () => end(false));
      this.#wake = () => end(true);
    });
  }
}
