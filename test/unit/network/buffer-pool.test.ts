/** The buffers of partial frames, used again. */
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../broker/network/buffer-pool.ts';

const MIB = 1024 * 1024;

describe('the pool of buffers', () => {
  it('keeps what comes back, up to its limit, for who needs as much next', () => {
    const pool = new BufferPool(2 * MIB);
    const buffers = [pool.take(MIB - 1), pool.take(MIB), pool.take(MIB)];
    for (const buffer of buffers) pool.give(buffer);
    expect(pool.keptBytes).toBe(2 * MIB);
    expect(buffers.includes(pool.take(MIB))).toBe(true);
    expect(pool.keptBytes).toBe(MIB);
  });

  it('frees what it does not keep', () => {
    const pool = new BufferPool(8 * MIB);
    const [large, spare] = [pool.take(5 * MIB), pool.take(MIB)];
    pool.give(large);
    pool.give(spare);
    expect([large.length, spare.length]).toEqual([0, MIB]);
    pool.trim();
    pool.trim();
    expect(spare.length).toBe(0);
  });

  it('lets go of what was not needed between two trims', () => {
    const pool = new BufferPool(8 * MIB);
    for (const buffer of [1, 2, 3, 4].map(() => pool.take(MIB))) pool.give(buffer);
    pool.trim();
    expect(pool.keptBytes).toBe(4 * MIB);
    pool.give(pool.take(MIB));
    pool.trim();
    expect(pool.keptBytes).toBe(MIB);
    pool.trim();
    expect(pool.keptBytes).toBe(0);
  });
});
