/** Transactions in simulated clusters: the checkers can fail, and under faults they do not. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../broker/records/build.ts';
import { endTransactionMarker } from '../../broker/records/control.ts';
import { take } from './committed-reader.ts';
import { simulate } from './simulate.ts';
import { TransactionHistory } from './transaction-history.ts';

/** Many times what it takes, for machines that have other things to do. */
const LIMIT_MS = 600_000;

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
  it('keeps them whole under 20 schedules of faults', { timeout: LIMIT_MS }, async () => {
    const broken: string[] = [];
    let committed = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const verdict = await simulate({ seed, faultsMs: 8000, transactions: true });
      broken.push(...verdict.broken.map((what) => `seed ${seed}: ${what}`));
      committed += verdict.transactions;
    }
    expect(broken).toEqual([]);
    expect(committed).toBeGreaterThan(100);
  });
});
