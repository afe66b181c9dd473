/** All scenarios, and how a word of the command line chooses among them. */
import { UsageError } from '../../cli/arguments.ts';
import { CUTS } from './cuts.ts';
import { MATRIX } from './matrix.ts';
import { PAUSES } from './pauses.ts';
import type { Scenario } from './scenario.ts';
import { ZOOKEEPER_FAULTS } from './zookeeper-faults.ts';

export const SCENARIOS: readonly Scenario[] = [...MATRIX, ...PAUSES, ...CUTS, ...ZOOKEEPER_FAULTS];

const GROUPS: Readonly<Record<string, readonly Scenario[]>> = { matrix: MATRIX, all: SCENARIOS };

/** `matrix`, `all`, names and patterns such as `kill-*`, separated by commas; in the order of the list. */
export function chosenScenarios(text: string): Scenario[] {
  const chosen = new Set<Scenario>();
  for (const word of text.split(',').map((each) => each.trim())) {
    const pattern = new RegExp(`^${word.replace(/[^\w*-]/g, '\\$&').replaceAll('*', '.*')}$`);
    const found = GROUPS[word] ?? SCENARIOS.filter(({ name }) => pattern.test(name));
    if (found.length === 0) {
      const allowed = [...Object.keys(GROUPS), ...SCENARIOS.map(({ name }) => name)].join(', ');
      throw new UsageError(
        `there is no scenario '${word}'; allowed are ${allowed}, and patterns such as kill-*`,
      );
    }
    for (const each of found) chosen.add(each);
  }
  return SCENARIOS.filter((each) => chosen.has(each));
}
