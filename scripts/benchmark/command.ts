/** The options of `scripts/bench`, and one run from them to the report. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Arguments, type CommandSpec, UsageError } from '../cli/arguments.ts';
import { CClient, findLoadProgram, type LoadProgram } from './c-client.ts';
import type { BenchmarkCase } from './case.ts';
import { CASES, casesNamed } from './cases.ts';
import { chartOf } from './chart.ts';
import { findJava, type Java } from './java.ts';
import { checkoutVersion, machineFacts } from './machine.ts';
import { runMicro } from './micro/cases.ts';
import { checkOut, type OtherCheckout } from './other-checkout.ts';
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
      name: 'seconds',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 600,
      help: 'per case about so long, by the rate of its first warm-up',
    },
    {
      name: 'warm-up',
      value: 'SECONDS',
      kind: 'integer',
      max: 600,
      help: 'of records through every new cluster before its first case',
      fallback: '10',
    },
    { name: 'self', value: 'REV', help: 'compare with another commit of this repository instead of Kafka' },
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
    { name: 'micro', help: 'time pieces of the hot paths in this process instead, about ten seconds' },
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
  if (given.flag('micro')) {
    await runMicro((line) => process.stdout.write(`${line}\n`));
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
  const other = otherCheckout(given, workplace);
  const cleanUp = async (): Promise<void> => {
    await workplace.endAll();
    other?.remove();
    await workplace.close();
  };
  const interrupted = (): void => {
    progress('interrupted; stopping everything');
    void cleanUp().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const systems = chosenSystems(workplace, java, { only, other });
    const outcome = await runCases(cases, systems, runOptions(given, workplace, { java, load }));
    report(given, cases, systems, outcome);
    if (profiles !== null) process.stdout.write(`\n${profileText(profiles)}`);
    return outcome.failures.length === 0 ? 0 : 1;
  } finally {
    await cleanUp();
  }
}

function otherCheckout(given: Arguments, workplace: Workplace): OtherCheckout | null {
  const revision = given.text('self');
  return revision === null ? null : checkOut(ROOT, revision, workplace.directory);
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

function chosenSystems(
  workplace: Workplace,
  java: Java | string,
  { only, other }: { only: string | null; other: OtherCheckout | null },
): System[] {
  const systems = [odradek(workplace, 'odradek', checkoutVersion(), ROOT)];
  if (other !== null) return [...systems, odradek(workplace, 'before', other.version, other.path)];
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
  { java, load }: { java: Java | string; load: LoadProgram | string },
): RunOptions {
  const c = typeof load === 'string' ? null : new CClient(workplace, load.program);
  const withJava = typeof java === 'string' ? null : java;
  const tools = withJava === null ? null : new JavaTools(workplace, withJava);
  return {
    rounds: given.needInteger('rounds'),
    share: given.needInteger('percent') / 100,
    givenRecords: given.integer('records'),
    seconds: given.integer('seconds'),
    warmUpSeconds: given.needInteger('warm-up'),
    recordSizeBytes: given.integer('record-size'),
    clients: { ...(tools === null ? {} : { java: tools }), ...(c === null ? {} : { c }) },
    latencyClient: tools,
    zookeeper: withJava === null ? null : () => startZooKeeper(workplace, withJava),
    workplace,
    rates: new Map(),
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
  const settings = Object.fromEntries(
    ['rounds', 'percent', 'records', 'seconds', 'warm-up', 'record-size'].map((key) => [
      key,
      given.text(key),
    ]),
  );
  const results = { machine: machineFacts(), versions, settings, rows, ...outcome };
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  for (const [group, those] of Map.groupBy(rows, (row) => row.group)) {
    const chart = chartOf(group, those, names);
    if (chart !== null) writeFileSync(join(out, `${group.replaceAll(' ', '-')}.svg`), chart);
  }
  process.stdout.write(`results are in ${out}\n`);
}

function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}
