/** The options of `scripts/bench`, and one run from them to the report. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Arguments, type CommandSpec, UsageError } from '../cli/arguments.ts';
import { CClient, findLoadProgram, type LoadProgram } from './c-client.ts';
import type { BenchmarkCase } from './case.ts';
import { CASES, casesNamed } from './cases.ts';
import { findJava, type Java } from './java.ts';
import { checkoutVersion, machineFacts } from './machine.ts';
import { profileChildren, profileText } from './profile.ts';
import { tableText, tabulate } from './report.ts';
import { type Outcome, type RunOptions, runCases } from './runner.ts';
import { apacheKafka, odradek, type System } from './systems.ts';
import { JavaTools } from './tools.ts';
import { Workplace } from './workplace.ts';
import { startZooKeeper } from './zookeeper-server.ts';

export const benchCommand: CommandSpec = {
  name: 'bench',
  summary: 'Measures Odradek beside Apache Kafka with the same foreign clients.',
  options: [
    { name: 'cases', value: 'NAME,…', help: 'only these; a star stands for anything' },
    { name: 'rounds', value: 'N', kind: 'integer', min: 1, max: 100, help: 'how often', fallback: '3' },
    { name: 'records', value: 'N', kind: 'integer', min: 100, help: 'records per case' },
    {
      name: 'percent',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 10_000,
      help: 'of the usual records of each case',
      fallback: '100',
    },
    {
      name: 'record-size',
      value: 'BYTES',
      kind: 'integer',
      min: 10,
      max: 900_000,
      help: 'instead of those of the cases',
    },
    { name: 'out', value: 'DIR', help: 'where results.json and the charts go' },
    { name: 'only', value: 'SYSTEM', help: 'odradek or kafka' },
    {
      name: 'profile',
      value: 'DIR',
      help: "CPU profiles of Odradek's brokers, and which functions are at the top",
    },
    { name: 'list', help: 'show the cases' },
  ],
  run,
};

const ROOT = join(import.meta.dirname, '..', '..');

async function run(given: Arguments): Promise<number> {
  if (given.flag('list')) {
    const width = Math.max(...CASES.map(({ name }) => name.length)) + 2;
    for (const { name, title } of CASES) process.stdout.write(`${name.padEnd(width)}${title}\n`);
    return 0;
  }
  const only = given.text('only');
  if (only !== null && only !== 'odradek' && only !== 'kafka')
    throw new UsageError(`--only must be odradek or kafka, not '${only}'`);
  const java = findJava(progress);
  const load = findLoadProgram();
  const cases = chosenCases(given, java, load);
  const profiles = given.text('profile');
  if (profiles !== null) profileChildren(resolve(profiles));
  const workplace = new Workplace();
  const interrupted = (): void => {
    progress('interrupted; stopping everything');
    void workplace.close().then(() => process.exit(130));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const systems = chosenSystems(workplace, java, only);
    const outcome = await runCases(cases, systems, runOptions(given, workplace, java, load));
    report(given, cases, systems, outcome);
    if (profiles !== null) process.stdout.write(`\n${profileText(profiles)}`);
    return outcome.failures.length === 0 ? 0 : 1;
  } finally {
    await workplace.close();
  }
}

function chosenCases(given: Arguments, java: Java | string, load: LoadProgram | string): BenchmarkCase[] {
  const names = given.text('cases');
  const found =
    names === null ? CASES.filter(({ onRequest }) => onRequest !== true) : casesNamed(names.split(','));
  if (typeof found === 'string') throw new UsageError(found);
  const lacks = { java: typeof java === 'string' ? java : null, c: typeof load === 'string' ? load : null };
  const able = found.filter(({ needs }) => needs === null || lacks[needs] === null);
  const left = found.length - able.length;
  const reasons = Object.values(lacks).filter((reason) => reason !== null);
  if (left > 0) progress(`${left} cases are left out: ${reasons.join('; ')}`);
  return able;
}

function chosenSystems(workplace: Workplace, java: Java | string, only: string | null): System[] {
  const systems = [odradek(workplace, 'odradek', checkoutVersion(), ROOT)];
  if (typeof java === 'string') {
    if (only === 'kafka') throw new UsageError(`--only kafka: ${java}`);
    progress(`without Apache Kafka: ${java}`);
    return systems;
  }
  systems.push(apacheKafka(workplace, java));
  return only === null ? systems : systems.filter(({ name }) => name === only);
}

function runOptions(
  given: Arguments,
  workplace: Workplace,
  java: Java | string,
  load: LoadProgram | string,
): RunOptions {
  const c = typeof load === 'string' ? null : new CClient(workplace, load.program);
  const withJava = typeof java === 'string' ? null : java;
  const tools = withJava === null ? null : new JavaTools(workplace, withJava);
  return {
    rounds: given.needInteger('rounds'),
    share: given.needInteger('percent') / 100,
    givenRecords: given.integer('records'),
    recordSizeBytes: given.integer('record-size'),
    clients: { ...(tools === null ? {} : { java: tools }), ...(c === null ? {} : { c }) },
    latencyClient: tools,
    zookeeper: withJava === null ? null : () => startZooKeeper(workplace, withJava),
    workplace,
    progress,
  };
}

function report(
  given: Arguments,
  cases: readonly BenchmarkCase[],
  systems: readonly System[],
  outcome: Outcome,
): void {
  const names = systems.map(({ name }) => name);
  const rows = tabulate(cases, names, outcome);
  process.stdout.write(`\n${tableText(rows, names)}`);
  for (const { case: name, system, round, message } of outcome.failures)
    process.stdout.write(`FAILED: ${name}, ${system}, round ${round}: ${message}\n`);
  const out = given.text('out');
  if (out === null) return;
  mkdirSync(out, { recursive: true });
  const versions = Object.fromEntries(systems.map(({ name, version }) => [name, version]));
  const results = { machine: machineFacts(), versions, rows, ...outcome };
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`results are in ${out}\n`);
}

function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}
