/** The histogram of the event loop's delay: what holds the loop is seen, and nothing is after the end. */
import { afterEach, expect, it } from 'vitest';
import { type LoopDelayWatch, watchLoopDelay } from '../../../broker/platform/loop-delay.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { eventually } from '../../support/eventually.ts';

const HELD_MS = 300;
const NAME = 'odradek_event_loop_delay_seconds';
let watch: LoopDelayWatch | null = null;

afterEach(() => watch?.stop());

/** By the upper bounds of the buckets, how many delays were beyond them. */
async function delaysBeyond(metrics: ReturnType<typeof createMetrics>, seconds: string): Promise<number> {
  const page = await metrics.render();
  const lineOf = (sample: string): number =>
    Number(
      page
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')[1],
    );
  return lineOf(`${NAME}_count`) - lineOf(`${NAME}_bucket{le="${seconds}"}`);
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
