/** What matters in a failover, over the last ten minutes. */
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
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
  }, [title]);
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
    axes: [axis, { ...axis, size: 64 }],
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
