/** What matters in a failover, over the last ten minutes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { time } from './format.ts';
import type { Sample } from './state.ts';

type Series = readonly [title: string, read: (sample: Sample) => number | null];

const SERIES: readonly Series[] = [
  ['records committed a second', ({ rate }) => rate],
  ['records that replicas are behind', ({ lag }) => lag],
  ['under-replicated partitions', ({ underReplicated }) => underReplicated],
  ['partitions without a leader', ({ offline }) => offline],
];
const HEIGHT_PX = 170;
const GROUP = 'all';
const DARK = '(prefers-color-scheme: dark)';

export function Charts({ samples }: { readonly samples: readonly Sample[] }) {
  return (
    <section aria-label="Charts" class="charts">
      {SERIES.map(([title, read]) => (
        <Chart
          key={title}
          title={title}
          times={samples.map(({ atMs }) => atMs / 1000)}
          values={samples.map(read)}
        />
      ))}
    </section>
  );
}

interface ChartProps {
  readonly title: string;
  /** Seconds since 1970. */
  readonly times: number[];
  readonly values: (number | null)[];
}

function Chart({ title, times, values }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  useDarkness();
  // As it is now: the browser may tell of a change before its colours are the new ones.
  const line = box.current === null ? null : colourOf(box.current, '--line');
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new UPlot(optionsOf(title, element), [times, values], element);
    plot.current = made;
    const measure = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    measure.observe(element);
    return () => {
      measure.disconnect();
      made.destroy();
    };
  }, [title, line]);
  plot.current?.setData([times, values]);
  const last = values.at(-1) ?? null;
  return (
    <figure>
      <figcaption>
        {title}: {last === null ? '–' : Math.round(last).toLocaleString('en')}
      </figcaption>
      <div ref={box} />
    </figure>
  );
}

/** What uses it is drawn anew when the colours change: a chart has those from when it was made. */
function useDarkness(): void {
  const [, setDark] = useState(matchMedia(DARK).matches);
  useEffect(() => {
    const query = matchMedia(DARK);
    const moved = (): void => setDark(query.matches);
    query.addEventListener('change', moved);
    return () => query.removeEventListener('change', moved);
  }, []);
}

function optionsOf(title: string, element: HTMLElement): UPlot.Options {
  const line = colourOf(element, '--line');
  const axis = {
    stroke: colourOf(element, '--quiet'),
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { sync: { key: GROUP } },
    axes: [
      {
        ...axis,
        space: 80,
        size: 30,
        values: (_plot, times) => times.map((each) => time(1000 * each).slice(0, -'.000'.length)),
      },
      { ...axis, size: 64 },
    ],
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
    series: [{}, { label: title, stroke: colourOf(element, '--accent'), width: 2 }],
  };
}

/** A canvas takes no variables: the browser is asked what one comes to here. */
function colourOf(element: HTMLElement, variable: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${variable})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
