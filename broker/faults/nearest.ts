/** Which of the known names somebody meant who wrote another. */

/** Of a name of ten letters, three may be wrong. */
const SHARE_OF_WRONG_LETTERS = 0.3;

/** The known name that needs the fewest letters changed; null when none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let fewest = Math.ceil(name.length * SHARE_OF_WRONG_LETTERS) + 1;
  for (const candidate of known) {
    const changes = changesBetween(name, candidate);
    if (changes >= fewest) continue;
    fewest = changes;
    best = candidate;
  }
  return best;
}

/** How many letters must be added, left out or exchanged (Levenshtein). */
function changesBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1] ? 0 : 1;
      const exchanged = (above[column - 1] ?? 0) + same;
      const added = Math.min(above[column] ?? 0, line[column - 1] ?? 0) + 1;
      line.push(Math.min(exchanged, added));
    }
    above = line;
  }
  return above[other.length] ?? 0;
}
