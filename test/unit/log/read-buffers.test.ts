/** The pool of buffers that logs are read into. */
import { describe, expect, it } from 'vitest';
import { ReadBuffers } from '../../../broker/log/files/read-buffers.ts';

const KIB = 1024;

describe('read buffers', () => {
  it('are powers of two, and used again', () => {
    const pool = new ReadBuffers();
    const buffer = pool.take(5 * KIB);
    expect(buffer.length).toBe(8 * KIB);
    expect(pool.take(5 * KIB)).not.toBe(buffer);
    pool.giveBack(buffer);
    expect(pool.take(8 * KIB)).toBe(buffer);
  });

  it('are kept up to a limit, and the largest ones never', () => {
    const pool = new ReadBuffers(8 * KIB);
    const buffers = [pool.take(8 * KIB), pool.take(8 * KIB)];
    for (const buffer of buffers) pool.giveBack(buffer);
    expect([pool.take(8 * KIB), pool.take(8 * KIB)].map((buffer) => buffers.indexOf(buffer))).toEqual([
      0, -1,
    ]);
    const roomy = new ReadBuffers();
    const huge = roomy.take(5 * KIB * KIB);
    roomy.giveBack(huge);
    // Not by toBe: it compares the bytes of megabytes, one by one, to say more.
    expect(roomy.take(5 * KIB * KIB) === huge).toBe(false);
    expect([huge, ...buffers].map(({ length }) => length)).toEqual([0, 8 * KIB, 0]);
  });

  it('that were not needed between two looks are let go of, the others stay', () => {
    const pool = new ReadBuffers();
    const buffers = [pool.take(4 * KIB), pool.take(4 * KIB), pool.take(4 * KIB)];
    const use = (count: number): number[] => {
      const taken = Array.from({ length: count }, () => pool.take(4 * KIB));
      for (const buffer of taken) pool.giveBack(buffer);
      return taken.map((buffer) => buffers.indexOf(buffer)).sort();
    };
    for (const buffer of buffers) pool.giveBack(buffer);
    pool.trim(); // all three have just been needed
    expect(use(1)).toEqual([2]);
    pool.trim(); // two have not, since
    const kept = use(3);
    expect(kept.filter((index) => index >= 0)).toHaveLength(1);
  });
});
