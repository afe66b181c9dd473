/**
 * What the page cache of the system does not hold any more is read from the disk, and whoever reads it by a
 * synchronous call holds the event loop meanwhile. So files that lately had to be read from the disk are warmed:
 * the part that is wanted is first read on another thread, into nowhere, and then once more, from the cache.
 * Which files those are shows by their reads: one that took long while the system counted input from disks. Files
 * in the cache, which are nearly all, pay for a look at a clock. (Kafka's sendfile waits for the disk in one of
 * its network threads, and whoever else that thread serves waits with it.)
 */
import { read } from 'node:fs';

/** Copying a piece out of the cache takes some tenths of a millisecond. */
const LONG_MS = 1;
/** As many reads are warmed after one that was cold: more than the system reads ahead of a reader. */
const WARMED_READS = 16;
/** A file is told apart by stretches, so that who reads at its end does not pay for who reads at its beginning. */
const STRETCH_BYTES = 16 * 1024 * 1024;
/** More at a time only lengthen the queue of the disk, and other work needs these threads too. */
const MOST_AT_A_TIME = 2;
const PIECE_BYTES = 1024 * 1024;

/** Where all warming reads go: nobody looks at what stands there. */
let nowhere: Buffer | null = null;
let reading = 0;
const waiting: (() => void)[] = [];
/** What the system had counted when it was asked last. */
let countedInputs = 0;

/** Of one open file. */
export class ColdReads {
  /** How many reads are still warmed, by stretch; null in nearly all files: there is none. */
  #readsLeft: Map<number, number> | null = null;

  /** A synchronous read has ended. */
  noteRead(tookMs: number, positionBytes: number): void {
    if (tookMs > LONG_MS && hasReadDisk()) this.#isCold(positionBytes);
  }

  /**
   * Reads a part of the file on another thread, if the next read would probably wait for the disk; null if it
   * would not. Never rejects: whoever reads afterwards meets what is wrong.
   */
  warm(descriptor: number, lengthBytes: number, positionBytes: number): Promise<void> | null {
    if (this.#readsLeft === null || !this.#countDown(this.#readsLeft, stretchOf(positionBytes))) return null;
    return inTurn(async () => {
      const inputs = process.resourceUsage().fsRead;
      const beganMs = performance.now();
      for (let done = 0; done < lengthBytes; done += PIECE_BYTES) {
        const bytes = Math.min(PIECE_BYTES, lengthBytes - done);
        if (!(await readIntoNowhere(descriptor, bytes, positionBytes + done))) break;
      }
      const tookMs = performance.now() - beganMs;
      // Others of this process read from disks as well, so that what is counted says little by itself.
      if (tookMs > LONG_MS && process.resourceUsage().fsRead > inputs) this.#isCold(positionBytes);
    });
  }

  /** So is what comes after it. */
  #isCold(positionBytes: number): void {
    this.#readsLeft ??= new Map();
    const stretch = stretchOf(positionBytes);
    this.#readsLeft.set(stretch, WARMED_READS).set(stretch + 1, WARMED_READS);
  }

  /** False when there is none left. */
  #countDown(readsLeft: Map<number, number>, stretch: number): boolean {
    const left = readsLeft.get(stretch);
    if (left === undefined) return false;
    if (left > 1) readsLeft.set(stretch, left - 1);
    else readsLeft.delete(stretch);
    if (readsLeft.size === 0) this.#readsLeft = null;
    return true;
  }
}

function stretchOf(positionBytes: number): number {
  return Math.floor(positionBytes / STRETCH_BYTES);
}

/** Whether this process has had anything read from a disk since this was asked last. */
function hasReadDisk(): boolean {
  const before = countedInputs;
  countedInputs = process.resourceUsage().fsRead;
  return countedInputs > before;
}

/** False where nothing came. */
function readIntoNowhere(descriptor: number, lengthBytes: number, positionBytes: number): Promise<boolean> {
  nowhere ??= Buffer.allocUnsafeSlow(PIECE_BYTES);
  const into = nowhere;
  return new Promise((resolve) => {
    read(descriptor, into, 0, lengthBytes, positionBytes, (error, gotBytes) =>
      resolve(error === null && gotBytes > 0),
    );
  });
}

async function inTurn(run: () => Promise<void>): Promise<void> {
  if (reading === MOST_AT_A_TIME) await new Promise<void>((resolve) => waiting.push(resolve));
  else reading++;
  try {
    await run();
  } finally {
    const next = waiting.shift();
    if (next === undefined) reading--;
    else next();
  }
}
