/**
 * Keeps a journal on disk. What is recorded is written a turn of the event loop later, all of that turn in
 * one go, and made durable within a second: it outlives the process at once, and the machine a moment later.
 * An error of the disk costs what can't be written and nothing else; it is tried again after a minute.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { EventId } from '../event-ring.ts';
import type { Journal } from '../journal.ts';
import type { JournalFiles } from './journal-files.ts';

interface JournalKeeperOptions {
  readonly journal: Pick<Journal, 'since' | 'lastId' | 'onEvent' | 'startAfter'>;
  readonly files: JournalFiles;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
}

/** Written at once where more than this wait: fewer than a run leaves out, so that no id is used twice. */
const MOST_WAITING = 500;
const BATCH = 200;
/** A run begins at the next multiple: what the run before has told others and not written has ids of its own. */
const IDS_OF_A_GAP = 1000;
const SYNC_AFTER_MS = 1000;
const TRY_AGAIN_AFTER_MS = 60_000;

export class JournalKeeper {
  readonly #options: JournalKeeperOptions;
  /** Up to here everything is written, or lost. */
  #written: EventId = 0;
  #waiting = 0;
  #isScheduled = false;
  /** Before `open`, after `close`, and for a while after an error nothing is written. */
  #isWriting = false;
  #sync: Timer | null = null;
  #retry: Timer | null = null;
  #forget = (): void => {};

  constructor(options: JournalKeeperOptions) {
    this.#options = options;
  }

  /** The journal goes on after the ids of the run before. Before anything is recorded; writes nothing. */
  begin(): void {
    const { journal, files } = this.#options;
    this.#guarded(() => {
      const lastId = files.lastId();
      if (lastId !== null) journal.startAfter((Math.floor(lastId / IDS_OF_A_GAP) + 1) * IDS_OF_A_GAP);
    });
    this.#written = journal.lastId;
  }

  /** The directory is this broker's: from here on everything is written, beginning with what waits. */
  open(): void {
    const { journal, files } = this.#options;
    this.#isWriting = true;
    this.#guarded(() => files.recover());
    this.#forget = journal.onEvent(() => this.#recorded());
    this.#schedule();
  }

  /** Writes what waits, and nothing after that. Without `open` it does nothing. */
  close(): void {
    this.#forget();
    this.#sync?.cancel();
    this.#retry?.cancel();
    if (this.#isWriting) this.#guarded(() => this.#writeAll());
    this.#isWriting = false;
    this.#guarded(() => this.#options.files.close());
  }

  #recorded(): void {
    this.#waiting++;
    if (this.#waiting > MOST_WAITING) this.#guarded(() => this.#writeAll());
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#isWriting) return;
    this.#isScheduled = true;
    this.#options.clock.soon(() => {
      this.#isScheduled = false;
      if (this.#isWriting) this.#guarded(() => this.#writeSome());
    });
  }

  #writeAll(): void {
    while (this.#isWriting && this.#writeBatch());
  }

  #writeSome(): void {
    if (this.#writeBatch()) this.#schedule();
  }

  /** False when nothing waits any more. */
  #writeBatch(): boolean {
    const { journal, files, clock } = this.#options;
    const events = journal.since(this.#written, BATCH);
    files.append(events);
    this.#written = events.at(-1)?.id ?? this.#written;
    this.#waiting = Math.max(0, this.#waiting - events.length);
    if (events.length > 0) this.#sync ??= clock.after(SYNC_AFTER_MS, () => this.#makeDurable());
    return this.#written < journal.lastId;
  }

  #makeDurable(): void {
    this.#sync = null;
    if (this.#isWriting) this.#options.files.sync().catch((error: unknown) => this.#failed(error));
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { files, clock, diagnostics } = this.#options;
    diagnostics.warn('The journal can not be kept on disk for now; its events are in memory only', error);
    if (!this.#isWriting) return;
    this.#isWriting = false;
    files.endSegment();
    this.#retry = clock.after(TRY_AGAIN_AFTER_MS, () => {
      this.#isWriting = true;
      this.#guarded(() => files.recover());
      this.#schedule();
    });
  }
}
