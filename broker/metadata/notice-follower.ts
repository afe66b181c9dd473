/**
 * Follows the notices of one kind: whoever changes something leaves one, and every broker reads again what it
 * names. One reader at a time; a change in between makes it look once more. Notices that every broker has
 * seen are removed. Source: ZkNodeChangeNotificationListener.
 */
import type { Coordinator, Watch } from '../../coordinator-client/coordinator.ts';
import type { ChangeNotices } from '../../coordinator-client/stores/change-notices.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';

interface NoticeFollowerOptions<Subject> {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** What is followed, as the log calls it: `config`. */
  readonly what: string;
  /** Reads again what a notice names. Rejects when the session ends: the next one reads everything. */
  readonly reread: (subject: Subject) => Promise<void>;
}

/** Notices older than this are removed; every broker has seen them. */
const NOTICE_LIFE_MS = 15 * 60_000;

/** The notices of one session, until it ends. */
interface Followed<Subject> {
  readonly notices: ChangeNotices<Subject>;
  readonly watch: Watch;
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
    const watch = coordinator.watch(notices.parent, 'children', () => this.#changed());
    const followed = { notices, watch };
    this.#followed = followed;
    const newest = await notices.newest();
    if (this.#followed === followed) this.#lastSequence = newest;
  }

  /** Everything was read: takes in what has changed since `watch`, and what changes from now on. */
  follow(): void {
    this.#caughtUp = true;
    this.#changed();
  }

  stop(): void {
    this.#followed?.watch.close();
    this.#followed = null;
    this.#caughtUp = false;
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
        await this.#takeIn(followed);
        await followed.notices.purge(clock.wallMs(), NOTICE_LIFE_MS);
      } catch (error) {
        // When the session is over, everything is read again with the next one.
        diagnostics.warn(`could not read ${what} changes`, error);
      }
    }
    this.#reading = false;
  }

  async #takeIn(followed: Followed<Subject>): Promise<void> {
    for (const { sequence, subject } of await followed.notices.after(this.#lastSequence)) {
      if (subject !== null) await this.#options.reread(subject);
      if (this.#followed !== followed) return;
      this.#lastSequence = sequence;
    }
  }
}
