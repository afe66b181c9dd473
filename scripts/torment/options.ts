/** The options of `torture`, and what they choose. */
import { type Arguments, type OptionSpec, UsageError } from '../cli/arguments.ts';
import { ALL_CLIENTS, CLIENT_NAMES, type Client, clientLabel } from './clients/client-programs.ts';
import { MODES } from './history/entries.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { chosenScenarios } from './scenarios/scenarios.ts';

const MAX_SEED = 2 ** 31 - 1;

export const tortureOptions: readonly OptionSpec[] = [
  {
    name: 'scenario',
    value: 'NAME,…',
    help: 'only these: names, patterns such as kill-*, matrix, all',
    fallback: 'matrix',
  },
  {
    name: 'rounds',
    value: 'N',
    kind: 'integer',
    min: 1,
    max: 10_000,
    help: 'how often each scenario',
    fallback: '1',
  },
  {
    name: 'seed',
    value: 'SEED',
    kind: 'integer',
    min: 0,
    max: MAX_SEED,
    help: 'of all that is left to chance: leaders, pauses, what clients send; drawn and told unless given',
  },
  {
    name: 'clients',
    value: 'NAME,…',
    help: `only these: ${CLIENT_NAMES.join(', ')}, or one mode of one, such as java-idempotent`,
    fallback: CLIENT_NAMES.join(','),
  },
  {
    name: 'out',
    value: 'DIR',
    help: 'where histories and logs go of a round in which a promise was broken',
    fallback: '.cache/torture',
  },
  { name: 'list', help: 'the scenarios and the clients' },
  { name: 'json', help: 'the result in one line of JSON, and what happens on the way on standard error' },
];

export interface Choice {
  readonly scenarios: readonly Scenario[];
  readonly clients: readonly Client[];
  readonly rounds: number;
  /** null: to be drawn. */
  readonly seed: number | null;
  readonly out: string;
  readonly json: boolean;
}

export function choiceOf(given: Arguments): Choice {
  return {
    scenarios: chosenScenarios(given.needText('scenario')),
    clients: chosenClients(given.needText('clients')),
    rounds: given.needInteger('rounds'),
    seed: given.integer('seed'),
    out: given.needText('out'),
    json: given.flag('json'),
  };
}

function chosenClients(text: string): Client[] {
  const words = text.split(',').map((word) => word.trim());
  for (const word of words) {
    if (ALL_CLIENTS.some((client) => isMeant(client, word))) continue;
    const modes = MODES.join(', ');
    throw new UsageError(
      `there is no client '${word}'; allowed are ${CLIENT_NAMES.join(', ')}, and each with a mode of ${modes}, such as java-plain`,
    );
  }
  return ALL_CLIENTS.filter((client) => words.some((word) => isMeant(client, word)));
}

function isMeant(client: Client, word: string): boolean {
  return client.name === word || clientLabel(client) === word;
}
