/**
 * One block of LZ4: sequences of a token, literals, and a match that copies what came up to 64 KiB
 * before. The last five bytes are literals and no match begins in the last twelve, as the format
 * asks. Source: LZ4 block format; the search is the usual greedy one over a table of hashes.
 */
import { DecompressionFailed } from './batch.ts';

/** A byte of a block makes at most so many. */
export const GREATEST_RATIO = 255;
export const MIN_MATCH = 4;
export const LAST_LITERALS = 5;
export const NO_MATCH_IN_LAST = 12;
const HASH_BITS = 13;
const MAX_DISTANCE = 65535;
/** From here on the runtime copies faster than a loop. */
const LONG_COPY_BYTES = 48;
/** After 2^6 misses in a row the search takes longer strides: such data does not compress. */
const SKIP_SHIFT = 6;

/** The bytes `[start, end)` of a buffer. */
export interface BlockRange {
  readonly start: number;
  readonly end: number;
}

/** The most that `sizeBytes` can become. */
export function lz4BlockBound(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / 255) + 16;
}

/** Compresses `data[start, end)` into `out` at `outStart`, which must have room for the bound; returns the size. */
export function compressLz4Block(
  data: Buffer,
  { start, end }: BlockRange,
  out: Buffer,
  outStart = 0,
): number {
  // Positions are kept plus one, so that 0 means "nothing yet".
  const lastSeen = new Int32Array(1 << HASH_BITS);
  const searchEnd = end - NO_MATCH_IN_LAST;
  const matchEnd = end - LAST_LITERALS;
  let to = outStart;
  let anchor = start;
  let misses = 1 << SKIP_SHIFT;
  for (let at = start; at < searchEnd; ) {
    const hash = hashAt(data, at);
    let candidate = (lastSeen[hash] as number) - 1;
    lastSeen[hash] = at + 1;
    if (candidate < 0 || at - candidate > MAX_DISTANCE || !sameFour(data, candidate, at)) {
      at += misses++ >> SKIP_SHIFT;
      continue;
    }
    misses = 1 << SKIP_SHIFT;
    while (at > anchor && candidate > start && data[at - 1] === data[candidate - 1]) {
      at--;
      candidate--;
    }
    let matched = at + MIN_MATCH;
    for (let from = candidate + MIN_MATCH; matched < matchEnd && data[matched] === data[from]; from++)
      matched++;
    to = writeSequence(out, to, data, { anchor, at, distance: at - candidate, matchBytes: matched - at });
    at = matched;
    anchor = at;
    if (at < searchEnd) lastSeen[hashAt(data, at - 2)] = at - 1;
  }
  return writeLastLiterals(out, to, data.subarray(anchor, end)) - outStart;
}

/**
 * Decompresses the block in `data[start, end)` into `out` at `from`, and returns where it ends there. Throws
 * {@link DecompressionFailed} on nonsense and when it is more than `mostBytes` or `out` has room for.
 */
export function decompressLz4Block(
  data: Buffer,
  { start, end }: BlockRange,
  out: Buffer,
  { from, mostBytes }: { readonly from: number; readonly mostBytes: number },
): number {
  const outEnd = Math.min(out.length, from + mostBytes);
  let at = start;
  let to = from;
  while (at < end) {
    const token = data[at++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      for (let more = 255; more === 255; literals += more) more = at < end ? (data[at++] as number) : fail();
    }
    if (literals > end - at || literals > outEnd - to) fail();
    if (literals >= LONG_COPY_BYTES) {
      data.copy(out, to, at, at + literals);
      at += literals;
      to += literals;
    } else {
      for (let n = literals; n > 0; n--) out[to++] = data[at++] as number;
    }
    if (at === end) return to;
    if (at + 2 > end) fail();
    const distance = (data[at] as number) | ((data[at + 1] as number) << 8);
    at += 2;
    let matchBytes = token & 15;
    if (matchBytes === 15) {
      for (let more = 255; more === 255; matchBytes += more)
        more = at < end ? (data[at++] as number) : fail();
    }
    matchBytes += MIN_MATCH;
    if (distance === 0 || distance > to - from || matchBytes > outEnd - to) fail();
    if (matchBytes >= LONG_COPY_BYTES && distance >= matchBytes) {
      out.copyWithin(to, to - distance, to - distance + matchBytes);
      to += matchBytes;
    } else {
      for (let copied = to - distance, n = matchBytes; n > 0; n--) out[to++] = out[copied++] as number;
    }
  }
  return fail();
}

function fail(): never {
  throw new DecompressionFailed('An LZ4 block that makes no sense, or decompresses to more than it may');
}

function hashAt(data: Buffer, at: number): number {
  return Math.imul(fourAt(data, at), 0x9e3779b1) >>> (32 - HASH_BITS);
}

function sameFour(data: Buffer, one: number, other: number): boolean {
  return fourAt(data, one) === fourAt(data, other);
}

/** Four bytes as one number. */
export function fourAt(data: Buffer, at: number): number {
  return (
    (data[at] as number) |
    ((data[at + 1] as number) << 8) |
    ((data[at + 2] as number) << 16) |
    ((data[at + 3] as number) << 24)
  );
}

interface Sequence {
  /** Literals are `data[anchor, at)`. */
  readonly anchor: number;
  readonly at: number;
  readonly distance: number;
  readonly matchBytes: number;
}

/** Writes literals and a match at `start`; where it ends. */
export function writeSequence(out: Buffer, start: number, data: Buffer, sequence: Sequence): number {
  const { anchor, at, distance } = sequence;
  const extra = sequence.matchBytes - MIN_MATCH;
  let to = start + 1;
  const literals = at - anchor;
  out[start] = (Math.min(literals, 15) << 4) | Math.min(extra, 15);
  if (literals >= 15) to = writeLength(out, to, literals - 15);
  for (let from = anchor; from < at; from++) out[to++] = data[from] as number;
  out[to++] = distance & 0xff;
  out[to++] = distance >> 8;
  return extra >= 15 ? writeLength(out, to, extra - 15) : to;
}

/** Writes what follows the last match at `start`; where it ends. */
export function writeLastLiterals(out: Buffer, start: number, literals: Buffer): number {
  let to = start + 1;
  out[start] = Math.min(literals.length, 15) << 4;
  if (literals.length >= 15) to = writeLength(out, to, literals.length - 15);
  return to + literals.copy(out, to);
}

function writeLength(out: Buffer, start: number, length: number): number {
  let to = start;
  let rest = length;
  for (; rest >= 255; rest -= 255) out[to++] = 255;
  out[to++] = rest;
  return to;
}
