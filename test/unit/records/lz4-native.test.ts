/** Blocks of LZ4 opened by native code: what comes of them, and what is refused, is what JavaScript makes of them. */
import { describe, expect, it } from 'vitest';
import type { Random } from '../../../broker/platform/random.ts';
import { DecompressionFailed } from '../../../broker/records/batch.ts';
import { compressLz4Block, decompressLz4Block, lz4BlockBound } from '../../../broker/records/lz4-block.ts';
import { decompressLz4BlockNatively, opensNatively } from '../../../broker/records/lz4-native.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

const BLOCKS = 40;
const MUTATIONS_PER_BLOCK = 100;
const ROOM_BYTES = 70_000;

type Open = typeof decompressLz4Block;

/** What comes of a block in the middle of other bytes, or the class of what was thrown. */
function outcomeOf(open: Open, block: Buffer, mostBytes: number): string {
  const data = Buffer.concat([Buffer.alloc(3, 0xaa), block, Buffer.alloc(3, 0xbb)]);
  const out = Buffer.alloc(ROOM_BYTES, 0xcc);
  try {
    const end = open(data, { start: 3, end: 3 + block.length }, out, { from: 5, mostBytes });
    return out.subarray(0, end).toString('latin1');
  } catch (error) {
    return error instanceof DecompressionFailed ? 'refused' : String(error);
  }
}

/** Words, numbers and noise, more or less of each. */
function somethingLikeRecords(random: Random): Buffer {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  const wantedBytes = 2_000 + random.int(60_000);
  while (sizeBytes < wantedBytes) {
    const kind = random.int(3);
    const part =
      kind === 0
        ? Buffer.from(`"field${random.int(40)}":${random.int(1_000_000)},`)
        : kind === 1
          ? Buffer.alloc(1 + random.int(300), random.int(256))
          : Buffer.from(Array.from({ length: random.int(60) }, () => random.int(256)));
    parts.push(part);
    sizeBytes += part.length;
  }
  return Buffer.concat(parts).subarray(0, 64 * 1024);
}

function packed(data: Buffer): Buffer {
  const out = Buffer.alloc(lz4BlockBound(data.length));
  return out.subarray(0, compressLz4Block(data, { start: 0, end: data.length }, out));
}

function mutated(block: Buffer, random: Random): Buffer {
  const copy = Buffer.from(block);
  const at = random.int(copy.length);
  const kind = random.int(4);
  if (kind === 0) return copy.subarray(0, Math.max(1_024, at));
  if (kind === 1) copy[at] = random.int(256);
  else if (kind === 2) copy.subarray(at, at + 1 + random.int(8)).fill(random.int(2) * 255);
  else copy.copy(copy, at, random.int(copy.length));
  return copy;
}

const isNative = opensNatively({ start: 0, end: ROOM_BYTES });
if (!isNative) console.log('skipped: blocks of LZ4 opened by native code: lz4-napi does not load here');

describe.runIf(isNative)('a block that native code opens', () => {
  it('becomes the same, or is refused as well, whole and spoilt, with room and with too little', () => {
    const random = simulatedRandom(42);
    const seen = { opened: 0, refused: 0 };
    for (let block = 0; block < BLOCKS; block++) {
      const data = somethingLikeRecords(random);
      const whole = packed(data);
      if (!opensNatively({ start: 0, end: whole.length })) continue;
      expect(outcomeOf(decompressLz4BlockNatively, whole, data.length).slice(5)).toBe(
        data.toString('latin1'),
      );
      expect(outcomeOf(decompressLz4BlockNatively, whole, data.length - 1)).toBe('refused');
      for (let n = 0; n < MUTATIONS_PER_BLOCK; n++) {
        const spoilt = mutated(whole, random);
        const expected = outcomeOf(decompressLz4Block, spoilt, 64 * 1024);
        seen[expected === 'refused' ? 'refused' : 'opened']++;
        if (outcomeOf(decompressLz4BlockNatively, spoilt, 64 * 1024) !== expected)
          throw new Error(`differs, JavaScript ${expected.slice(0, 40)}: ${spoilt.toString('base64')}`);
      }
    }
    expect(seen.opened).toBeGreaterThan(500);
    expect(seen.refused).toBeGreaterThan(500);
  });

  it('is opened whole where hardly any could have more in it', () => {
    const data = Buffer.alloc(1024 * 1024, 7);
    const block = packed(data);
    const out = Buffer.alloc(data.length);
    const range = { start: 0, end: block.length };
    expect(opensNatively(range)).toBe(true);
    expect(data.length / block.length).toBeGreaterThan(253);
    const room = { from: 0, mostBytes: 4 * 1024 * 1024 };
    expect(decompressLz4BlockNatively(block, range, out, room)).toBe(data.length);
    expect(out.equals(data)).toBe(true);
  });

  it('is one that is worth the call', () => {
    expect(opensNatively({ start: 10, end: 500 })).toBe(false);
  });
});
