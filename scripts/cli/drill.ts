/** `odradek drill`: failures to practise, each with a verdict. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { patience } from '../cluster/ending.ts';
import { lacksOf, listDrills } from '../drills/api.ts';
import { catalogue, drillOfFile, knownDrill } from '../drills/catalogue.ts';
import type { Drill } from '../drills/drill.ts';
import { MalformedDrill } from '../drills/drill-source.ts';
import { hasHeld } from '../drills/post-mortem.ts';
import { RESULT_FILE } from '../drills/report-files.ts';
import type { DrillResult } from '../drills/run-drill.ts';
import { brokenRow, SUMMARY_HEAD, summaryOf, writeSummary } from '../drills/summary.ts';
import { untilOutsideIsGone } from '../torment/cluster/isolation.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { drillSetting } from './drill-setting.ts';
import { print, printAll } from './output.ts';
import { tableLines } from './table.ts';
import { DRILLS_OUT, runAndTell, type Telling, tell } from './told-drill.ts';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export const drillCommand: CommandSpec = {
  name: 'drill',
  summary:
    'Failures to practise: a cluster of real processes is hurt under load, and what must hold is checked.',
  words: 'list | run NAME|FILE… | score DIRECTORY…',
  options: [
    { name: 'all', help: 'run: every drill that comes along' },
    { name: 'hint', help: 'run: the hint before, and the explanation at the end' },
    {
      name: 'bring-your-own',
      value: 'HOST:PORT',
      help: 'run: your clients instead of a load; the brokers are at this port of 127.0.0.1 and the next two, and the drill begins when something is produced there',
    },
    { name: 'system', value: 'NAME', help: 'run: what it is run on, odradek or kafka', fallback: 'odradek' },
    {
      name: 'kafka-dir',
      value: 'DIR',
      help: 'run: with --system kafka, an unpacked release instead of the jars that Maven fetches once',
    },
    { name: 'out', value: 'DIR', help: 'run: where the reports go', fallback: DRILLS_OUT },
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
  const found = read(() => knownDrill(name));
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
  const drills = read(listDrills);
  if (given.flag('json')) await print(JSON.stringify(drills));
  else {
    const rows = drills.map(({ name, title, takesMs, lacks }) => [
      name,
      `${Math.round(takesMs / 1000)} s`,
      lacks === null ? title : `${title} (not here: ${lacks})`,
    ]);
    await printAll(tableLines(['DRILL', 'TAKES', 'WHAT'], rows));
  }
  return 0;
}

async function runDrills(drills: readonly Drill[], given: Arguments): Promise<number> {
  const asJson = given.flag('json');
  const setting = await drillSetting(given, (line) => void tell(line, asJson).catch(() => {}));
  if (typeof setting === 'number') return setting;
  const interruption = new AbortController();
  let interruptedStatus: number | null = null;
  const isOver = patience();
  for (const [signal, status] of Object.entries(SIGNALS)) {
    // A second one would only leave behind what the first one has ended, unless that takes long.
    process.on(signal, () => {
      interruptedStatus ??= status;
      interruption.abort();
      if (isOver()) process.exit(interruptedStatus);
    });
  }
  void untilOutsideIsGone().then(() => interruption.abort());
  const status = await inTurn(drills, {
    setting,
    signal: interruption.signal,
    out: given.needText('out'),
    asJson,
    explains: given.flag('hint'),
  });
  return interruptedStatus ?? status;
}

/**
 * What one could not be carried out for is told, and the others are run all the same. Those that have ended before
 * the rest is called off are reported.
 */
async function inTurn(drills: readonly Drill[], telling: Telling): Promise<number> {
  const { setting, asJson, out } = telling;
  if (drills.length > 1)
    await tell(sizeOf(drills.filter((drill) => lacksOf(drill, setting) === null)), asJson);
  const rows: string[][] = [];
  const notes: string[] = [];
  let hasFailed = false;
  for (const drill of drills) {
    const lacking = lacksOf(drill, setting);
    if (lacking !== null) {
      notes.push(`skipped: ${drill.name}: ${lacking}`);
      await tell(notes.at(-1) ?? '', asJson);
      continue;
    }
    const end = await runAndTell(drill, telling);
    if (end.how === 'called off') {
      hasFailed = true;
      break;
    }
    if (end.how === 'broken') notes.push(`broken: ${drill.name}: ${end.reason}`);
    hasFailed ||= end.how !== 'held';
    rows.push(end.how === 'broken' ? brokenRow(drill.name) : summaryOf(end.result));
  }
  if (drills.length > 1 && rows.length > 0) {
    if (!asJson) await printAll(tableLines(SUMMARY_HEAD, rows));
    await tell(`all of them: ${writeSummary(rows, notes, out)}`, asJson);
  }
  return hasFailed || rows.length === 0 ? 1 : 0;
}

function sizeOf(drills: readonly Drill[]): string {
  const takesMs = drills.reduce((sum, drill) => sum + drill.takesMs, 0);
  return `${drills.length} drills, about ${Math.ceil(takesMs / 60_000)} min`;
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
  await printAll(tableLines(SUMMARY_HEAD, results.map(summaryOf)));
  return results.every(hasHeld) ? 0 : 1;
}
