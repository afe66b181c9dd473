/** How many are throttled at a moment. */
import { describe, expect, it } from 'vitest';
import { ThrottledNow } from '../../../broker/quotas/throttled-now.ts';

describe('those who are throttled', () => {
  it('are counted until their time is over, whoever came first', () => {
    const throttled = new ThrottledNow();
    throttled.add(500, 0);
    throttled.add(100, 0);
    throttled.add(300, 50);
    expect([0, 99, 100, 299, 300, 500].map((nowMs) => throttled.count(nowMs))).toEqual([3, 3, 2, 2, 1, 0]);
  });

  it('are all kept, however many there are', () => {
    const throttled = new ThrottledNow();
    for (let each = 0; each < 1000; each++) throttled.add(each % 2 === 0 ? 10_000 : each + 1, each);
    expect(throttled.count(1000)).toBe(500);
  });
});
