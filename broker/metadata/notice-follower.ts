/**
 * Follows the notices of one kind: whoever changes something leaves one, and every broker reads again what it
 * names. One reader at a time; a change in between makes it look once more. Notices that every broker has
 * seen are removed. Source: ZkNodeChangeNotificationListener.
 *
 * What a look costs grows with all that have been left lately: so there is a pause after it, and no watch until
 * the next one; each set again would ask for the whole list. New ones are read some together, and what they name
 * once, however many name it.
 */
import type { Coordinator, Watch } from '../../coordinator-client/coordinator.ts';
import type { ChangeNotices } from '../../coordinator-client/stores/change-notices.ts';
import { type Clock, sleep } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';

interface NoticeFollowerOptions<Subject> {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** What is followed, as the log calls it: `config`. */
  readonly what: string;
  /** Different of different subjects. */
  readonly keyOf: (subject: Subject) => string;
  /** Reads again what a notice names. Rejects when the session ends: the next one reads everything. */
  readonly reread: (subject: Subject) => Promise<void>;
}

/** Notices older than this are removed; every broker has seen them. */
const NOTICE_LIFE_MS = 15 * 60_000;
/** To ask for so many, and take in what they name, takes the event loop some milliseconds. */
const READ_TOGETHER = 200;
/** To list so many takes the event loop some tens of microseconds. */
const LISTED_PER_MS_OF_PAUSE = 50;
const LONGEST_PAUSE_MS = 250;

/** The notices of one session, until it ends. */
interface Followed<Subject> {
  readonly notices: ChangeNotices<Subject>;
  readonly coordinator: Coordinator;
  /** null from a change until it is looked at. */
  watch: Watch | null;
}

/** Follows one session at a time: whatever an earlier one still answers is dropped. */
export class NoticeFollower<Subject> {
  readonly #options: NoticeFollowerOptions<Subject>;
  /** null while stopped. */
  #followed: Followed<Subject> | null = null;
  /** Of the last notice that was taken in. */
  #lastSequence = -1;
  /** Whether all that there was has been read, so that single notices say something. */
  #caughtUp = false;
  /** One reader at a time; `#readAgain` says that it has to look once more. */
  #reading = false;
  #readAgain = false;

  constructor(options: NoticeFollowerOptions<Subject>) {
    this.#options = options;
  }

  /** Watches from here on. What is read after this needs no notice older than this; then comes `follow`. */
  async watch(notices: ChangeNotices<Subject>, coordinator: Coordinator): Promise<void> {
    this.stop();
    const followed = { notices, coordinator, watch: null };
    this.#followed = followed;
    this.#watch(followed);
    await notices.look();
    if (this.#followed === followed) this.#lastSequence = notices.newest;
  }

  /** Everything was read: takes in what has changed since `watch`, and what changes from now on. */
  follow(): void {
    this.#caughtUp = true;
    this.#changed();
  }

  stop(): void {
    if (this.#followed !== null) unwatch(this.#followed);
    this.#followed = null;
    this.#caughtUp = false;
  }

  #watch(followed: Followed<Subject>): void {
    followed.watch ??= followed.coordinator.watch(followed.notices.parent, 'children', () => {
      unwatch(followed);
      this.#changed();
    });
  }

  #changed(): void {
    if (!this.#caughtUp) return;
    this.#readAgain = true;
    if (this.#reading) return;
    this.#reading = true;
    void this.#read();
  }

  async #read(): Promise<void> {
    const { clock, diagnostics, what } = this.#options;
    while (this.#readAgain && this.#followed !== null && this.#caughtUp) {
      this.#readAgain = false;
      const followed = this.#followed;
      try {
        this.#watch(followed);
        const count = await followed.notices.look();
        await this.#takeIn(followed);
        await followed.notices.purge(clock.wallMs(), NOTICE_LIFE_MS);
        const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.floor(count / LISTED_PER_MS_OF_PAUSE));
        if (pauseMs > 0) await sleep(clock, pauseMs);
      } catch (error) {
        // When the session is over, everything is read again with the next one.
        diagnostics.warn(`could not read ${what} changes`, error);
      }
    }
    this.#reading = false;
  }

  async #takeIn(followed: Followed<Subject>): Promise<void> {
    const { keyOf, reread } = this.#options;
    for (;;) {
      const found = await followed.notices.after(this.#lastSequence, READ_TOGETHER);
      const last = found.at(-1);
      if (last === undefined || this.#followed !== followed) return;
      const subjects = new Map<string, Subject>();
      for (const { subject } of found) {
        if (subject === null) continue;
        subjects.delete(keyOf(subject)); // its place is that of the last notice
        subjects.set(keyOf(subject), subject);
      }
      await Promise.all([...subjects.values()].map(reread));
      if (this.#followed !== followed) return;
      this.#lastSequence = last.sequence;
    }
  }
}

function unwatch<Subject>(followed: Followed<Subject>): void {
  followed.watch?.close();
  followed.watch = null;
}
