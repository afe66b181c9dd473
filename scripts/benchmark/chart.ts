/** One picture per group of cases: how many times better than the other system, on a scale of doublings. */
import type { Row } from './report.ts';

const ROW = 22;
const LEFT = 330;
const WIDTH = 900;
const TOP = 56;
const RIGHT = 70;
const OURS = '#2a7f62';
const THEIRS = '#b5473c';

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
  const height = TOP + drawn.length * ROW + 16;
  const grid = Array.from({ length: high - low + 1 }, (_, index) => 2 ** (low + index)).map((ratio) => {
    const at = x(ratio).toFixed(1);
    const label = ratio < 1 ? `1/${1 / ratio}` : String(ratio);
    const colour = ratio === 1 ? '#333' : '#ddd';
    return `<line x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${height - 12}" stroke="${colour}"/><text x="${at}" y="${TOP - 10}" text-anchor="middle" fill="#666">${label}</text>`;
  });
  const bars = drawn.map((row, index) => bar(row, TOP + index * ROW, x));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="10" y="20" font-size="15">${escaped(`${title}: ${ours} is so many times better than ${theirs} (median; line: min to max)`)}</text>
${[...grid, ...bars].join('\n')}
</svg>
`;
}

function bar(row: Row, y: number, x: (ratio: number) => number): string {
  const { median, min, max } = row.ratio ?? { median: 1, min: 1, max: 1 };
  const from = Math.min(x(1), x(median));
  const width = Math.abs(x(median) - x(1));
  const middle = y + ROW / 2;
  const label = escaped(`${row.case}, ${row.metric}`);
  return [
    `<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${label}</text>`,
    `<rect x="${from.toFixed(1)}" y="${y + 4}" width="${width.toFixed(1)}" height="${ROW - 8}" fill="${median >= 1 ? OURS : THEIRS}"/>`,
    `<line x1="${x(min).toFixed(1)}" y1="${middle}" x2="${x(max).toFixed(1)}" y2="${middle}" stroke="#333"/>`,
    `<text x="${WIDTH - RIGHT + 10}" y="${middle + 4}">${median.toFixed(median < 10 ? 2 : 1)} x</text>`,
  ].join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
