/**
 * What brokers of earlier releases in ZooKeeper mode spoke, as the highest version of each API by its key;
 * every release adds to the one before it. An API that a release did not know yet, it denies. Facts: the
 * ApiVersions answers of the releases, as KIPs brought their changes in.
 */

type Highest = Readonly<Record<number, number>>;

const RELEASES: ReadonlyMap<string, Highest> = new Map<string, Highest>([
  [
    '2.0',
    {
      ...{
        0: 6,
        1: 8,
        2: 3,
        3: 6,
        8: 4,
        9: 4,
        10: 2,
        11: 3,
        12: 2,
        13: 2,
        14: 2,
        15: 2,
        16: 2,
        17: 1,
        18: 2,
      },
      ...{ 19: 3, 20: 2, 21: 1, 22: 1, 23: 1, 24: 1, 25: 1, 26: 1, 27: 0, 28: 1, 29: 1, 30: 1, 31: 1, 32: 2 },
      ...{ 33: 1, 34: 1, 35: 1, 36: 0, 37: 1, 38: 1, 39: 1, 40: 1, 41: 1, 42: 1 },
    },
  ],
  ['2.1', { 0: 7, 1: 10, 2: 4, 3: 7, 8: 6, 9: 5, 20: 3, 23: 2, 28: 2 }],
  ['2.2', { 2: 5, 11: 4, 36: 1, 43: 0 }],
  ['2.3', { 1: 11, 3: 8, 8: 7, 11: 5, 12: 3, 14: 3, 15: 3, 23: 3, 44: 0 }],
  [
    '2.4',
    {
      ...{
        0: 8,
        3: 9,
        8: 8,
        9: 6,
        10: 3,
        11: 6,
        12: 4,
        13: 4,
        14: 4,
        15: 5,
        16: 3,
        18: 3,
        19: 5,
        20: 4,
        22: 2,
      },
      ...{ 38: 2, 42: 2, 43: 2, 44: 1, 45: 0, 46: 0, 47: 0 },
    },
  ],
  ['2.5', { 9: 7, 11: 7, 14: 5, 22: 3, 28: 3, 29: 2, 30: 2, 31: 2, 36: 2, 37: 2, 39: 2, 40: 2, 41: 2 }],
  ['2.6', { 16: 4, 21: 2, 32: 3, 35: 2, 48: 0, 49: 0 }],
  ['2.7', { 1: 12, 19: 6, 20: 5, 22: 4, 24: 2, 25: 2, 26: 2, 37: 3, 50: 0, 51: 0, 57: 0 }],
  [
    '2.8',
    {
      ...{ 0: 9, 2: 6, 3: 11, 19: 7, 20: 6, 23: 4, 24: 3, 25: 3, 26: 3, 27: 1, 32: 4, 33: 2, 34: 2 },
      ...{ 48: 1, 49: 1, 60: 0, 61: 0 },
    },
  ],
  ['3.0', { 2: 7, 9: 8, 10: 4, 65: 0, 66: 0 }],
  ['3.1', { 1: 13, 3: 12 }],
  ['3.2', { 11: 9, 13: 5, 35: 3 }],
  ['3.3', { 29: 3, 30: 3, 31: 3, 35: 4, 38: 3, 41: 3, 57: 1 }],
  ['3.4', {}],
  ['3.5', { 1: 15, 2: 8 }],
  ['3.6', { 24: 4 }],
  ['3.7', { 0: 10, 1: 16, 8: 9, 9: 9, 60: 1, 68: 0 }],
  ['3.8', { 0: 11, 10: 5, 16: 5, 22: 5, 24: 5, 25: 4, 26: 4, 28: 4, 66: 1, 69: 0 }],
  ['3.9', { 1: 17, 2: 9, 10: 6, 18: 4 }],
]);

export const RELEASE_NAMES: readonly string[] = [...RELEASES.keys()];

/** The highest version of each API that a broker of the release speaks; null when nobody knows the release. */
export function highestVersions(release: string): ReadonlyMap<number, number> | null {
  if (!RELEASES.has(release)) return null;
  const highest = new Map<number, number>();
  for (const [name, changed] of RELEASES) {
    for (const [key, version] of Object.entries(changed)) highest.set(Number(key), version);
    if (name === release) break;
  }
  return highest;
}
