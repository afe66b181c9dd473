/** Properties that are given by words of a command line. */
import { UsageError } from '../cli/arguments.ts';

/** `key=value` words as a table. */
export function overrides(words: readonly string[]): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) throw new UsageError(`--override takes KEY=VALUE, not '${word}'`);
    properties[word.slice(0, at)] = word.slice(at + 1);
  }
  return properties;
}
