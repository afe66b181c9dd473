/**
 * Reads a journal from any event on, in order: from the disk what memory has no more, then from memory. A
 * cursor keeps its place and nothing else, so that a slow reader costs nothing; what has gone meanwhile is a
 * gap, and is told as one.
 */
import type { EventId, Recorded } from '../event-ring.ts';
import type { Journal } from '../journal.ts';
import type { JournalFiles, ReadPosition } from './journal-files.ts';

/** Events after `after` and before `before` are not to be had any more. */
export interface EventGap {
  readonly after: EventId;
  readonly before: EventId;
}

interface ReadOn {
  readonly events: readonly Recorded[];
  /** Before the first of these events; null when there is none. */
  readonly gap: EventGap | null;
}

const BATCH = 200;

export class JournalCursor {
  readonly #journal: Pick<Journal, 'since' | 'firstId' | 'lastId' | 'hasLost'>;
  readonly #files: Pick<JournalFiles, 'read' | 'firstId'> | null;
  #position: ReadPosition;
  /** The next gap would be of what was there before the reader came, who has not seen anything yet. */
  #isNew: boolean;

  /** Reads what comes after an event, 0: all there is. Without files, what is in memory. */
  constructor(
    journal: Pick<Journal, 'since' | 'firstId' | 'lastId' | 'hasLost'>,
    files: Pick<JournalFiles, 'read' | 'firstId'> | null,
    after: EventId,
  ) {
    this.#journal = journal;
    this.#files = files;
    this.#position = { after, at: null };
    this.#isNew = after === 0;
  }

  /** The last that was read. */
  get after(): EventId {
    return this.#position.after;
  }

  /** The next events; none when all is read. Throws the disk's errors. */
  next(): ReadOn {
    const { after } = this.#position;
    // Of a run that has numbered its events higher, and kept none of them.
    if (after > this.#journal.lastId) {
      this.#position = { after: 0, at: null };
      this.#isNew = true;
      return { events: [], gap: { after, before: this.#oldest() } };
    }
    if (after + 1 >= this.#journal.firstId || this.#files === null) return this.#fromMemory();
    return this.#fromDisk(this.#files);
  }

  #fromMemory(): ReadOn {
    const { after } = this.#position;
    const { firstId } = this.#journal;
    const events = this.#journal.since(after, BATCH);
    const last = events.at(-1);
    if (last !== undefined) this.#position = { after: last.id, at: null };
    const { hasLost } = this.#journal;
    return this.#readOn(events, hasLost && events[0]?.id === firstId && after + 1 < firstId ? after : null);
  }

  #fromDisk(files: Pick<JournalFiles, 'read' | 'firstId'>): ReadOn {
    const { after } = this.#position;
    const oldest = files.firstId;
    const { events, next, isAfterTear } = files.read(this.#position);
    if (events.length === 0) return this.#fromMemory();
    this.#position = next;
    const isGone = oldest !== null && after + 1 < oldest && events[0]?.id === oldest;
    return this.#readOn(events, isGone || isAfterTear ? after : null);
  }

  #readOn(events: readonly Recorded[], missingAfter: EventId | null): ReadOn {
    const [first] = events;
    if (first === undefined) return { events, gap: null };
    const isGap = missingAfter !== null && !this.#isNew;
    this.#isNew = false;
    return { events, gap: isGap ? { after: missingAfter, before: first.id } : null };
  }

  #oldest(): EventId {
    return Math.min(this.#files?.firstId ?? this.#journal.firstId, this.#journal.firstId);
  }
}
