/** Tables of text as Kafka's tools print them: columns padded to what is in them. */

import { printable } from './output.ts';

type Cell = string | number | bigint | null;

/** What stands where there is nothing. */
const MISSING = '-';

/** Rows of one width; `leastWidths` are those of Kafka's columns, the last column is not padded. */
export function* tableLines(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  leastWidths: readonly number[] = [],
): Generator<string, void> {
  const texts = rows.map((row) => row.map((cell) => (cell === null ? MISSING : printable(String(cell)))));
  const widths = header.map((title, column) =>
    Math.max(title.length, leastWidths[column] ?? 0, ...texts.map((row) => (row[column] ?? '').length)),
  );
  for (const row of [header, ...texts])
    yield row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join(' ');
}
