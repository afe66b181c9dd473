/** Work for the disk on other threads, one after the other in each log directory, so that none waits for another one's disk. */

export class DirectoryQueues {
  /** By entry of log.dirs: settles when all that was added by now has ended; never rejects. */
  readonly #ends = new Map<string, Promise<void>>();

  /** Runs it when what was added before has ended, however that was; settles as it does. */
  add(logDirectory: string, run: () => Promise<void>): Promise<void> {
    const ended = (this.#ends.get(logDirectory) ?? Promise.resolve()).then(run);
    this.#ends.set(
      logDirectory,
      ended.catch(() => {}),
    );
    return ended;
  }
}
