/** The platform of a real process is complete and writes where it is told. */
import { expect, it } from 'vitest';
import { systemPlatform } from '../../../broker/platform/system-platform.ts';

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
