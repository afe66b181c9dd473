/** The benchmark's arithmetic: medians, ratios of neighbouring rounds, and which cases a pattern means. */
import { describe, expect, it } from 'vitest';
import type { BenchmarkCase } from '../../scripts/benchmark/case.ts';
import { CASES, casesNamed } from '../../scripts/benchmark/cases.ts';
import { chartOf } from '../../scripts/benchmark/chart.ts';
import { median, tableText, tabulate } from '../../scripts/benchmark/report.ts';

const example: BenchmarkCase = {
  name: 'example',
  title: 'an example',
  group: '1 broker',
  brokers: 1,
  needs: null,
  metrics: {
    rate: { name: 'rate', unit: 'MB/s', better: 'higher' },
    time: { name: 'time', unit: 'ms', better: 'lower' },
  },
  run: () => Promise.resolve({}),
};

const reading = (system: string, round: number, rate: number, time: number) => ({
  case: 'example',
  system,
  round,
  values: { rate, time },
});
const outcome = {
  failures: [],
  readings: [
    reading('ours', 1, 100, 10),
    reading('theirs', 1, 50, 5),
    reading('ours', 2, 300, 10),
    reading('theirs', 2, 100, 40),
    reading('ours', 3, 200, 10),
  ],
};

describe('a result', () => {
  const rows = tabulate([example], ['ours', 'theirs'], outcome);

  it('is the median of all rounds, and the ratio that of rounds which both have', () => {
    expect(rows.map(({ metric, medians, ratio }) => [metric, medians, ratio])).toEqual([
      ['rate', { ours: 200, theirs: 75 }, { median: 2.5, min: 2, max: 3 }],
      ['time', { ours: 10, theirs: 22.5 }, { median: 2.25, min: 0.5, max: 4 }],
    ]);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([])).toBeNaN();
  });

  it('is a line of the table and a bar of the chart', () => {
    const table = tableText(rows, ['ours', 'theirs']);
    expect(table.split('\n')[2]).toMatch(/^example +rate +MB\/s +200 +75\.0 +2\.50 x +2\.00 +3\.00$/);
    expect(chartOf('a <group>', rows, ['ours', 'theirs'])).toMatch(/a &lt;group>.*2\.50 x.*2\.25 x/s);
  });

  it('has no ratio and no chart when there is but one system', () => {
    const alone = tabulate([example], ['ours'], outcome);
    expect(alone.map(({ ratio }) => ratio)).toEqual([null, null]);
    expect(chartOf('alone', alone, ['ours'])).toBeNull();
  });
});

describe('cases', () => {
  it('have names of their own, and share a group only when they share a cluster', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
    const clusters = CASES.map(({ group, brokers, sessionTimeoutMs }) => [group, brokers, sessionTimeoutMs]);
    expect(new Set(clusters.map(String)).size).toBe(new Set(CASES.map(({ group }) => group)).size);
  });

  it('are asked for by name or pattern', () => {
    const found = casesNamed(['start-1', 'memory-*']);
    expect(typeof found === 'string' ? found : found.map(({ name }) => name)).toEqual([
      'start-1',
      'memory-1',
      'memory-3',
    ]);
    expect(casesNamed(['nothing'])).toBe("there is no case 'nothing'; --list shows all");
  });
});
