/**
 * `scripts/torture`: clients of three languages write and read while brokers, ZooKeeper and the links between
 * them are hurt, and every promise that a client was given is checked from what it has written down.
 */

import { Workplace } from '../benchmark/workplace.ts';
import type { Arguments, CommandSpec } from '../cli/arguments.ts';
import { runCommand } from '../cli/run.ts';
import { ALL_CLIENTS, clientLabel, findPrograms } from './clients/client-programs.ts';
import { isInside, isolationLacks, runInside, untilOutsideIsGone } from './cluster/isolation.ts';
import { choiceOf, tortureOptions } from './options.ts';
import { runTorture } from './run.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';

/** As a shell says it: 128 and the number of the signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const GONE = 129;
const MAX_DRAWN_SEED = 1_000_000;

const torture: CommandSpec = {
  name: 'torture',
  summary:
    'Hurts a cluster of real processes under clients of three languages, and checks what they were promised.',
  options: tortureOptions,
  notes:
    'Exit status 1 if a promise was broken: what it was, the life of the record, and where the histories are is told.',
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  if (given.flag('list')) return list();
  const choice = choiceOf(given);
  const say = choice.json ? complain : tell;
  const seed = choice.seed ?? Math.floor(Math.random() * MAX_DRAWN_SEED);
  const here = (lacksNamespaces: string | null): Promise<number> =>
    attended((workplace, interrupted) =>
      runTorture(choice, { workplace, lacksNamespaces, seed, say, interrupted }),
    );
  if (isInside()) return here(null);
  const lacks = isolationLacks();
  if (lacks !== null) return here(lacks);
  // Inside there is no way to fetch anything.
  const wanted = [...new Set(choice.clients.map(({ name }) => name))];
  const interruption = await attended(async (workplace, interrupted) =>
    Promise.race([interrupted, findPrograms(workplace, wanted, complain).then(() => 0)]),
  );
  return interruption === 0 ? runInside() : interruption;
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** With a workplace, of which nothing stays, however this ends. */
async function attended(
  work: (workplace: Workplace, interrupted: Promise<number>) => Promise<number>,
): Promise<number> {
  const workplace = new Workplace('odradek-torture-');
  const interrupted = new Promise<number>((resolve) => {
    for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => resolve(code));
    void untilOutsideIsGone().then(() => resolve(GONE));
  });
  try {
    return await work(workplace, interrupted);
  } finally {
    await workplace.close();
  }
}

function list(): number {
  const width = Math.max(...SCENARIOS.map(({ name }) => name.length)) + 2;
  for (const { name, title, needs } of SCENARIOS) {
    const need = needs === undefined ? '' : needs === 'cuts' ? ' (needs namespaces)' : ' (needs an ensemble)';
    process.stdout.write(`${name.padEnd(width)}${title}${need}\n`);
  }
  process.stdout.write(`\nclients: ${ALL_CLIENTS.map(clientLabel).join(', ')}\n`);
  return 0;
}

await runCommand(torture, './scripts/torture', process.argv.slice(2));
