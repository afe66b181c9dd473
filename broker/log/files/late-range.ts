/**
 * A part of a segment's file that somebody reads later, a piece at a time. The file stays open for it, so
 * that retention and compaction, which take files away, don't take what was promised; only a truncation
 * does, and then nothing is read of it any more: other records may stand there by now.
 */
import type { DiskFile } from '../../platform/disk.ts';

/** The range was cut away: whoever was promised it does not get it. */
class RangeCut extends Error {
  override readonly name = 'RangeCut';
}

export class LateRange {
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  readonly #fromBytes: number;
  readonly #released: (range: LateRange) => void;
  #isCut = false;

  constructor(file: DiskFile, fromBytes: number, toBytes: number, released: (range: LateRange) => void) {
    this.#file = file;
    this.#fromBytes = fromBytes;
    this.sizeBytes = toBytes - fromBytes;
    this.#released = released;
  }

  /** Puts `lengthBytes` of the range, from its `skipBytes` on, into `into` at `at`. Throws RangeCut, or what the disk throws. */
  read(into: Buffer, at: number, lengthBytes: number, skipBytes: number): void {
    const positionBytes = this.#fromBytes + skipBytes;
    const gotBytes = this.#isCut ? 0 : this.#file.read(into, at, lengthBytes, positionBytes);
    if (gotBytes < lengthBytes) {
      throw new RangeCut(`${this.#file.path} was truncated below ${positionBytes + lengthBytes}`);
    }
  }

  /** What reading that part had better wait for; null for nothing. */
  warm(lengthBytes: number, skipBytes: number): Promise<void> | null {
    return this.#isCut ? null : this.#file.warm(lengthBytes, this.#fromBytes + skipBytes);
  }

  /** The file holds only so much of what it held. */
  cutAt(sizeBytes: number): void {
    if (sizeBytes < this.#fromBytes + this.sizeBytes) this.#isCut = true;
  }

  /** Nothing of it is read any more. Idempotent. */
  release(): void {
    this.#released(this);
  }
}
