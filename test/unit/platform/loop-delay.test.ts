/** The histogram of the event loop's delay: what holds the loop is seen, and nothing is after the end. */
import { afterEach, expect, it } from 'vitest';
import { type LoopDelayWatch, watchLoopDelay } from '../../../broker/platform/loop-delay.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { eventually } from '../../support/eventually.ts';

const HELD_MS = 300;
const NAME = 'odradek_event_loop_delay_seconds';
let watch: LoopDelayWatch | null = null;

afterEach(() => watch?.stop());

async function sampleOf(metrics: ReturnType<typeof createMetrics>, sample: string): Promise<number> {
  const line = (await metrics.render()).split('\n').find((each) => each.startsWith(`${sample} `));
  return Number(line?.split(' ')[1]);
}

/** By the upper bounds of the buckets, how many delays were beyond them. */
async function delaysBeyond(metrics: ReturnType<typeof createMetrics>, seconds: string): Promise<number> {
  const within = await sampleOf(metrics, `${NAME}_bucket{le="${seconds}"}`);
  return (await sampleOf(metrics, `${NAME}_count`)) - within;
}

function holdLoop(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

it('what holds the loop is one delay of that length', async () => {
  const metrics = createMetrics();
  watch = watchLoopDelay(metrics);
  const before = await delaysBeyond(metrics, '0.2');
  holdLoop(HELD_MS);
  await eventually('the delay is seen', async () => (await delaysBeyond(metrics, '0.2')) > before);
});

it('nothing is observed once it is stopped', async () => {
  const metrics = createMetrics();
  watch = watchLoopDelay(metrics);
  watch.stop();
  holdLoop(HELD_MS);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await delaysBeyond(metrics, '0.002')).toBe(0);
});

it('turns of the loop are counted, also those of one period', async () => {
  const metrics = createMetrics();
  watch = watchLoopDelay(metrics);
  const before = await sampleOf(metrics, 'odradek_event_loop_turns');
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect((await sampleOf(metrics, 'odradek_event_loop_turns')) - before).toBeGreaterThanOrEqual(100);
});
