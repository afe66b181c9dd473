/** The pool of buffers that logs are read into and frames arrive in. */
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../broker/platform/buffer-pool.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

describe('a pool of buffers', () => {
  it('hands out powers of two, and what comes back again', () => {
    const pool = new BufferPool(MIB);
    const buffer = pool.take(5 * KIB);
    expect(buffer.length).toBe(8 * KIB);
    expect(pool.take(5 * KIB)).not.toBe(buffer);
    pool.give(buffer);
    expect(pool.take(8 * KIB)).toBe(buffer);
    expect(pool.take(1).length).toBe(4 * KIB);
  });

  it('keeps what comes back up to its limit', () => {
    const pool = new BufferPool(8 * KIB);
    const buffers = [pool.take(8 * KIB), pool.take(8 * KIB)];
    for (const buffer of buffers) pool.give(buffer);
    expect(pool.keptBytes).toBe(8 * KIB);
    expect([pool.take(8 * KIB), pool.take(8 * KIB)].map((buffer) => buffers.indexOf(buffer))).toEqual([
      0, -1,
    ]);
    expect(pool.keptBytes).toBe(0);
  });

  it('never keeps the largest, which are no larger than they have to be', () => {
    const pool = new BufferPool(64 * MIB);
    const [largest, huge] = [pool.take(4 * MIB), pool.take(5 * MIB)];
    expect([largest.length, huge.length]).toEqual([4 * MIB, 5 * MIB]);
    expect([pool.keeps(largest), pool.keeps(huge)]).toEqual([true, false]);
    pool.give(huge);
    expect(pool.keptBytes).toBe(0);
    pool.give(largest);
    expect(pool.keptBytes).toBe(4 * MIB);
  });

  it('lets go of what was not needed between two trims', () => {
    const pool = new BufferPool(8 * MIB);
    const use = (count: number): void => {
      for (const buffer of Array.from({ length: count }, () => pool.take(MIB))) pool.give(buffer);
    };
    use(4);
    pool.trim(); // all four have just been needed
    expect(pool.keptBytes).toBe(4 * MIB);
    use(1);
    pool.trim(); // three have not, since
    expect(pool.keptBytes).toBe(MIB);
    pool.trim();
    expect(pool.keptBytes).toBe(0);
  });
});
