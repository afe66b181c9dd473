/** The platform of a real process is complete and writes where it is told. */
import { stat } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../broker/platform/clock.ts';
import { systemPlatform } from '../../../broker/platform/system-platform.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('waits longer than the runtime’s timers can, and cancels that too', () => {
  const days = 24 * 3600 * 1000;
  vi.useFakeTimers();
  const fired: string[] = [];
  systemClock.after(60 * days, () => fired.push('after 60 days'));
  const cancelled = systemClock.after(60 * days, () => fired.push('cancelled'));
  vi.advanceTimersByTime(50 * days);
  expect(fired).toEqual([]);
  cancelled.cancel();
  vi.advanceTimersByTime(10 * days);
  expect(fired).toEqual(['after 60 days']);
});

it('runs what is due at once before any timer, never synchronously, and not when it is cancelled', async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    // From a callback of I/O the order is certain.
    stat('/', () => {
      setTimeout(() => {
        order.push('timer');
        resolve();
      }, 0);
      systemClock.after(0, () => order.push('due at once'));
      systemClock.after(0, () => order.push('cancelled')).cancel();
      order.push('the callback goes on');
    });
  });
  expect(order).toEqual(['the callback goes on', 'due at once', 'timer']);
});

it('assembles a platform whose lines and metrics carry what they were given', async () => {
  const lines: string[] = [];
  const platform = systemPlatform({
    write: (line) => lines.push(line),
    logLevel: 'warn',
    metricLabels: { broker: '7' },
  });
  platform.diagnostics.info('not this');
  platform.diagnostics.named('Controller id=7').warn('but this');
  expect(lines).toEqual([expect.stringMatching(/^\[\d{4}-.*\] WARN \[Controller id=7\] but this$/)]);
  platform.metrics.counter('requests', 'Requests').add(3);
  expect(await platform.metrics.render()).toContain('requests{broker="7"} 3');
  expect(platform.disk.freeBytes('/')).toBeGreaterThan(0);
  expect(platform.random.bytes(5)).toHaveLength(5);
  expect(platform.clock.nowMs()).toBeLessThanOrEqual(platform.clock.nowMs());
});
