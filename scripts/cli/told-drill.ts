/** A drill with words: what it expects, what is done as it is done, its score, its verdict, and where its report is. */
import { type DrillEnd, startDrill } from '../drills/api.ts';
import type { Drill } from '../drills/drill.ts';
import { seconds } from '../drills/judgement.ts';
import { clientLines, hasHeld, scoreRows } from '../drills/post-mortem.ts';
import type { DrillResult, DrillSetting } from '../drills/run-drill.ts';
import { print } from './output.ts';

/** Where the reports of drills go unless told otherwise, from the working directory. */
export const DRILLS_OUT = 'drill-reports';

export interface Telling {
  readonly setting: DrillSetting;
  /** Aborted: somebody has had enough. */
  readonly signal: AbortSignal;
  /** Where the report goes. */
  readonly out: string;
  /** The result for programs on standard output, and all words beside it. */
  readonly asJson: boolean;
  /** With the hint before, and the explanation at the end. */
  readonly explains: boolean;
}

const WIDTH = 52;

export async function runAndTell(drill: Drill, telling: Telling): Promise<DrillEnd> {
  const { setting, signal, out, asJson, explains } = telling;
  const say = (line: string): Promise<void> => tell(line, asJson);
  await say(`\n${drill.title} (about ${Math.round(drill.takesMs / 1000)} s)`);
  await say(`  steady state: ${drill.steadyState}`);
  await say(`  hypothesis:   ${drill.hypothesis}`);
  if (explains) await say(`  hint:         ${drill.hint}`);
  const end = await startDrill(drill, {
    out,
    signal,
    setting,
    onProgress: (line, atMs) => void say(`  ${seconds(atMs).padStart(8)}  ${line}`).catch(() => {}),
  });
  if (end.how === 'broken') await say(`  BROKEN: ${end.reason}`);
  if (end.how === 'called off') await say(`  the drill ${drill.name} is called off`);
  if (end.how !== 'held' && end.how !== 'did not hold') return end;
  if (asJson) {
    const { acknowledgements: _all, ...rest } = end.result;
    await print(JSON.stringify(rest));
  } else await report(end.result, end.report.page, explains);
  return end;
}

/** A line that is no result: with JSON only that goes to standard output. */
export function tell(line: string, asJson: boolean): Promise<void> {
  if (!asJson) return print(line);
  process.stderr.write(`${line}\n`);
  return Promise.resolve();
}

async function report(result: DrillResult, page: string, withExplanation: boolean): Promise<void> {
  const { verdicts, drill } = result;
  for (const [what, figure] of scoreRows(result)) await print(`  ${what.padEnd(WIDTH)}${figure}`);
  for (const line of result.clients === undefined ? [] : clientLines(result.clients))
    await print(`  ${line}`);
  for (const { held, words } of verdicts) await print(`  ${held ? 'held' : 'DID NOT HOLD'}: ${words}`);
  if (withExplanation || !hasHeld(result)) await print(`  ${drill.explanation}`);
  await print(`  the post-mortem is ${page}`);
}
