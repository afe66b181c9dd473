/**
 * Which leader epoch began at which offset of a log: what tells a follower where its log left the
 * leader's (KIP-101, KIP-279). Kept in `leader-epoch-checkpoint`, one `epoch offset` a line, both
 * ascending. A new epoch is written before the recovery point passes its start, and at a clean stop:
 * until then a load after any other stop reads it out of the batches anyway, and two syncs for every
 * partition would make a failover wait for the disk. What is cut off at the end is written at once; what
 * lies before the log's start is cut off by a load anyway, and can wait as well. (Kafka's
 * LeaderEpochFileCache; its truncateFromStartAsyncFlush.)
 */
import type { Disk } from '../../platform/disk.ts';
import { NO_EPOCH } from '../../types.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { CorruptFile } from './storage-error.ts';

export const EPOCH_CHECKPOINT = 'leader-epoch-checkpoint';

/** The epoch goes on up to the start of the next one. */
interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** Where the epoch ends, exclusive; NO_EPOCH and -1 when that isn't known. */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

const UNDEFINED_END: EpochEnd = { epoch: NO_EPOCH, endOffset: -1 };

export class EpochHistory {
  readonly #disk: Disk;
  #path: string;
  /** Ascending in epoch, and never descending in start offset. */
  #entries: EpochStart[];
  /** The file has other entries. */
  #unsaved = false;

  constructor(disk: Disk, path: string, entries: readonly EpochStart[] = []) {
    this.#disk = disk;
    this.#path = path;
    this.#entries = [...entries];
  }

  /** Reads the checkpoint; throws CorruptFile. */
  static load(disk: Disk, path: string): EpochHistory {
    const entries = readCheckpoint(disk, path).map((line): EpochStart => {
      const match = /^(\d+)\s+(\d+)$/.exec(line.trim());
      if (match === null) throw new CorruptFile(path, `Malformed line in checkpoint file: ${line}`);
      return { epoch: Number(match[1]), startOffset: Number(match[2]) };
    });
    for (let index = 1; index < entries.length; index++) {
      const [before, after] = [entries[index - 1], entries[index]];
      if (before && after && (after.epoch <= before.epoch || after.startOffset < before.startOffset)) {
        throw new CorruptFile(path, `epoch ${after.epoch} at ${after.startOffset} is out of order`);
      }
    }
    return new EpochHistory(disk, path, entries);
  }

  get entries(): readonly EpochStart[] {
    return this.#entries;
  }

  /** NO_EPOCH when there is no history. */
  latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? NO_EPOCH;
  }

  /** The epoch of the record at `offset`, or -1 when it lies before the history. */
  epochAt(offset: number): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? NO_EPOCH;
  }

  /** Notes that `epoch` begins at `startOffset`; entries that contradict it go. True when anything changed. */
  assign(epoch: number, startOffset: number): boolean {
    if (epoch < 0 || startOffset < 0) return false;
    const latest = this.#entries.at(-1);
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return false;
    const kept = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    this.#entries = [...kept, { epoch, startOffset }];
    this.#unsaved = true;
    return true;
  }

  /** Makes durable what the file does not say yet. */
  save(): void {
    if (this.#unsaved) this.#replace(this.#entries);
  }

  /**
   * The end of the largest known epoch at or below `requestedEpoch`: where the next one begins, or the
   * log's end. (-1, -1) when the history can't tell. (KIP-279.)
   */
  endOffsetFor(requestedEpoch: number, logEndOffset: number): EpochEnd {
    if (requestedEpoch === NO_EPOCH) return UNDEFINED_END;
    if (requestedEpoch === this.latestEpoch()) return { epoch: requestedEpoch, endOffset: logEndOffset };
    const higher = this.#entries.find((entry) => entry.epoch > requestedEpoch);
    if (higher === undefined) return UNDEFINED_END;
    const floor = this.#entries.findLast((entry) => entry.epoch <= requestedEpoch);
    return { epoch: floor?.epoch ?? requestedEpoch, endOffset: higher.startOffset };
  }

  /** The log now ends at `endOffset`: epochs that begin there or later never happened. */
  truncateFromEnd(endOffset: number): void {
    const latest = this.#entries.at(-1);
    if (endOffset < 0 || latest === undefined || latest.startOffset < endOffset) return;
    this.#replace(this.#entries.filter((entry) => entry.startOffset < endOffset));
  }

  /** The log now begins at `startOffset`: earlier epochs go, the one that holds that offset moves up to it. */
  truncateFromStart(startOffset: number): void {
    const removed = this.#entries.filter((entry) => entry.startOffset <= startOffset);
    const last = removed.at(-1);
    if (last === undefined || (removed.length === 1 && last.startOffset === startOffset)) return;
    this.#entries = [{ epoch: last.epoch, startOffset }, ...this.#entries.slice(removed.length)];
    this.#unsaved = true;
  }

  /** Forgets everything, in the file as well. */
  clear(): void {
    if (this.#entries.length > 0) this.#replace([]);
  }

  /** The folder was renamed; the file went with it. */
  movedTo(path: string): void {
    this.#path = path;
  }

  #replace(entries: EpochStart[]): void {
    writeCheckpoint(
      this.#disk,
      this.#path,
      entries.map((entry) => `${entry.epoch} ${entry.startOffset}`),
    );
    this.#entries = entries;
    this.#unsaved = false;
  }
}
