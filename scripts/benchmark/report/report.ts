/** The results: medians and ratios of all rounds, as a table and as JSON. */
import type { BenchmarkCase, Metric } from '../case.ts';
import { median } from '../pairs.ts';
import { type Outcome, rounded } from '../runner.ts';

export interface Row {
  readonly case: string;
  readonly title: string;
  readonly group: string;
  readonly metric: string;
  readonly unit: string;
  readonly better: Metric['better'];
  /** By system, the median of its rounds; null: it has none, or the case has failed in one of them. */
  readonly medians: Readonly<Record<string, number | null>>;
  /** Systems in which the case has failed. */
  readonly failed: readonly string[];
  /** How many times better the first system is, per round; null when there is but one system. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number } | null;
}

export function tabulate(
  cases: readonly BenchmarkCase[],
  systems: readonly string[],
  outcome: Outcome,
): Row[] {
  const rows: Row[] = [];
  for (const each of cases) {
    for (const [key, metric] of Object.entries(each.metrics)) {
      const failed = systems.filter((system) =>
        outcome.failures.some((failure) => failure.case === each.name && failure.system === system),
      );
      const perSystem = systems.map((system) =>
        failed.includes(system) ? new Map<number, number>() : valuesOf(outcome, each.name, system, key),
      );
      const medians = Object.fromEntries(
        systems.map((system, index) => {
          const values = [...(perSystem[index]?.values() ?? [])];
          return [system, values.length === 0 ? null : median(values)];
        }),
      );
      const { name, title, group } = each;
      const ratio = ratios(perSystem, metric.better);
      rows.push({
        case: name,
        title,
        group,
        metric: metric.name,
        unit: metric.unit,
        better: metric.better,
        medians,
        failed,
        ratio,
      });
    }
  }
  return rows;
}

function valuesOf(outcome: Outcome, name: string, system: string, key: string): Map<number, number> {
  const found = outcome.readings.filter((each) => each.case === name && each.system === system);
  return new Map(found.map(({ round, values }) => [round, values[key] ?? Number.NaN]));
}

/**
 * Of rounds in which both have a number: neighbours in time, which shared what else the machine did. A
 * number of 0, such as of CPU that was too little to be seen, has no ratio, and none has one below: who was back
 * before the session timeout was over has a time of less than nothing.
 */
function ratios(perSystem: readonly ReadonlyMap<number, number>[], better: Metric['better']): Row['ratio'] {
  const [first, second] = perSystem;
  if (first === undefined || second === undefined) return null;
  const found: number[] = [];
  for (const [round, ours] of first) {
    const theirs = second.get(round);
    if (theirs === undefined || theirs <= 0 || ours <= 0) continue;
    found.push(better === 'higher' ? ours / theirs : theirs / ours);
  }
  if (found.length === 0) return null;
  return { median: median(found), min: Math.min(...found), max: Math.max(...found) };
}

export function tableText(rows: readonly Row[], systems: readonly string[]): string {
  const [ours = '', theirs] = systems;
  const header = ['case', 'metric', 'unit', ...systems];
  if (theirs !== undefined) header.push(`${ours} is better by`, 'min', 'max');
  const lines = rows.map(({ case: name, metric, unit, medians, failed, ratio }) => {
    const shown = systems.map((system) =>
      failed.includes(system) ? 'FAILED' : rounded(medians[system] ?? Number.NaN),
    );
    const cells = [name, metric, unit, ...shown];
    if (theirs === undefined) return cells;
    if (ratio === null) return [...cells, '-', '-', '-'];
    return [...cells, `${rounded(ratio.median)} x`, rounded(ratio.min), rounded(ratio.max)];
  });
  const all = [header, ...lines];
  const widths = header.map((_, column) => Math.max(...all.map((cells) => (cells[column] ?? '').length)));
  const text = all.map((cells) =>
    cells
      .map((cell, column) =>
        column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return `${text.join('\n')}\n`;
}
