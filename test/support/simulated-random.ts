/** Chance from a seed: the same seed gives the same numbers on every machine. */
import type { Random } from '../../broker/platform/random.ts';

/** The generator sfc32, which is small, fast and passes the usual statistical batteries. */
export function simulatedRandom(seed: number): Random {
  let [a, b, c, counter] = [0, seed | 0, (seed / 0x1_0000_0000) | 0, 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  const fraction = (): number => (next() * 0x20_0000 + (next() >>> 11)) / 2 ** 53;
  return {
    int: (limitExclusive) => Math.floor(fraction() * limitExclusive),
    fraction,
    bytes(sizeBytes) {
      const bytes = Buffer.alloc(sizeBytes);
      for (let at = 0; at < sizeBytes; at++) bytes[at] = next() & 0xff;
      return bytes;
    },
  };
}
