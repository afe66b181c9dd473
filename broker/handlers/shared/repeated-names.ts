/** What a request names more than once although it may be there only once. */

/** The names that stand there more often than once. */
export function repeatedNames(items: readonly { readonly name: string }[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name } of items) (seen.has(name) ? repeated : seen).add(name);
  return repeated;
}
