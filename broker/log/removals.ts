/**
 * What is of no more use on the disk: it goes after file.delete.delay.ms, since readers may still be at it, and on
 * another thread, one after the other in each log directory however many logs go at once.
 */
import type { Disk } from '../platform/disk.ts';
import { DirectoryQueues } from './directory-queues.ts';
import type { Tasks } from './tasks.ts';

interface Removal {
  readonly logDirectory: string;
  readonly delayMs: number;
  /** Asked when it is its turn: files and folders. */
  readonly paths: () => readonly string[];
}

export class Removals {
  readonly #disk: Pick<Disk, 'removeInBackground'>;
  readonly #tasks: Tasks;
  readonly #onError: (error: unknown) => void;
  readonly #queues = new DirectoryQueues();

  constructor(disk: Pick<Disk, 'removeInBackground'>, tasks: Tasks, onError: (error: unknown) => void) {
    this.#disk = disk;
    this.#tasks = tasks;
    this.#onError = onError;
  }

  /** What has not gone when the tasks are stopped is found and removed at the next start. */
  later({ logDirectory, delayMs, paths }: Removal): void {
    this.#tasks.later(delayMs, () => {
      void this.#queues.add(logDirectory, () => this.#remove(paths));
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
