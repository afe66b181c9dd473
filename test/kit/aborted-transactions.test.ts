/** What a consumer of committed data leaves out, batch by batch. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../broker/records/build.ts';
import { endTransactionMarker } from '../../broker/records/control.ts';
import { AbortedTransactions } from './aborted-transactions.ts';

const EPOCH = 0;

function data(baseOffset: number, producerId: number, transactional = true): Buffer {
  const records = [{ value: Buffer.from('v') }];
  return buildBatch({
    baseOffset,
    producerId,
    producerEpoch: EPOCH,
    baseSequence: 0,
    transactional,
    records,
  });
}

function marker(baseOffset: number, producerId: number, committed: boolean): Buffer {
  const of = { producerId, producerEpoch: EPOCH, coordinatorEpoch: 0, timestampMs: 1 };
  return endTransactionMarker({ ...of, committed, baseOffset });
}

/** Of each batch, whether it is left out. */
function leftOut(
  aborted: readonly { producerId: number; firstOffset: number }[],
  batches: readonly Buffer[],
): boolean[] {
  const transactions = new AbortedTransactions(aborted);
  return batches.map((batch) => transactions.leaveOut(batch, 0));
}

describe('of an answer are left out', () => {
  it('the records of an aborted transaction and every marker, not what others write between them', () => {
    const batches = [
      data(0, 1),
      data(1, 2),
      data(2, -1, false),
      data(3, 1),
      marker(4, 1, false),
      marker(5, 2, true),
    ];
    expect(leftOut([{ producerId: 1, firstOffset: 0 }], batches)).toEqual([
      true,
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it('only what was aborted, not what the same producer committed before it and after it', () => {
    const batches = [
      ...[data(0, 1), marker(1, 1, true)],
      ...[data(2, 1), marker(3, 1, false)],
      ...[data(4, 1), marker(5, 1, true)],
    ];
    expect(leftOut([{ producerId: 1, firstOffset: 2 }], batches)).toEqual([
      false,
      true,
      true,
      true,
      false,
      true,
    ]);
  });

  it('nothing after the marker of a transaction whose records lie before the answer', () => {
    const batches = [marker(3, 1, false), data(4, 1), marker(5, 1, true)];
    expect(leftOut([{ producerId: 1, firstOffset: 0 }], batches)).toEqual([true, false, true]);
  });
});
