/**
 * One block of LZ4 made smaller than lz4-block.ts makes it, for more time: of the places where the next four
 * bytes were before, so many as the level allows are tried, and a match waits for one that begins a byte
 * later and is longer. What lz4-java's high compressor is to its fast one. Source: LZ4 block format; the
 * search is the usual one over chains of equal hashes.
 */
import {
  type BlockRange,
  fourAt,
  LAST_LITERALS,
  MIN_MATCH,
  NO_MATCH_IN_LAST,
  writeLastLiterals,
  writeSequence,
} from './lz4-block.ts';

const HASH_BITS = 15;

/** A level tries twice as many places as the one below, as lz4-java's do. */
export function attemptsOfLevel(level: number): number {
  return Math.min(1 << (level - 1), MOST_ATTEMPTS);
}

/** For a block that a client has made for it takes as many for each byte, and everybody waits. */
const MOST_ATTEMPTS = 256;

/** As compressLz4Block. A block of at most 64 KiB, so that no distance is too far. */
export function compressDenseLz4Block(
  data: Buffer,
  { start, end }: BlockRange,
  out: Buffer,
  { outStart, attempts }: { readonly outStart: number; readonly attempts: number },
): number {
  const search = new ChainSearch(data, { start, end }, attempts);
  let to = outStart;
  let anchor = start;
  for (let at = start; at < end - NO_MATCH_IN_LAST; ) {
    let found = search.longestAt(at);
    if (found.matchBytes === 0) {
      at++;
      continue;
    }
    for (let next = at + 1; next < end - NO_MATCH_IN_LAST; next++) {
      const later = search.longestAt(next);
      if (later.matchBytes <= found.matchBytes) break;
      found = later;
      at = next;
    }
    to = writeSequence(out, to, data, { anchor, at, ...found });
    at += found.matchBytes;
    anchor = at;
  }
  return writeLastLiterals(out, to, data.subarray(anchor, end)) - outStart;
}

interface Match {
  /** 0: there is none. */
  readonly matchBytes: number;
  readonly distance: number;
}

const NONE: Match = { matchBytes: 0, distance: 0 };

/** Positions are counted from the block's start and kept plus one, so that 0 means "none". */
class ChainSearch {
  readonly #data: Buffer;
  readonly #range: BlockRange;
  readonly #attempts: number;
  /** By hash, the last position put in. */
  readonly #latest = new Int32Array(1 << HASH_BITS);
  /** By position, the one before it with the same hash. */
  readonly #before: Int32Array;
  /** All positions below are put in. */
  #entered: number;

  constructor(data: Buffer, range: BlockRange, attempts: number) {
    this.#data = data;
    this.#range = range;
    this.#attempts = attempts;
    this.#before = new Int32Array(range.end - range.start);
    this.#entered = range.start;
  }

  /** The longest match for what begins at `at`, which is not before any that was asked for. */
  longestAt(at: number): Match {
    const data = this.#data;
    const { start, end } = this.#range;
    this.#enterUpTo(at);
    const four = fourAt(data, at);
    const most = end - LAST_LITERALS - at;
    let matchBytes = 0;
    let distance = 0;
    let candidate = this.#latest[hashOf(four)] as number;
    for (let left = this.#attempts; candidate > 0 && left > 0 && matchBytes < most; left--) {
      const from = start + candidate - 1;
      candidate = this.#before[candidate - 1] as number;
      if (from >= at || data[from + matchBytes] !== data[at + matchBytes] || fourAt(data, from) !== four)
        continue;
      let length = MIN_MATCH;
      while (length < most && data[from + length] === data[at + length]) length++;
      if (length <= matchBytes) continue;
      matchBytes = length;
      distance = at - from;
    }
    return matchBytes === 0 ? NONE : { matchBytes, distance };
  }

  #enterUpTo(at: number): void {
    const { start } = this.#range;
    for (; this.#entered < at; this.#entered++) {
      const hash = hashOf(fourAt(this.#data, this.#entered));
      const position = this.#entered - start;
      this.#before[position] = this.#latest[hash] as number;
      this.#latest[hash] = position + 1;
    }
  }
}

function hashOf(four: number): number {
  return Math.imul(four, 0x9e3779b1) >>> (32 - HASH_BITS);
}
