/**
 * Writes one checkpoint file, at once or in the background. Making a file durable takes from a fraction
 * of a millisecond to a second when the disk is busy, and nobody else would be served meanwhile; so what
 * is written now and then is written on another thread. Whatever was asked for last is what stays.
 */
import { dirname } from 'node:path';
import type { Disk } from '../../platform/disk.ts';

export class CheckpointWriter {
  readonly #disk: Disk;
  readonly #path: string;
  /** Counts what was asked for, so that a write in the background finds out that it has been overtaken. */
  #latest = 0;
  /** One write in the background at most is under way. */
  #writing = false;
  /** What is to follow the write that is under way. */
  #next: string | null = null;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** Durable when this returns. */
  write(text: string): void {
    this.cancel();
    this.#disk.writeFileAtomically(this.#path, text);
  }

  /** Resolves when this, or what was asked for after it, is durable; rejects with the disk's error. */
  async writeInBackground(text: string): Promise<void> {
    this.#latest++;
    this.#next = text;
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#next !== null) await this.#replace();
    } finally {
      this.#writing = false;
    }
  }

  /** What has not become the file yet never will. */
  cancel(): void {
    this.#latest++;
    this.#next = null;
  }

  async #replace(): Promise<void> {
    const temporary = `${this.#path}.background`;
    const asked = this.#latest;
    const text = this.#next ?? '';
    this.#next = null;
    await this.#disk.writeFileInBackground(temporary, text);
    if (asked === this.#latest) this.#disk.rename(temporary, this.#path);
    else if (this.#next === null) this.#disk.remove(temporary);
    await this.#disk.syncDirectoryInBackground(dirname(this.#path));
  }
}
