/** Where `odradek groups --reset-offsets` moves offsets: its rules, its files, and one partition at a time. */
import { describe, expect, it } from 'vitest';
import { type Arguments, parseCommand, UsageError } from '../../../scripts/cli/arguments.ts';
import { assignedPartitions } from '../../../scripts/cli/groups/assigned-partitions.ts';
import { decideOffset, type PartitionFacts } from '../../../scripts/cli/groups/decide-offset.ts';
import { groupsCommand } from '../../../scripts/cli/groups/groups.ts';
import { asCsv, parseCsv } from '../../../scripts/cli/groups/offsets-csv.ts';
import { type ResetRule, ruleOf } from '../../../scripts/cli/groups/reset-rule.ts';

const NOW_MS = Date.UTC(2026, 0, 10);
const FACTS: PartitionFacts = { start: 10, end: 100, committed: 50, atTime: 70, listed: 60 };

function given(...words: string[]): Arguments {
  return parseCommand(groupsCommand, ['--reset-offsets', '--group', 'g', ...words]);
}

function rule(...words: string[]): ResetRule {
  return ruleOf(given('--all-topics', ...words), NOW_MS);
}

describe('the rule', () => {
  it.each([
    [['--to-earliest'], { to: 'earliest' }],
    [['--to-current'], { to: 'current' }],
    [['--to-offset', '7'], { to: 'offset', offset: 7 }],
    [['--shift-by', '-10'], { to: 'shifted', by: -10 }],
    [['--by-duration', 'P1DT2H'], { to: 'time', timestampMs: NOW_MS - 26 * 3_600_000 }],
    [['--by-duration', 'PT1.5S'], { to: 'time', timestampMs: NOW_MS - 1500 }],
    [
      ['--to-datetime', '2026-01-09T00:00:00.250'],
      { to: 'time', timestampMs: Date.UTC(2026, 0, 9, 0, 0, 0, 250) },
    ],
    [['--to-datetime', '2026-01-09T01:00:00+0100'], { to: 'time', timestampMs: Date.UTC(2026, 0, 9) }],
    [['--to-datetime', '2026-01-09T01:00:00.000+01'], { to: 'time', timestampMs: Date.UTC(2026, 0, 9) }],
    [['--to-datetime', '2026-01-09T00:00:00Z'], { to: 'time', timestampMs: Date.UTC(2026, 0, 9) }],
  ])('%j is read', (words, expected) => {
    expect(rule(...words)).toEqual(expected);
  });

  it.each([
    [[], 'exactly one of --to-earliest, --to-latest'],
    [['--to-earliest', '--to-latest'], 'exactly one of'],
    [['--to-offset', 'x'], "--to-offset must be an integer, not 'x'"],
    [['--by-duration', 'P'], '--by-duration takes PnDTnHnMnS'],
    [['--by-duration', 'P1DT'], '--by-duration takes PnDTnHnMnS'],
    [['--to-datetime', '2026-01-09'], '--to-datetime takes YYYY-MM-DDTHH:mm:SS.sss'],
    [['--to-datetime', '2026-13-09T00:00:00.000'], '--to-datetime takes'],
    [['--to-latest', '--dry-run', '--execute'], '--dry-run does not go with --execute'],
    [['--from-file', 'x'], 'no --topic or --all-topics goes with it'],
  ])('%j is refused', (words, message) => {
    expect(() => rule(...words)).toThrow(UsageError);
    expect(() => rule(...words)).toThrow(message);
  });

  it('needs topics, and belongs to --reset-offsets alone', () => {
    expect(() => ruleOf(given('--to-latest'), NOW_MS)).toThrow('takes --topic or --all-topics');
    expect(() => parseCommand(groupsCommand, ['--list', '--to-latest'])).toThrow(
      '--to-latest goes only with --reset-offsets',
    );
  });
});

describe('an offset', () => {
  it.each<[ResetRule, number]>([
    [{ to: 'earliest' }, 10],
    [{ to: 'latest' }, 100],
    [{ to: 'current' }, 50],
    [{ to: 'time', timestampMs: 0 }, 70],
    [{ to: 'offset', offset: 20 }, 20],
    [{ to: 'offset', offset: 5 }, 10],
    [{ to: 'offset', offset: 500 }, 100],
    [{ to: 'shifted', by: -3 }, 47],
    [{ to: 'shifted', by: 1000 }, 100],
    [{ to: 'file', path: 'f' }, 60],
  ])('under %j is %d', (chosen, offset) => {
    expect(decideOffset(chosen, FACTS)).toMatchObject({ ok: true, offset });
  });

  it('goes to the end where nothing is committed or nothing is that new, and cannot be shifted then', () => {
    const none = { ...FACTS, committed: null, atTime: null, listed: null };
    expect(decideOffset({ to: 'current' }, none)).toMatchObject({ offset: 100 });
    expect(decideOffset({ to: 'time', timestampMs: 0 }, none)).toMatchObject({ offset: 100 });
    expect(decideOffset({ to: 'shifted', by: 1 }, none)).toMatchObject({ ok: false });
    expect(decideOffset({ to: 'file', path: 'f' }, none)).toMatchObject({ ok: false });
  });

  it('that is beyond the log is told of', () => {
    expect(decideOffset({ to: 'offset', offset: 5 }, FACTS)).toMatchObject({
      note: 'offset 5 is below the first record: 10 is taken',
    });
  });
});

describe('files of offsets', () => {
  const rows = [
    { groupId: 'g', topic: 't.1', partition: 0, offset: 5 },
    { groupId: 'h "x", y', topic: 't', partition: 1, offset: 9_007_199_254_740_993n },
  ];

  it('are read as they were written', () => {
    const several = asCsv(rows, true);
    expect(several).toEqual(['g,t.1,0,5', '"h ""x"", y",t,1,9007199254740993']);
    expect(parseCsv(several.join('\n'), ['g', 'h "x", y'])).toEqual(rows);
    expect(parseCsv('t.1,0,5\n\n"t",1,6\r\n', ['g'])).toEqual([
      rows[0],
      { groupId: 'g', topic: 't', partition: 1, offset: 6 },
    ]);
  });

  it.each([
    ['t,0', 'line 1: topic,partition,offset is expected'],
    ['t,0,5\nt,x,5', 'line 2'],
    ['t,0,-5', 'line 1'],
    ['"t,0,5', 'line 1'],
    ['t,0,5\nt,0,6', 'line 2: t-0 is there twice'],
    ['a,b,c,t,0,5', 'line 1'],
  ])('%j is refused with its line', (text, message) => {
    expect(() => parseCsv(text, ['g'])).toThrow(message);
  });
});

it('an assignment is read, and anything else is none', () => {
  const bytes = Buffer.from(
    '0001' + '00000001' + '000174' + '00000002' + '00000000' + '00000003' + 'ffffffff',
    'hex',
  );
  expect(assignedPartitions(bytes)).toEqual([
    { topic: 't', partition: 0 },
    { topic: 't', partition: 3 },
  ]);
  expect(assignedPartitions(Buffer.alloc(0))).toEqual([]);
  expect(assignedPartitions(bytes.subarray(0, 12))).toEqual([]);
});
