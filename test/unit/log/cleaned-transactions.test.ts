/** Which batches of transactions compaction may discard: Kafka's CleanedTransactionMetadata by rule. */
import { describe, expect, it } from 'vitest';
import { CleanedTransactions } from '../../../broker/log/cleaner/cleaned-transactions.ts';
import type { AbortedTransaction } from '../../../broker/log/files/aborted-index.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { batch } from './support.ts';

const aborted = (producerId: number, firstOffset: number, lastOffset: number): AbortedTransaction => ({
  producerId,
  firstOffset,
  lastOffset,
  lastStableOffset: lastOffset + 1,
});

/** What is walked over, in order, as `offset: goes|stays`. */
function walk(transactions: readonly AbortedTransaction[]) {
  const retained: AbortedTransaction[] = [];
  const walked = new CleanedTransactions((transaction) => retained.push(transaction));
  walked.add(transactions);
  const mayGo = (bytes: Buffer, offset: number): boolean => {
    bytes.writeBigInt64BE(BigInt(offset), 0);
    return walked.mayDiscard(bytes, 0);
  };
  return {
    retained,
    walked,
    data: (producerId: number, offset: number, transactional = true) =>
      mayGo(batch(['k=v'], { producerId, producerEpoch: 0, baseSequence: 0, transactional }), offset),
    marker: (producerId: number, offset: number, committed: boolean) =>
      mayGo(
        endTransactionMarker({
          committed,
          producerId,
          producerEpoch: 0,
          coordinatorEpoch: 0,
          timestampMs: 1,
        }),
        offset,
      ),
  };
}

describe('the records of an aborted transaction', () => {
  it('go, up to its marker, and those that the producer writes afterwards stay', () => {
    const { data, marker } = walk([aborted(1, 10, 12)]);
    expect([data(1, 9), data(1, 10), data(1, 11), marker(1, 12, false), data(1, 13)]).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  it('are told from those of other producers, and from those without a transaction', () => {
    const { data } = walk([aborted(1, 10, 20)]);
    expect([data(2, 11), data(-1, 12, false), data(1, 13)]).toEqual([false, false, true]);
  });

  it('of two transactions of a producer go both, whatever order the index has them in', () => {
    const { data, marker } = walk([aborted(1, 20, 21), aborted(1, 10, 11)]);
    expect([data(1, 10), marker(1, 11, false), data(1, 15), data(1, 20)]).toEqual([true, false, false, true]);
  });
});

describe('the marker of a transaction', () => {
  it('stays as long as one of its records is met, and goes afterwards', () => {
    const { data, marker } = walk([aborted(1, 10, 11)]);
    data(1, 10);
    data(2, 12);
    expect([marker(1, 11, false), marker(2, 13, true)]).toEqual([false, false]);
    const later = walk([aborted(1, 10, 11)]);
    expect([later.marker(1, 11, false), later.marker(2, 13, true)]).toEqual([true, true]);
  });

  it('of an abort that stays is told, so that readers go on to filter by it', () => {
    const { retained, data, marker } = walk([aborted(1, 10, 11), aborted(2, 12, 13)]);
    data(1, 10);
    marker(1, 11, false);
    marker(2, 13, false);
    expect(retained).toEqual([aborted(1, 10, 11)]);
  });

  it('counts once: a commit of nothing after one of something goes', () => {
    const { data, marker } = walk([]);
    data(1, 10);
    expect([marker(1, 11, true), marker(1, 12, true)]).toEqual([false, true]);
  });

  it('is found by what a later stretch of the log adds', () => {
    const { walked, data } = walk([aborted(1, 10, 11)]);
    expect(data(3, 30)).toBe(false);
    walked.add([aborted(3, 40, 41)]);
    expect([data(3, 39), data(3, 40)]).toEqual([false, true]);
  });
});
