/** The oracle of every test of delivery: what was acknowledged is there, once. */
import type { ConsumedRecord } from './records.ts';

const MOST_NAMED = 5;

/** Throws, naming the first of them, when an acknowledged value is missing or there more than once. */
export function expectEveryOnce(
  topic: string,
  acknowledged: readonly string[],
  found: readonly ConsumedRecord[],
): void {
  const counts = new Map<string, number>();
  for (const { value } of found) counts.set(value ?? '', (counts.get(value ?? '') ?? 0) + 1);
  const lost = acknowledged.filter((value) => !counts.has(value));
  const twice = acknowledged.filter((value) => (counts.get(value) ?? 0) > 1);
  if (lost.length === 0 && twice.length === 0) return;
  const parts = [named('are lost', lost), named('are there more than once', twice)].filter(
    (part) => part !== '',
  );
  throw new Error(`of ${acknowledged.length} acknowledged records in ${topic} ${parts.join('; ')}`);
}

function named(what: string, values: readonly string[]): string {
  if (values.length === 0) return '';
  const more = values.length > MOST_NAMED ? ', …' : '';
  return `${values.length} ${what}: ${values.slice(0, MOST_NAMED).join(', ')}${more}`;
}
