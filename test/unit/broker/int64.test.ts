/** Integers of 64 bits: exact, in one form each, with Java's arithmetic. */
import { describe, expect, it } from 'vitest';
import {
  greaterInt64,
  int64Difference,
  int64Sum,
  lesserInt64,
  MAX_INT64,
  readInt64,
  readSafeInt64,
  toInt64,
  toSafeInteger,
  writeInt64,
} from '../../../broker/int64.ts';

const MIN_INT64 = -(2n ** 63n);

describe('an int64', () => {
  const exact = [
    0n,
    1n,
    -1n,
    2n ** 32n,
    -(2n ** 32n) - 1n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    -(2n ** 53n),
    2n ** 62n,
  ];

  it('is read as it was written, as a number where that is exact and as a bigint elsewhere', () => {
    const bytes = Buffer.alloc(8);
    for (const value of [...exact, MIN_INT64, 2n ** 63n - 1n]) {
      const int64 = toInt64(value);
      expect(typeof int64).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint');
      writeInt64(bytes, 0, int64);
      expect(bytes.readBigInt64BE(0)).toBe(value);
      expect(readInt64(bytes, 0)).toBe(int64);
      expect(readSafeInt64(bytes, 0)).toBe(toSafeInteger(int64));
    }
  });

  it('beyond the safe integers is the nearest of them where it is only compared', () => {
    expect([toSafeInteger(2n ** 62n), toSafeInteger(MIN_INT64), toSafeInteger(7)]).toEqual([
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      7,
    ]);
  });

  it('is not written when it has more than 64 bits or a fraction', () => {
    expect(() => writeInt64(Buffer.alloc(8), 0, 2n ** 63n)).toThrow(RangeError);
    expect(() => writeInt64(Buffer.alloc(8), 0, 0.5)).toThrow(RangeError);
  });

  it('is added and subtracted exactly, and around the end as in Java', () => {
    for (const a of exact) {
      for (const b of exact) {
        expect(int64Sum(toInt64(a), toInt64(b))).toBe(toInt64(a + b));
        expect(int64Difference(toInt64(a), toInt64(b))).toBe(toInt64(a - b));
      }
    }
    expect(int64Sum(MAX_INT64, 1)).toBe(MIN_INT64);
    expect(int64Difference(MIN_INT64, 1)).toBe(MAX_INT64);
    expect(int64Difference(2n ** 62n + 5n, 2n ** 62n)).toBe(5);
  });

  it('is compared with numbers exactly', () => {
    expect(greaterInt64(2n ** 53n + 1n, 2 ** 53)).toBe(2n ** 53n + 1n);
    expect(lesserInt64(2n ** 53n + 1n, 2 ** 53)).toBe(2 ** 53);
    expect(greaterInt64(-1, MIN_INT64)).toBe(-1);
  });
});
