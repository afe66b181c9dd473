/** What `--json` prints: one value a line. */

/** Integers beyond 2^53 come as text: most readers of JSON would round them. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}
