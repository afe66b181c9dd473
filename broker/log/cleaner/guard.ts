/** Whether a log is still what a compaction of it knows, which others may change in its pauses. */
import type { LogState } from '../log-state.ts';

interface GuardContext {
  /** Lets others run, and holds back when more than the allowed bytes were moved. */
  readonly pause: (movedBytes: number) => Promise<void>;
  /** False once the cleaner was stopped. */
  readonly running: () => boolean;
}

/** The log's files changed under the compaction; it is tried again later. */
export class CompactionGivenUp extends Error {
  override readonly name = 'CompactionGivenUp';
}

/** Fails once the log is not what it was when the guard was made, or last accepted a change. */
export class Guard {
  readonly #log: LogState;
  readonly #context: GuardContext;
  /** As `log.changes` was when the compaction last knew all of its files. */
  #changes: number;

  constructor(log: LogState, context: GuardContext) {
    this.#log = log;
    this.#context = context;
    this.#changes = log.changes;
  }

  accept(): void {
    this.#changes = this.#log.changes;
  }

  /** To be called after every wait. Throws CompactionGivenUp. */
  check(): void {
    const log = this.#log;
    if (this.#context.running() && !log.closed && log.changes === this.#changes) return;
    throw new CompactionGivenUp(`${log.name} changed while it was compacted`);
  }

  async pause(movedBytes: number): Promise<void> {
    await this.#context.pause(movedBytes);
    this.check();
  }
}
