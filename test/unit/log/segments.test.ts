/** The segments of a log, found by offset; and the places that readers and appends leave behind. */

import { describe, expect, it } from 'vitest';
import { Cursors } from '../../../broker/log/files/cursors.ts';
import { Segment, type SegmentHome } from '../../../broker/log/files/segment.ts';
import { Segments } from '../../../broker/log/files/segments.ts';
import { BufferPool } from '../../../broker/platform/buffer-pool.ts';
import { World } from '../../support/world.ts';

const BASES = [5, 9, 10, 40, 41, 70, 1000];

function home(): SegmentHome {
  const { clock, disk } = new World().platform();
  disk.makeDirectory('/log');
  const config = {
    indexIntervalBytes: 4096,
    segmentIndexBytes: 1024,
    segmentBytes: 4096,
    preallocate: false,
  };
  return { disk, clock, buffers: new BufferPool(1 << 20), directory: '/log', config };
}

function segmentsAt(bases: readonly number[]): Segments {
  const where = home();
  const segments = new Segments();
  for (const base of bases) segments.add(Segment.create(where, base));
  return segments;
}

const basesOf = (segments: readonly Segment[]) => segments.map(({ baseOffset }) => baseOffset);

describe('segments', () => {
  it('lie in the order of their offsets, in whatever order they came', () => {
    const segments = segmentsAt([70, 5, 1000, 41, 9, 40, 10]);
    expect(basesOf(segments.all)).toEqual(BASES);
    expect([segments.count, segments.first.baseOffset, segments.active.baseOffset]).toEqual([7, 5, 1000]);
  });

  it.each([1, 2, 3, 7])('of which there are %i are found by every offset', (count) => {
    const bases = BASES.slice(0, count);
    const segments = segmentsAt(bases);
    for (let offset = 0; offset <= 1001; offset++) {
      const below = bases.filter((base) => base <= offset);
      expect(segments.floor(offset)?.baseOffset).toBe(below.at(-1));
      expect(segments.after(offset)?.baseOffset).toBe(bases[below.length]);
    }
  });

  it('that may hold a range are the one at its beginning and those that begin in it', () => {
    const segments = segmentsAt(BASES);
    expect(basesOf(segments.between(9, 41))).toEqual([9, 10, 40]);
    expect(basesOf(segments.between(8, 42))).toEqual([5, 9, 10, 40, 41]);
    expect(basesOf(segments.between(0, 6))).toEqual([5]);
    expect(basesOf(segments.between(0, 5))).toEqual([]);
    expect(basesOf(segments.between(2000, Number.POSITIVE_INFINITY))).toEqual([1000]);
  });

  it('that were removed are not found any more', () => {
    const segments = segmentsAt(BASES);
    const gone = segments.floor(40);
    if (gone !== undefined) segments.remove(gone);
    expect([segments.floor(40)?.baseOffset, segments.after(10)?.baseOffset]).toEqual([10, 41]);
  });

  it('of an unloaded log are missing loudly', () => {
    expect(() => new Segments().active).toThrow('without segments');
    expect(() => new Segments().first).toThrow('without segments');
    expect(new Segments().floor(3)).toBeUndefined();
  });
});

describe('cursors', () => {
  const segment = segmentsAt([0]).active;

  it('keep the places that were noted last, each once', () => {
    const cursors = new Cursors();
    for (let offset = 0; offset < 128; offset++) cursors.note(offset, segment, offset * 10);
    cursors.note(0, segment, 7);
    cursors.note(128, segment, 1280);
    expect(cursors.find(0)).toEqual({ segment, positionBytes: 7 });
    expect(cursors.find(1)).toBeUndefined();
    expect(cursors.find(2)?.positionBytes).toBe(20);
    expect(cursors.find(128)?.positionBytes).toBe(1280);
  });

  it('are forgotten together', () => {
    const cursors = new Cursors();
    cursors.note(3, segment, 30);
    cursors.clear();
    expect(cursors.find(3)).toBeUndefined();
  });
});
