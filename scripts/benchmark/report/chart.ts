/** One picture per group of cases: how many times better than the other system, on a scale of doublings. */

import { rounded } from '../runner.ts';
import type { Row } from './report.ts';

const ROW = 22;
/** Between two cases. */
const GAP = 8;
const LEFT = 330;
const WIDTH = 1040;
const TOP = 56;
const RIGHT = 260;
const OURS = '#2a7f62';
const THEIRS = '#b5473c';
/** Labels of the scale stay this far apart. */
const MOST_LABELS = 12;

/** null when there is nothing to compare. */
export function chartOf(title: string, rows: readonly Row[], systems: readonly string[]): string | null {
  const drawn = rows.filter(({ ratio }) => ratio !== null);
  const [ours = '', theirs = ''] = systems;
  if (drawn.length === 0) return null;
  const extremes = drawn.flatMap(({ ratio }) => (ratio === null ? [] : [ratio.min, ratio.max]));
  const low = Math.floor(Math.min(-1, Math.log2(Math.min(...extremes))));
  const high = Math.ceil(Math.max(1, Math.log2(Math.max(...extremes))));
  const x = (ratio: number): number =>
    LEFT + ((Math.log2(ratio) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const tops = topsOf(drawn);
  const height = (tops.at(-1) ?? TOP) + ROW + 16;
  const step = Math.ceil((high - low) / MOST_LABELS);
  const exponents = Array.from({ length: high - low + 1 }, (_, index) => low + index);
  const grid = exponents
    .filter((exponent) => exponent % step === 0)
    .map((exponent) => line(exponent, height, x));
  const bars = drawn.map((row, index) => bar(row, tops[index] ?? TOP, x, systems));
  const heading = escaped(
    `${title}: how many times better ${ours} is than ${theirs} (median; line: min to max)`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<title>${heading}</title>
<rect width="100%" height="100%" fill="white"/>
<text x="10" y="20" font-size="15">${heading}</text>
<text x="${WIDTH - RIGHT + 100}" y="${TOP - 10}" fill="#666">${escaped(`${ours} : ${theirs}`)}</text>
${[...grid, ...bars].join('\n')}
</svg>
`;
}

/** Rows of one case stand together. */
function topsOf(rows: readonly Row[]): number[] {
  let top = TOP;
  return rows.map((row, index) => {
    if (index > 0) top += ROW + (rows[index - 1]?.case === row.case ? 0 : GAP);
    return top;
  });
}

function line(exponent: number, height: number, x: (ratio: number) => number): string {
  const at = x(2 ** exponent).toFixed(1);
  const label = exponent < 0 ? `1/${2 ** -exponent}` : String(2 ** exponent);
  const colour = exponent === 0 ? '#333' : '#ddd';
  return `<line x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${height - 12}" stroke="${colour}"/><text x="${at}" y="${TOP - 10}" text-anchor="middle" fill="#666">${label}</text>`;
}

function bar(row: Row, y: number, x: (ratio: number) => number, systems: readonly string[]): string {
  const { median, min, max } = row.ratio ?? { median: 1, min: 1, max: 1 };
  const from = Math.min(x(1), x(median));
  const width = Math.abs(x(median) - x(1));
  const middle = y + ROW / 2;
  const label = escaped(`${row.case}, ${row.metric}`);
  const numbers = systems.map((system) => rounded(row.medians[system] ?? Number.NaN)).join(' : ');
  return [
    `<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${label}</text>`,
    `<rect x="${from.toFixed(1)}" y="${y + 4}" width="${width.toFixed(1)}" height="${ROW - 8}" fill="${median >= 1 ? OURS : THEIRS}"/>`,
    `<line x1="${x(min).toFixed(1)}" y1="${middle}" x2="${x(max).toFixed(1)}" y2="${middle}" stroke="#333"/>`,
    `<text x="${WIDTH - RIGHT + 20}" y="${middle + 4}" font-weight="bold">${rounded(median)} x</text>`,
    `<text x="${WIDTH - RIGHT + 100}" y="${middle + 4}" fill="#666">${escaped(`${numbers} ${row.unit}`)}</text>`,
  ].join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
