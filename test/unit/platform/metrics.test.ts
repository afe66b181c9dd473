/** What /metrics shows for counters, gauges and distributions, line by line. */
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../../broker/platform/metrics.ts';

/** The lines about one metric, in the order in which they are rendered. */
async function rendered(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  return (await metrics.render()).split('\n').filter((line) => line.includes(name));
}

describe('metrics', () => {
  test('a counter is the same object for the same labels and renders one line for each set of labels', async () => {
    const metrics = createMetrics({ broker: '7' });
    metrics.counter('requests', 'All requests', { api: 'Fetch' }).add();
    metrics.counter('requests', 'All requests', { api: 'Fetch' }).add(2);
    metrics.counter('requests', 'All requests', { api: 'Produce' }).add(0.5);
    expect(metrics.counter('requests', 'All requests', { api: 'Fetch' }).value).toBe(3);
    expect(await rendered(metrics, 'requests')).toEqual([
      '# HELP requests All requests',
      '# TYPE requests counter',
      'requests{api="Fetch",broker="7"} 3',
      'requests{api="Produce",broker="7"} 0.5',
    ]);
  });

  test('a gauge is read when it is rendered, and registering it again replaces the reader', async () => {
    const metrics = createMetrics();
    let value = 1;
    metrics.gauge('depth', 'A "depth"\nof two lines', () => value);
    value = 2;
    expect(await rendered(metrics, 'depth')).toEqual([
      '# HELP depth A "depth"\\nof two lines',
      '# TYPE depth gauge',
      'depth 2',
    ]);
    metrics.gauge('depth', 'A depth', () => Number.POSITIVE_INFINITY);
    expect(await rendered(metrics, 'depth')).toContain('depth +Inf');
  });

  test('a distribution counts each value in all buckets whose upper bound it does not exceed', async () => {
    const metrics = createMetrics({ broker: '7' });
    const times = metrics.distribution('times', 'Times in ms', [1, 5, 10], { api: 'Fetch' });
    for (const value of [0, 1, 1.5, 10, 11]) times.observe(value);
    metrics.distribution('times', 'Times in ms', [2], { api: 'Produce' }).observe(2);
    expect(metrics.distribution('times', 'Times in ms', [], { api: 'Fetch' })).toBe(times);
    expect(await rendered(metrics, 'times')).toEqual([
      '# HELP times Times in ms',
      '# TYPE times histogram',
      'times_bucket{le="1",api="Fetch",broker="7"} 2',
      'times_bucket{le="5",api="Fetch",broker="7"} 3',
      'times_bucket{le="10",api="Fetch",broker="7"} 4',
      'times_bucket{le="+Inf",api="Fetch",broker="7"} 5',
      'times_sum{api="Fetch",broker="7"} 23.5',
      'times_count{api="Fetch",broker="7"} 5',
      'times_bucket{le="1",api="Produce",broker="7"} 0',
      'times_bucket{le="5",api="Produce",broker="7"} 1',
      'times_bucket{le="10",api="Produce",broker="7"} 1',
      'times_bucket{le="+Inf",api="Produce",broker="7"} 1',
      'times_sum{api="Produce",broker="7"} 2',
      'times_count{api="Produce",broker="7"} 1',
    ]);
  });

  test('forgotten counters are rendered no more, and what was handed out counts in vain', async () => {
    const metrics = createMetrics();
    const kept = metrics.counter('bytes', 'Bytes', { topic: 'a' });
    const gone = metrics.counter('bytes', 'Bytes', { topic: 'b' });
    metrics.forgetCounters('topic', 'b');
    kept.add();
    gone.add();
    expect(await rendered(metrics, 'bytes{')).toEqual(['bytes{topic="a"} 1']);
  });
});
