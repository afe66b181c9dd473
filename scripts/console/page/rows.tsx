/** A long table of which only the rows in sight are there: thousands of partitions scroll as ten do. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const ROW_PX = 26;
const SPARE_ROWS = 8;
/** So many are scrolled before others are drawn. */
const STEP_ROWS = 4;

interface RowsProps {
  readonly count: number;
  readonly label: string;
  /** Cells of the head. */
  readonly head: ComponentChildren;
  /** Cells of a row. */
  readonly row: (index: number) => ComponentChildren;
}

export function Rows({ count, label, head, row }: RowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const [topRow, setTopRow] = useState(0);
  const [heightPx, setHeightPx] = useState(600);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = new ResizeObserver(() => setHeightPx(element.clientHeight));
    measure.observe(element);
    return () => measure.disconnect();
  }, []);
  const first = Math.max(0, topRow - SPARE_ROWS);
  const last = Math.min(count, topRow + Math.ceil(heightPx / ROW_PX) + SPARE_ROWS + STEP_ROWS);
  return (
    <section
      class="rows"
      aria-label={label}
      // Who has no mouse scrolls it by its keys.
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable.
      tabIndex={0}
      ref={box}
      onScroll={({ currentTarget }) => {
        const row = Math.floor(currentTarget.scrollTop / ROW_PX);
        setTopRow(row - (row % STEP_ROWS));
      }}
    >
      <table aria-rowcount={count + 1}>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>
          <Space rows={first} />
          {Array.from({ length: Math.max(0, last - first) }, (_, at) => (
            <tr key={first + at} aria-rowindex={first + at + 2} style={{ height: `${ROW_PX}px` }}>
              {row(first + at)}
            </tr>
          ))}
          <Space rows={count - last} />
        </tbody>
      </table>
    </section>
  );
}

/** In place of the rows that are not there. */
function Space({ rows }: { readonly rows: number }) {
  return rows <= 0 ? null : <tr style={{ height: `${rows * ROW_PX}px` }} />;
}
