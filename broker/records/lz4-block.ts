/**
 * One block of LZ4: sequences of a token, literals, and a match that copies what came up to 64 KiB
 * before. The last five bytes are literals and no match begins in the last twelve, as the format
 * asks. Source: LZ4 block format; the search is the usual greedy one over a table of hashes.
 */
import { CorruptBatch } from './batch.ts';

const MIN_MATCH = 4;
const LAST_LITERALS = 5;
const NO_MATCH_IN_LAST = 12;
const HASH_BITS = 13;
const MAX_DISTANCE = 65535;
/** After 2^6 misses in a row the search takes longer strides: such data does not compress. */
const SKIP_SHIFT = 6;

/** The most that `sizeBytes` can become. */
export function lz4BlockBound(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / 255) + 16;
}

/** Compresses `data[start, end)` into `out` at `outStart`, which must have room for the bound; returns the size. */
export function compressLz4Block(
  data: Buffer,
  start: number,
  end: number,
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
  return writeLastLiterals(out, to, data, anchor, end) - outStart;
}

/** Opens one block; throws {@link CorruptBatch} on nonsense and when it is more than `limitBytes`. */
export function decompressLz4Block(data: Buffer, limitBytes: number): Buffer {
  // A byte of input makes at most 255 bytes of output, so small blocks get by with less room.
  const out = Buffer.allocUnsafeSlow(Math.max(0, Math.min(limitBytes, data.length * 255)));
  let at = 0;
  let to = 0;
  while (at < data.length) {
    const token = data[at++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        more = data[at++] ?? fail();
        literals += more;
      }
    }
    if (at + literals > data.length || to + literals > out.length) fail();
    for (let n = literals; n > 0; n--) out[to++] = data[at++] as number;
    // A block that was given far more room than it needed must not keep hold of it.
    if (at === data.length)
      return to * 2 < out.length ? Buffer.from(out.subarray(0, to)) : out.subarray(0, to);
    if (at + 2 > data.length) fail();
    const distance = (data[at] as number) | ((data[at + 1] as number) << 8);
    at += 2;
    let matchBytes = token & 15;
    if (matchBytes === 15) {
      let more = 255;
      while (more === 255) {
        more = data[at++] ?? fail();
        matchBytes += more;
      }
    }
    matchBytes += MIN_MATCH;
    if (distance === 0 || distance > to || to + matchBytes > out.length) fail();
    for (let from = to - distance, n = matchBytes; n > 0; n--) out[to++] = out[from++] as number;
  }
  return fail();
}

function fail(): never {
  throw new CorruptBatch('An LZ4 block that makes no sense, or opens to more than it may');
}

function hashAt(data: Buffer, at: number): number {
  return Math.imul(fourAt(data, at), 0x9e3779b1) >>> (32 - HASH_BITS);
}

function sameFour(data: Buffer, one: number, other: number): boolean {
  return fourAt(data, one) === fourAt(data, other);
}

function fourAt(data: Buffer, at: number): number {
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

function writeSequence(out: Buffer, start: number, data: Buffer, sequence: Sequence): number {
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

function writeLastLiterals(out: Buffer, start: number, data: Buffer, anchor: number, end: number): number {
  const literals = end - anchor;
  let to = start + 1;
  out[start] = Math.min(literals, 15) << 4;
  if (literals >= 15) to = writeLength(out, to, literals - 15);
  return to + data.copy(out, to, anchor, end);
}

function writeLength(out: Buffer, start: number, length: number): number {
  let to = start;
  let rest = length;
  for (; rest >= 255; rest -= 255) out[to++] = 255;
  out[to++] = rest;
  return to;
}
