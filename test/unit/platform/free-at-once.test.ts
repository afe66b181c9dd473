/** Memory that is given back to the system at once. */
import { expect, it } from 'vitest';
import { freeAtOnce } from '../../../broker/platform/free-at-once.ts';

it('is all that a buffer lies in', () => {
  const whole = Buffer.allocUnsafeSlow(1024 * 1024);
  const part = whole.subarray(1000, 2000);
  freeAtOnce(part);
  expect([whole.length, part.length]).toEqual([0, 0]);
  freeAtOnce(part); // once more is nothing
});

it('is not what small buffers of others lie in', () => {
  const [mine, theirs] = [Buffer.from('mine'), Buffer.from('theirs')];
  freeAtOnce(mine);
  expect([String(mine), String(theirs)]).toEqual(['mine', 'theirs']);
});
