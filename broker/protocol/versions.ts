/**
 * Version ranges as Kafka's message definitions write them: `'0+'`, `'3-5'`, `'7'`, `'none'`.
 */

export type VersionRange = `${number}+` | `${number}-${number}` | `${number}` | 'none';

interface Versions {
  readonly from: number;
  /** Inclusive; Infinity for an open range. */
  readonly to: number;
}

/** Reads a range; `none` is a range that holds no version. */
export function parseVersions(text: VersionRange): Versions {
  if (text === 'none') return { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new TypeError(`not a version range: ${text}`);
  const from = Number(match[1]);
  if (match[2] !== undefined) return { from, to: Number.POSITIVE_INFINITY };
  return { from, to: match[3] === undefined ? from : Number(match[3]) };
}

/** Whether `version` lies in the range; an absent range holds nothing. */
export function versionIn(text: VersionRange | undefined, version: number): boolean {
  if (text === undefined) return false;
  const { from, to } = parseVersions(text);
  return version >= from && version <= to;
}
