/** Several drills in one report: a table, with the way to each post-mortem. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seconds } from './judgement.ts';
import { hasHeld } from './post-mortem.ts';
import { escaped } from './post-mortem-page.ts';
import type { DrillResult } from './run-drill.ts';

export const SUMMARY_HEAD = [
  ...['DRILL', 'VERDICT', 'LOST', 'DOUBLED', 'REORDERED'],
  ...['UNAVAILABLE', 'P99 BEFORE', 'DURING', 'AFTER'],
];

const BROKEN = 'BROKEN';

/** What became of one drill, in the columns of `SUMMARY_HEAD`. */
export function summaryOf(result: DrillResult): string[] {
  const { score } = result;
  const p99 = ({ p99Ms }: { readonly p99Ms: number | null }): string =>
    p99Ms === null ? '-' : `${p99Ms} ms`;
  return [
    result.drill.name,
    hasHeld(result) ? 'held' : 'DID NOT HOLD',
    ...[score.lost, score.duplicated, score.reordered].map((count) => String(count ?? '-')),
    seconds(Math.max(0, ...score.unavailableMs)),
    ...[score.before, score.during, score.after].map(p99),
  ];
}

/** Of one that could not be carried out: it has no report. */
export function brokenRow(name: string): string[] {
  return [name, BROKEN, ...SUMMARY_HEAD.slice(2).map(() => '-')];
}

/** The file's name; `rows` as `summaryOf` and `brokenRow` have them. */
export function writeSummary(
  rows: readonly (readonly string[])[],
  notes: readonly string[],
  out: string,
): string {
  const file = join(out, 'index.html');
  const linked = (name: string): string =>
    `<a href="${encodeURI(name)}/post-mortem.html">${escaped(name)}</a>`;
  const cells = (row: readonly string[]): string =>
    row
      .map((cell, at) => `<td>${at === 0 && row[1] !== BROKEN ? linked(cell) : escaped(cell)}</td>`)
      .join('');
  const table = [
    `<tr>${SUMMARY_HEAD.map((name) => `<th>${name}</th>`).join('')}</tr>`,
    ...rows.map((row) => `<tr>${cells(row)}</tr>`),
  ];
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Drills</title>
<style>:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; } td, th { padding: .2rem .6rem; text-align: left; } body { overflow-x: auto; }</style>
</head><body><table>
${table.join('\n')}
</table>
${notes.map((note) => `<p>${escaped(note)}</p>`).join('\n')}
</body></html>
`;
  // Where all are broken, no report has made it.
  mkdirSync(out, { recursive: true });
  writeFileSync(file, page);
  return file;
}
