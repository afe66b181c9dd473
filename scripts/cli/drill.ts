/** `odradek drill`: failures to practise, each with a verdict. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensembleLacks } from '../../test/support/ensemble.ts';
import { Workplace } from '../benchmark/workplace.ts';
import { catalogue, drillOfFile } from '../drills/catalogue.ts';
import type { Drill } from '../drills/drill.ts';
import { MalformedDrill } from '../drills/drill-source.ts';
import { seconds } from '../drills/judgement.ts';
import { hasHeld, postMortem, scoreLines } from '../drills/post-mortem.ts';
import { postMortemPage } from '../drills/post-mortem-page.ts';
import { type DrillResult, runDrill } from '../drills/run-drill.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { print, printAll } from './output.ts';
import { tableLines } from './table.ts';

const DEFAULT_OUT = 'drill-reports';
const RESULT_FILE = 'result.json';
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export const drillCommand: CommandSpec = {
  name: 'drill',
  summary:
    'Failures to practise: a cluster of real processes is hurt under load, and what must hold is checked.',
  words: 'list | run NAME|FILE… | score DIRECTORY…',
  options: [
    { name: 'all', help: 'run: every drill that comes along' },
    { name: 'hint', help: 'run: the hint before, and the explanation at the end' },
    { name: 'out', value: 'DIR', help: 'run: where the reports go', fallback: DEFAULT_OUT },
    { name: 'json', help: 'answer in JSON' },
  ],
  notes:
    'A drill is a file that can be read and written: scripts/drills/catalogue has those that come along. Exit status 1 if something did not hold.',
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  const [verb = '', ...names] = given.words;
  if (verb === 'list') return list(given);
  if (verb === 'score') return score(names);
  if (verb !== 'run') throw new UsageError(`drill takes list, run or score, not '${verb}'`);
  if (given.flag('all') === names.length > 0) throw new UsageError('drill run takes names, or --all');
  return runDrills(given.flag('all') ? known() : names.map(drillNamed), given);
}

/** With their mistakes as those of whoever wrote them. */
function known(): readonly Drill[] {
  return read(catalogue);
}

function drillNamed(name: string): Drill {
  if (existsSync(name)) return read(() => drillOfFile(name));
  const found = known().find((drill) => drill.name === name);
  if (found === undefined)
    throw new UsageError(
      `there is no drill '${name}'; there are ${known()
        .map((drill) => drill.name)
        .join(', ')}`,
    );
  return found;
}

function read<Result>(reading: () => Result): Result {
  try {
    return reading();
  } catch (error) {
    if (error instanceof MalformedDrill) throw new UsageError(error.message);
    throw error;
  }
}

async function list(given: Arguments): Promise<number> {
  const drills = known();
  if (given.flag('json')) await print(JSON.stringify(drills));
  else {
    const rows = drills.map(({ name, title, takesMs, needsEnsemble }) => [
      name,
      `${Math.round(takesMs / 1000)} s`,
      needsEnsemble ? `${title} (needs a ZooKeeper ensemble)` : title,
    ]);
    await printAll(tableLines(['DRILL', 'TAKES', 'WHAT'], rows));
  }
  return 0;
}

/** All in one workplace, of which nothing stays, however this ends. */
async function runDrills(drills: readonly Drill[], given: Arguments): Promise<number> {
  const workplace = new Workplace('odradek-drill-');
  const interrupted = new Promise<number>((resolve) => {
    for (const [signal, status] of Object.entries(SIGNALS)) process.once(signal, () => resolve(status));
  });
  try {
    return await Promise.race([interrupted, inTurn(drills, workplace, given)]);
  } finally {
    await workplace.close();
  }
}

async function inTurn(drills: readonly Drill[], workplace: Workplace, given: Arguments): Promise<number> {
  const lacks = ensembleLacks();
  const summaries: string[][] = [];
  let hasFailed = false;
  for (const drill of drills) {
    if (drill.needsEnsemble && lacks !== null) {
      await tell(given, `skipped: ${drill.name}: ${lacks}`);
      continue;
    }
    const result = await one(drill, workplace, given);
    hasFailed ||= !hasHeld(result);
    summaries.push(summaryOf(result));
  }
  if (drills.length > 1 && !given.flag('json')) await printAll(tableLines(HEAD, summaries));
  return hasFailed ? 1 : 0;
}

const HEAD = [
  'DRILL',
  'VERDICT',
  'LOST',
  'DOUBLED',
  'REORDERED',
  'UNAVAILABLE',
  'P99 BEFORE',
  'DURING',
  'AFTER',
];

function summaryOf(result: DrillResult): string[] {
  const { score } = result;
  const p99 = ({ p99Ms }: { readonly p99Ms: number | null }): string =>
    p99Ms === null ? '-' : `${p99Ms} ms`;
  return [
    result.drill.name,
    hasHeld(result) ? 'held' : 'DID NOT HOLD',
    ...[score.lost, score.duplicated, score.reordered].map(String),
    seconds(Math.max(0, ...score.unavailableMs)),
    ...[score.before, score.during, score.after].map(p99),
  ];
}

async function one(drill: Drill, workplace: Workplace, given: Arguments): Promise<DrillResult> {
  await tell(given, `\n${drill.title} (about ${Math.round(drill.takesMs / 1000)} s)`);
  await tell(given, `  steady state: ${drill.steadyState}`);
  await tell(given, `  hypothesis:   ${drill.hypothesis}`);
  if (given.flag('hint')) await tell(given, `  hint:         ${drill.hint}`);
  const startedMs = performance.now();
  const say = (line: string): void => {
    void tell(given, `  ${seconds(performance.now() - startedMs).padStart(8)}  ${line}`);
  };
  const result = await runDrill(drill, { workplace, say });
  const directory = join(given.needText('out'), drill.name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, RESULT_FILE), JSON.stringify(result));
  writeFileSync(join(directory, 'post-mortem.md'), postMortem(result));
  writeFileSync(join(directory, 'post-mortem.html'), postMortemPage(result));
  if (given.flag('json')) {
    const { acknowledgements: _all, ...rest } = result;
    await print(JSON.stringify(rest));
  } else await report(result, directory, given.flag('hint'));
  return result;
}

async function report(result: DrillResult, directory: string, withExplanation: boolean): Promise<void> {
  const { verdicts, drill } = result;
  for (const line of scoreLines(result)) await print(`  ${line}`);
  for (const { held, words } of verdicts) await print(`  ${held ? 'held' : 'DID NOT HOLD'}: ${words}`);
  if (withExplanation || !hasHeld(result)) await print(`  ${drill.explanation}`);
  await print(`  the post-mortem is ${join(directory, 'post-mortem.html')}`);
}

/** Of runs that were made before. */
async function score(directories: readonly string[]): Promise<number> {
  if (directories.length === 0) throw new UsageError('drill score takes directories of reports');
  const results = directories.map((directory): DrillResult => {
    const file = join(directory, RESULT_FILE);
    if (!existsSync(file))
      throw new UsageError(`${directory} has no ${RESULT_FILE}: it is no report of a drill`);
    return JSON.parse(readFileSync(file, 'utf8')) as DrillResult;
  });
  await printAll(tableLines(HEAD, results.map(summaryOf)));
  return results.every(hasHeld) ? 0 : 1;
}

/** With --json only that goes to standard output. */
function tell(given: Arguments, line: string): Promise<void> {
  if (!given.flag('json')) return print(line);
  process.stderr.write(`${line}\n`);
  return Promise.resolve();
}
