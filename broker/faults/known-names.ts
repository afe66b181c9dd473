/** Names that somebody has written, held against those there are. */
import { nearest } from './nearest.ts';

/** A name that nobody reads is a mistake that would be searched for elsewhere. */
export function refuseUnknown(names: readonly string[], known: readonly string[], what: string): void {
  const name = names.find((each) => !known.includes(each));
  if (name === undefined) return;
  const meant = nearest(name, known);
  throw new Error(`'${name}' is no ${what}${meant === null ? '' : `: is it ${meant}?`}`);
}
