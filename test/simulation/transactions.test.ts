/** Transactions in simulated clusters: the checkers can fail, and under faults they do not. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../broker/records/build.ts';
import { endTransactionMarker } from '../../broker/records/control.ts';
import { take } from './committed-reader.ts';
import { notProcessedOnce, unprocessed } from './processed-once.ts';
import { simulate } from './simulate.ts';
import { TransactionHistory } from './transaction-history.ts';

/** Of applications whose former owners are let in, so many at most are looked at until it shows. */
const MOST_UNFENCED = 20;
const TWICE = /was processed 2 times/;

/** Many times what it takes, for machines that have other things to do. */
const LIMIT_MS = 600_000;
const FAULTS = ['killed before', 'killed during', 'stands still'];
/** Of an application that reads, processes and writes. */
const STEPS = [
  'InitProducerId',
  'AddPartitionsToTxn',
  'Produce',
  'AddOffsetsToTxn',
  'TxnOffsetCommit',
  'EndTxn',
];

it('what a leader has said in the turn in which it died was committed', { timeout: LIMIT_MS }, async () => {
  // A high watermark rises, a consumer is answered, and the next write kills the leader, all at once.
  expect((await simulate({ seed: 6001688, transactions: true })).broken).toEqual([]);
});

describe('what is read of transactions', () => {
  function history(): TransactionHistory {
    const made = new TransactionHistory();
    for (const [transaction, outcome] of (
      ['committed', 'aborted', 'unknown', 'committed'] as const
    ).entries()) {
      made.begun(transaction);
      made.ended(transaction, outcome);
    }
    return made;
  }

  it.each([
    ['without the unknown', ['0', '3'], ['0', '3'], 3],
    ['with the unknown', ['0', '2', '3'], ['0', '2', '3'], 3],
  ])('is fine: all of the committed %s, in order', (_what, one, other, offset) => {
    expect(history().contradictions({ values: [one, other], offset })).toEqual([]);
  });

  it.each([
    ['an aborted record', ['0', '1', '3'], ['0', '3'], '1 was aborted and is read'],
    ['a committed one that is missing', ['0'], ['0'], '3 was committed and is not read'],
    ['a torn transaction', ['0', '2', '3'], ['0', '3'], '2 is torn: read in 1 of 2 partitions'],
    ['a record that is there twice', ['0', '3', '3'], ['0', '3'], 'partition 0: 3 is read after 3'],
    ['records out of order', ['3', '0'], ['0', '3'], 'partition 0: 0 is read after 3'],
    ['a record of nobody', ['0', '3', '9'], ['0', '3'], 'nobody wrote 9'],
  ])('%s is found', (_what, one, other, found) => {
    expect(history().contradictions({ values: [one, other], offset: 3 })).toContain(found);
  });

  it('an offset that was not committed with the last transaction is found', () => {
    const values = [
      ['0', '3'],
      ['0', '3'],
    ];
    expect(history().contradictions({ values, offset: 1 })).toEqual([
      "the group's offset is 1, the last transaction that is read 3",
    ]);
  });
});

describe('what an application makes of its input', () => {
  const input = [['a', 'b'], ['c']];
  const whole = { input, offsets: [2, 1], output: [['0:0:a', '1:0:c'], ['0:1:b']] };

  it('is fine: each record once, whichever partition it went to', () => {
    expect(notProcessedOnce(whole)).toEqual([]);
    expect(unprocessed(whole)).toBe(0);
  });

  it('is not there yet: nothing is lost', () => {
    const begun = { input, offsets: [1, 0], output: [['0:0:a'], []] };
    expect(notProcessedOnce(begun)).toEqual([]);
    expect(unprocessed(begun)).toBe(2);
  });

  it.each([
    ['a record that is lost', { output: [['0:0:a', '1:0:c'], []] }, '0:1:b was lost'],
    [
      'a record twice',
      {
        output: [
          ['0:0:a', '1:0:c'],
          ['0:1:b', '1:0:c'],
        ],
      },
      '1:0:c was processed 2 times',
    ],
    ['a record before its offset', { offsets: [1, 1] }, '0:1:b was processed, but the group is at 1'],
    ['an offset behind the end', { offsets: [2, 7] }, 'partition 1: the group is at 7, behind the end'],
    ['another value', { output: [['0:0:z', '1:0:c'], ['0:1:b']] }, 'nothing is the reason for 0:0:z'],
    [
      'another order',
      { output: [['0:1:b', '0:0:a', '1:0:c'], []] },
      'output 0: 0:0:a is read after the one at 1',
    ],
  ])('%s is found', (_what, changed, found) => {
    expect(notProcessedOnce({ ...whole, ...changed })).toContain(found);
  });
});

describe('a reader of committed data', () => {
  it('leaves out what is listed as aborted, up to its marker', () => {
    const data = (baseOffset: number, producerId: number, value: string) =>
      buildBatch({
        baseOffset,
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        transactional: true,
        records: [{ value: Buffer.from(value) }],
      });
    const marker = (baseOffset: number, committed: boolean) =>
      endTransactionMarker({
        baseOffset,
        committed,
        producerId: 1,
        producerEpoch: 0,
        coordinatorEpoch: 0,
        timestampMs: 1,
      });
    const records = Buffer.concat([
      data(0, 1, 'a'),
      data(1, 2, 'b'),
      marker(2, false),
      data(3, 1, 'c'),
      marker(4, true),
    ]);
    const values: string[] = [];
    expect(take({ records, abortedTransactions: [{ producerId: 1, firstOffset: 0 }] }, 0, values)).toBe(5);
    expect(values).toEqual(['b', 'c']);
  });
});

describe('a simulated cluster with transactions', () => {
  it('keeps them whole under 20 schedules of faults, at every step', { timeout: LIMIT_MS }, async () => {
    const broken: string[] = [];
    const befallen = new Set<string>();
    let committed = 0;
    let processed = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const verdict = await simulate({ seed, faultsMs: 8000, transactions: true });
      broken.push(...verdict.broken.map((what) => `seed ${seed}: ${what}`));
      for (const what of verdict.befallen) befallen.add(what);
      committed += verdict.transactions;
      processed += verdict.processed;
    }
    expect(broken).toEqual([]);
    expect(committed).toBeGreaterThan(100);
    expect(processed).toBeGreaterThan(5000);
    for (const what of [...FAULTS, ...STEPS]) {
      expect(
        [...befallen].filter((fault) => fault.includes(what)),
        what,
      ).not.toEqual([]);
    }
  });

  it('does the same twice with the same seed', { timeout: LIMIT_MS }, async () => {
    const [first, second] = [
      await simulate({ seed: 2, faultsMs: 4000, transactions: true }),
      await simulate({ seed: 2, faultsMs: 4000, transactions: true }),
    ];
    expect(second.digest).toBe(first.digest);
    expect(second.events).toBe(first.events);
  });

  it('tells of records that are processed twice when a former owner of a partition is not kept out', {
    timeout: LIMIT_MS,
  }, async () => {
    const told: string[] = [];
    // In which seed two owners meet depends on every message of the brokers.
    for (let seed = 1; seed <= MOST_UNFENCED && !told.some((what) => TWICE.test(what)); seed++)
      told.push(...(await simulate({ seed, faultsMs: 8000, transactions: true, unfenced: true })).broken);
    expect(told.join('\n')).toMatch(TWICE);
  });
});
