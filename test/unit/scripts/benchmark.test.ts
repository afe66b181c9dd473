/** The benchmark's arithmetic: medians, ratios of neighbouring rounds, how many records, and which cases are meant. */
import { describe, expect, it } from 'vitest';
import type { BenchmarkCase } from '../../../scripts/benchmark/case.ts';
import { CASES, casesNamed, QUICK_CASES } from '../../../scripts/benchmark/cases/cases.ts';
import { consumed } from '../../../scripts/benchmark/clients/tools.ts';
import { benchOptions, chosen, withRevision } from '../../../scripts/benchmark/options.ts';
import { median, spreadOf } from '../../../scripts/benchmark/pairs.ts';
import { Plan } from '../../../scripts/benchmark/plan.ts';
import { chartOf } from '../../../scripts/benchmark/report/chart.ts';
import { tableText, tabulate } from '../../../scripts/benchmark/report/report.ts';
import { parseCommand } from '../../../scripts/cli/arguments.ts';

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

  it('is no number when the case has failed in any round, and the other system keeps its own', () => {
    const failure = { case: 'example', system: 'theirs', round: 4, message: 'broken' };
    const broken = tabulate([example], ['ours', 'theirs'], { ...outcome, failures: [failure] });
    expect(broken.map(({ medians, ratio }) => [medians, ratio])).toEqual([
      [{ ours: 200, theirs: null }, null],
      [{ ours: 10, theirs: null }, null],
    ]);
    expect(tableText(broken, ['ours', 'theirs']).split('\n')[2]).toMatch(
      /^example +rate +MB\/s +200 +FAILED +- +- +-$/,
    );
  });

  it('has no ratio when a number is too small to be seen', () => {
    const readings = [reading('ours', 1, 0, 0), reading('theirs', 1, 5, 5)];
    const rows = tabulate([example], ['ours', 'theirs'], { failures: [], readings });
    expect(rows.map(({ ratio }) => ratio)).toEqual([null, null]);
  });

  it('has no ratio when it is less than nothing, as of who is back before the time that is taken off', () => {
    const readings = [reading('ours', 1, 100, -850), reading('theirs', 1, 50, 4700)];
    const rows = tabulate([example], ['ours', 'theirs'], { failures: [], readings });
    expect(rows.map(({ ratio }) => ratio?.median ?? null)).toEqual([2, null]);
    expect(chartOf('a group', rows, ['ours', 'theirs'])).not.toContain('NaN');
  });

  it('has no ratio and no chart when there is but one system', () => {
    const alone = tabulate([example], ['ours'], outcome);
    expect(alone.map(({ ratio }) => ratio)).toEqual([null, null]);
    expect(chartOf('alone', alone, ['ours'])).toBeNull();
  });
});

describe('pairs of runs', () => {
  it('have a median, and an interval that leaves out what chance may have put on either side', () => {
    const upTo = (count: number) => Array.from({ length: count }, (_, at) => ((at * 7) % count) + 1);
    // Ranks of the sign test at 95 %.
    expect(spreadOf(upTo(6))).toEqual({ median: 3.5, from: 1, to: 6 });
    expect(spreadOf(upTo(9))).toEqual({ median: 5, from: 2, to: 8 });
    expect(spreadOf(upTo(24))).toEqual({ median: 12.5, from: 7, to: 18 });
    expect(spreadOf(upTo(100))).toEqual({ median: 50.5, from: 40, to: 61 });
  });

  it('that are few have no interval but all of them', () => {
    expect(spreadOf([3, 1])).toEqual({ median: 2, from: 1, to: 3 });
    expect(spreadOf([])).toEqual({ median: Number.NaN, from: Number.NaN, to: Number.NaN });
  });
});

describe('cases', () => {
  it('have names of their own, and share a group only when they share a cluster', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
    const shared = CASES.filter((each) => 'run' in each);
    const clusters = shared.map(({ group, brokers, sessionTimeoutMs }) => [group, brokers, sessionTimeoutMs]);
    expect(new Set(clusters.map(String)).size).toBe(new Set(shared.map(({ group }) => group)).size);
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

  it('that --self runs without being told exist', () => {
    expect(casesNamed(QUICK_CASES)).toHaveLength(QUICK_CASES.length);
  });
});

describe('the number of records', () => {
  const options = { share: 0.5, records: null, seconds: null, recordSizeBytes: null };
  const never = (): Promise<number> => Promise.reject(new Error('nobody asked for seconds'));

  it('is a share of the usual one, or the one that was asked for', async () => {
    expect(await new Plan(options).records('a', 1000, never)).toBe(500);
    expect(await new Plan({ ...options, records: 700 }).records('a', 1000, never)).toBe(700);
    expect(await new Plan(options).records('a', 10, never)).toBe(100);
  });

  it('follows the first rate of a case with --seconds, and is the same ever after', async () => {
    const plan = new Plan({ ...options, seconds: 3 });
    const tried: number[] = [];
    const rate = (few: number): Promise<number> => {
      tried.push(few);
      return Promise.resolve(400);
    };
    expect(await plan.records('a', 20_000, rate)).toBe(1200);
    expect(await plan.records('a', 20_000, never)).toBe(1200);
    expect(await plan.records('b', 20_000, () => Promise.resolve(50))).toBe(150);
    expect(tried).toEqual([2000]);
  });
});

describe('what ConsumerPerformance says', () => {
  const line =
    '2026-01-02 03:04:05:678, 2026-01-02 03:04:15:678, 95.3674, 9.5, 1000000, 9e4, 900, 9100, 10.48, 1e5';

  it('is the rate without the time in which the group came together', () => {
    const { mbPerSecond, endedWallMs } = consumed(line, 1_000_000, 100);
    expect(mbPerSecond).toBeCloseTo(10.99, 2);
    expect(new Date(endedWallMs).getMilliseconds()).toBe(678);
  });

  it('is refused when it is another count of records or bytes', () => {
    expect(() => consumed(line, 1_000_001, 100)).toThrow('was to read 1000001 records');
    expect(() => consumed(line, 1_000_000, 101)).toThrow('was to read 1000000 records');
    expect(() => consumed('', 100, 100)).toThrow('it said: ');
  });
});

describe('options', () => {
  const parsed = (...argv: string[]) =>
    chosen(
      parseCommand(
        { name: 'bench', summary: '', options: benchOptions, run: async () => 0 },
        withRevision(argv),
      ),
    );

  it('let --self stand alone, with a few cases that are soon done', () => {
    expect(parsed('--self')).toMatchObject({ revision: '', rounds: 2 });
    expect(
      parsed('--self')
        .cases.map(({ name }) => name)
        .sort(),
    ).toEqual([...QUICK_CASES].sort());
    expect(parsed('--self', '--rounds', '4')).toMatchObject({ revision: '', rounds: 4 });
    expect(parsed('--self', 'HEAD~3', '--cases', 'start-1')).toMatchObject({ revision: 'HEAD~3', rounds: 3 });
  });

  it.each([
    [['--only', 'both'], "--only must be odradek or kafka, not 'both'"],
    [['--only', 'kafka', '--self'], '--only has no meaning with --self'],
    [['--records', '1000', '--seconds', '5'], '--records and --seconds exclude each other'],
    [['--rounds', '0'], "--rounds must be an integer from 1 to 100, not '0'"],
    [['--cases', 'nothing'], "--cases: there is no case 'nothing'; --list shows all"],
    [['--out', '/proc/version'], '--out /proc/version is no directory that can be written to'],
  ])('that make no sense are refused: %j', (argv, message) => {
    expect(() => parsed(...argv)).toThrow(message);
  });
});
