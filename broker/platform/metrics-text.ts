/**
 * The text that Prometheus reads, in pieces: that of thousands of topics takes too long to be made at once.
 * prom-client makes it, and is loaded when somebody asks for it: it would cost every broker's start-up
 * fifteen milliseconds and seven megabytes.
 */
import type { Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

/** To make so many lines takes some milliseconds. */
const LINES_PER_PIECE = 2000;

/** A line of the exposition. */
export interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** All lines about one name. */
export interface SampledFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: Iterable<Sample>;
}

/** Each piece is made when it is asked for, of what is true then. `constant` labels are on every line. */
export async function* exposition(
  families: Iterable<SampledFamily>,
  constant: Labels,
): AsyncGenerator<string, void> {
  let piece = '';
  let linesLeft = LINES_PER_PIECE;
  let isFirst = true;
  for (const family of families) {
    let group: Sample[] = [];
    let isBegun = false;
    piece += isFirst ? '' : '\n\n';
    isFirst = false;
    for (const sample of family.samples) {
      group.push(sample);
      if (group.length < linesLeft) continue;
      const text = await linesOf(family, group, constant);
      yield piece + (isBegun ? withoutHead(text) : text);
      piece = '';
      linesLeft = LINES_PER_PIECE;
      group = [];
      isBegun = true;
    }
    if (isBegun && group.length === 0) continue;
    const text = await linesOf(family, group, constant);
    piece += isBegun ? withoutHead(text) : text;
    linesLeft = Math.max(1, linesLeft - group.length);
  }
  yield `${piece}\n`;
}

type Registered = Parameters<Registry['registerMetric']>[0];

async function linesOf(
  { name, help, type }: SampledFamily,
  values: readonly Sample[],
  constant: Labels,
): Promise<string> {
  const prometheus = await import('prom-client');
  const registry = new prometheus.Registry();
  registry.setDefaultLabels(constant);
  // What a registry asks of a metric when it renders: `get`, and nothing else.
  const get = () => Promise.resolve({ name, help, type, values });
  registry.registerMetric({ name, get } as unknown as Registered);
  return registry.getSingleMetricAsString(name);
}

/** Without the two lines of help and type, which a family has once; the break behind them stays. */
function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1));
}
