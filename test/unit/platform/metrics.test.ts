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

  test('the text of very many lines comes in pieces, each of what is true when it is made', async () => {
    const metrics = createMetrics({ broker: '7' });
    for (let topic = 0; topic < 5000; topic++) metrics.counter('bytes', 'Bytes', { topic: `t${topic}` });
    const last = metrics.counter('bytes', 'Bytes', { topic: 't4999' });
    metrics.gauge('depth', 'A depth', () => 3);
    metrics.gauges('nothing', 'No values', () => []);
    const pieces: string[] = [];
    for await (const piece of metrics.pieces()) {
      pieces.push(piece);
      if (pieces.length === 2) last.add(5);
    }
    expect(pieces).toHaveLength(3);
    for (const piece of pieces) expect(piece.split('\n').length).toBeLessThan(2100);
    const lines = pieces.join('').split('\n');
    expect(lines.slice(0, 3)).toEqual([
      '# HELP bytes Bytes',
      '# TYPE bytes counter',
      'bytes{topic="t0",broker="7"} 0',
    ]);
    expect(lines.filter((line) => line.startsWith('bytes{'))).toHaveLength(5000);
    expect(lines.slice(5001)).toEqual([
      'bytes{topic="t4999",broker="7"} 5',
      '',
      '# HELP depth A depth',
      '# TYPE depth gauge',
      'depth{broker="7"} 3',
      '',
      '# HELP nothing No values',
      '# TYPE nothing gauge',
      '',
    ]);
  });

  test('forgotten counters are rendered no more, and what was handed out counts in vain', async () => {
    const metrics = createMetrics();
    const kept = metrics.counter('bytes', 'Bytes', { topic: 'a' });
    const gone = metrics.counter('bytes', 'Bytes', { topic: 'b' });
    metrics.forgetCounters('topic', new Set(['b']));
    kept.add();
    gone.add();
    expect(await rendered(metrics, 'bytes{')).toEqual(['bytes{topic="a"} 1']);
  });
});
