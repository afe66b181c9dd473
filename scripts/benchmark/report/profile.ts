/** Where Odradek's brokers spent their time: V8's CPU profiles of a run, summed up by function. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 30;
const NOT_WORK = new Set(['(idle)', '(program)', '(root)']);

/** Makes every Node process that is started from here on write a profile when it ends. */
export function profileChildren(directory: string): void {
  const flags = `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${directory}`;
  process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} ${flags}`.trim();
}

/** The functions with the most time of their own, over all profiles of a directory. */
export function profileText(directory: string): string {
  const totals = new Map<string, number>();
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.cpuprofile')))
    addProfile(totals, JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile);
  const working = [...totals].filter(([name]) => !NOT_WORK.has(name.split(' ')[0] ?? ''));
  const sum = working.reduce((before, [, micros]) => before + micros, 0);
  const top = working.toSorted(([, a], [, b]) => b - a).slice(0, SHOWN);
  const lines = top.map(
    ([name, micros]) =>
      `${((micros / sum) * 100).toFixed(1).padStart(5)} %  ${(micros / 1000).toFixed(0).padStart(6)} ms  ${name}`,
  );
  const program = (totals.get('(program)') ?? 0) / 1000;
  return `${lines.join('\n')}\n(${(sum / 1e6).toFixed(1)} s of JavaScript in all, and ${program.toFixed(0)} ms outside)\n`;
}

function addProfile(totals: Map<string, number>, profile: CpuProfile): void {
  const names = new Map<number, string>();
  for (const { id, callFrame } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const file = url
      .replace(/^.*\/(?=(broker|coordinator-client|node_modules)\/)/, '')
      .replace(/^file:\/\//, '');
    const place = file === '' ? '' : ` ${file}:${lineNumber + 1}`;
    names.set(id, `${functionName || '(anonymous)'}${place}`);
  }
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '?';
    totals.set(name, (totals.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
}
