/**
 * What the page costs, in a real Chromium: `node test/console/measure.ts` prints how large it is, how soon it
 * paints, and how many frames a second it makes of a thousand partitions that change all the time. The figures
 * in scripts/console/README.md are its.
 */
import type { Browser, Page } from 'playwright-core';
import { openDoor } from '../../scripts/console/door.ts';
import { pageFiles } from '../../scripts/console/page-files.ts';
import { serveConsole } from '../../scripts/console/server.ts';
import { browserPath, openBrowser } from './browser.ts';
import { restlessReader } from './restless-world.ts';

const PARTITIONS = 1000;
const LOADS = 7;
const WATCHED_MS = 5000;
/** Of what a frame may take at 60 a second. */
const LATE_MS = 25;

if (browserPath === null) throw new Error('no Chromium is installed');
const files = await pageFiles();
let sizeBytes = 0;
for (const { gzipped } of files.values()) sizeBytes += gzipped.length;
print('the page, compressed', `${(sizeBytes / 1000).toFixed(1)} kB`);
const reader = restlessReader(PARTITIONS);
const server = await serveConsole(openDoor(reader), {
  host: '127.0.0.1',
  port: 0,
  allowChanges: false,
  tls: null,
  files,
});
const browser = await openBrowser();
try {
  await measureLoads(browser);
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  for (const view of ['Partitions', 'Cluster', 'Charts']) {
    await page.goto(`${server.url}#${view}`);
    await page.getByText('live').waitFor();
    await measureFrames(page, view, false);
    if (view === 'Partitions') await measureFrames(page, view, true);
  }
} finally {
  await browser.close();
  server.close();
  reader.close();
}

async function measureLoads(started: Browser): Promise<void> {
  const paints: number[] = [];
  const shown: number[] = [];
  for (let load = 0; load < LOADS; load++) {
    const context = await started.newContext();
    const page = await context.newPage();
    await page.goto(`${server.url}#Partitions`);
    await page.getByRole('button', { name: 'topic-0-0', exact: true }).waitFor();
    shown.push(await page.evaluate<number>('performance.now()'));
    paints.push(
      await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
    );
    await context.close();
  }
  print('first paint, median and worst', `${median(paints)} ms, ${Math.round(Math.max(...paints))} ms`);
  print(`${PARTITIONS} partitions shown`, `${median(shown)} ms, ${Math.round(Math.max(...shown))} ms`);
}

async function measureFrames(page: Page, view: string, scrolls: boolean): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  // Of the processor, so that what else runs on this machine does not count.
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busyBefore = await busySeconds(devtools);
  const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
    const gaps = [];
    const rows = document.querySelector('.rows');
    let last = performance.now();
    const end = last + ${WATCHED_MS};
    const frame = (now) => {
      gaps.push(now - last);
      last = now;
      if (${scrolls}) rows.scrollTop = (rows.scrollTop + 40) % (rows.scrollHeight - rows.clientHeight);
      if (now < end) requestAnimationFrame(frame);
      else resolve(gaps.slice(1));
    };
    requestAnimationFrame(frame);
  })`);
  const busy = (await busySeconds(devtools)) - busyBefore;
  const wholeMs = frames.reduce((sum, each) => sum + each, 0);
  const late = frames.filter((each) => each > LATE_MS).length;
  print(
    `${view}${scrolls ? ', scrolling' : ''}`,
    `${((1000 * frames.length) / wholeMs).toFixed(1)} frames a second, ${late} of ${frames.length} late, the longest ${Math.round(Math.max(...frames))} ms; ${Math.round((1_000_000 * busy) / wholeMs)} ms of the processor a second`,
  );
}

async function busySeconds(devtools: {
  send(method: 'Performance.getMetrics'): Promise<{ metrics: { name: string; value: number }[] }>;
}): Promise<number> {
  const { metrics } = await devtools.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}

function print(what: string, figure: string): void {
  process.stdout.write(`${what}: ${figure}\n`);
}
