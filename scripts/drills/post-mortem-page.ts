/**
 * The same with pictures, as a page of HTML that stands alone: every acknowledgement at the time when it came, as high
 * as it took, and the steps of the drill across.
 */
import { hasHeld, postMortem } from './post-mortem.ts';
import type { DrillResult } from './run-drill.ts';

const WIDTH = 960;
const LANE = 130;
const LEFT = 70;
const MOST_DOTS = 3000;
/** The scale is logarithmic, from 1 ms to 100 s. */
const DECADES = 5;

export function postMortemPage(result: DrillResult): string {
  const title = `${result.drill.title}: ${hasHeld(result) ? 'held' : 'did not hold'}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; }
svg text { fill: currentColor; font-size: 11px; }
.dot { fill: #1f5fbf; } .step { stroke: #c0392b; } .axis { stroke: currentColor; opacity: .25; }
.span { fill: #c0392b; opacity: .08; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
</head>
<body>
${picture(result)}
<pre>${escaped(postMortem(result))}</pre>
</body>
</html>
`;
}

/** One lane for each partition. */
function picture({ acknowledgements, during, timeline, lanes }: DrillResult): string {
  const times = acknowledgements.map(({ sentMs, tookMs }) => sentMs + tookMs);
  const fromMs = Math.min(...acknowledgements.map(({ sentMs }) => sentMs), during.fromMs);
  const toMs = Math.max(...times, during.toMs);
  const x = (atMs: number): number => LEFT + ((WIDTH - LEFT) * (atMs - fromMs)) / Math.max(1, toMs - fromMs);
  const partitions = [...new Set(acknowledgements.map(({ partition }) => partition))].sort((a, b) => a - b);
  const height = partitions.length * LANE + 30;
  const steps = timeline.filter(({ who }) => who === 'drill');
  const every = Math.ceil(acknowledgements.length / MOST_DOTS);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="How long each acknowledgement took">`,
    `<rect class="span" x="${x(during.fromMs)}" y="0" width="${x(during.toMs) - x(during.fromMs)}" height="${height - 30}"/>`,
    ...partitions.flatMap((partition, lane) => laneOf(lane, lanes?.[partition] ?? `partition ${partition}`)),
    ...acknowledgements
      .filter((_, index) => index % every === 0)
      .map(({ partition, sentMs, tookMs }) => {
        const y = heightOf(tookMs, partitions.indexOf(partition));
        return `<circle class="dot" cx="${x(sentMs + tookMs).toFixed(1)}" cy="${y.toFixed(1)}" r="2"/>`;
      }),
    ...steps.map(
      ({ atMs, what }) =>
        `<line class="step" x1="${x(atMs)}" x2="${x(atMs)}" y1="0" y2="${height - 30}"><title>${escaped(what)}</title></line>`,
    ),
    `<text x="${LEFT}" y="${height - 8}">0 s</text>`,
    `<text x="${WIDTH - 50}" y="${height - 8}">${((toMs - fromMs) / 1000).toFixed(1)} s</text>`,
    '</svg>',
  ].join('\n');
}

function laneOf(lane: number, name: string): string[] {
  const marks = [1, 10, 100, 1000, 10_000].map((ms) => {
    const y = heightOf(ms, lane);
    return `<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${y}" y2="${y}"/><text x="4" y="${y + 4}">${ms < 1000 ? `${ms} ms` : `${ms / 1000} s`}</text>`;
  });
  return [...marks, `<text x="${LEFT + 6}" y="${lane * LANE + 14}">${escaped(name)}</text>`];
}

/** The y of a time in its lane, which is drawn from below. */
function heightOf(tookMs: number, lane: number): number {
  const share = Math.log10(Math.max(1, tookMs)) / DECADES;
  return (lane + 1) * LANE - 12 - share * (LANE - 24);
}

/** As text of a page. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
