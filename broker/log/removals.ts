/**
 * What is of no more use on the disk: it goes after file.delete.delay.ms, since readers may still be at it, and on
 * another thread, one after the other in each log directory however many logs go at once.
 */
import type { Disk } from '../platform/disk.ts';
import type { Tasks } from './tasks.ts';

interface Removal {
  readonly logDirectory: string;
  readonly delayMs: number;
  /** Asked when it is its turn: files and folders. */
  readonly paths: () => readonly string[];
}

export class Removals {
  readonly #disk: Disk;
  readonly #tasks: Tasks;
  readonly #onError: (error: unknown) => void;
  /** Of each log directory the end of what is to be removed by now. */
  readonly #ends = new Map<string, Promise<void>>();

  constructor(disk: Disk, tasks: Tasks, onError: (error: unknown) => void) {
    this.#disk = disk;
    this.#tasks = tasks;
    this.#onError = onError;
  }

  /** What has not gone when the tasks are stopped is found and removed at the next start. */
  later({ logDirectory, delayMs, paths }: Removal): void {
    this.#tasks.later(delayMs, () => {
      const before = this.#ends.get(logDirectory) ?? Promise.resolve();
      this.#ends.set(
        logDirectory,
        before.then(() => this.#remove(paths)),
      );
    });
  }

  async #remove(paths: () => readonly string[]): Promise<void> {
    if (this.#tasks.stopped) return;
    try {
      for (const path of paths()) await this.#disk.removeInBackground(path);
    } catch (error) {
      if (!this.#tasks.stopped) this.#onError(error);
    }
  }
}
