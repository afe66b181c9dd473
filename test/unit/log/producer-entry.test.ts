/** What a log remembers of a producer, and which batches may follow: Kafka's ProducerAppendInfo by rule. */
import { describe, expect, it } from 'vitest';
import {
  duplicateOf,
  firstOffsetOf,
  type ProducerBatch,
  type ProducerEntry,
  refuseDataBatch,
  refuseMarker,
  unknownProducer,
  withDataBatch,
  withMarker,
} from '../../../broker/log/producers/producer-entry.ts';

const MAX_SEQUENCE = 2 ** 31 - 1;
const NEW = unknownProducer(9);

/** A batch of `records` records. */
function batchOf(
  firstSequence: number,
  firstOffset: number,
  more: Partial<ProducerBatch> & { records?: number } = {},
) {
  const { records = 1, ...rest } = more;
  const lastOffset = firstOffset + records - 1;
  return {
    ...{ producerId: 9, epoch: 0, firstSequence, firstOffset, lastOffset, timestampMs: 5 },
    transactional: false,
    ...rest,
  };
}

const entryAfter = (...batches: ProducerBatch[]): ProducerEntry => batches.reduce(withDataBatch, NEW);
const verdict = (entry: ProducerEntry, batch: ProducerBatch) => refuseDataBatch(entry, entry, batch, true);

describe('the sequence of a producer', () => {
  it('may begin anywhere when nobody remembers the producer, as after its records were deleted', () => {
    expect(verdict(NEW, batchOf(77, 0))).toBeNull();
  });

  it('goes on where the last batch ended, and nowhere else', () => {
    const entry = entryAfter(batchOf(10, 0, { records: 5 }));
    const verdicts = [13, 14, 15, 16, 0].map((sequence) => verdict(entry, batchOf(sequence, 5)));
    const refused = 'OUT_OF_ORDER_SEQUENCE_NUMBER';
    expect(verdicts).toEqual([refused, refused, null, refused, refused]);
  });

  it('begins at 0 after its end at 2^31-1', () => {
    const entry = entryAfter(batchOf(MAX_SEQUENCE - 1, 0, { records: 2 }));
    expect(verdict(entry, batchOf(0, 2))).toBeNull();
    expect(verdict(entry, batchOf(1, 2))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  it('runs over its end within a batch', () => {
    const entry = entryAfter(batchOf(MAX_SEQUENCE, 40, { records: 3 }));
    expect(entry.batches).toEqual([{ lastSequence: 1, lastOffset: 42, offsetDelta: 2, timestampMs: 5 }]);
    expect(duplicateOf(entry, 0, MAX_SEQUENCE, 1)).toBe(entry.batches[0]);
    expect(entry.batches.map(firstOffsetOf)).toEqual([40]);
    expect(verdict(entry, batchOf(2, 43))).toBeNull();
  });

  it('begins at 0 in a new epoch', () => {
    const entry = entryAfter(batchOf(0, 0, { records: 5 }));
    expect(verdict(entry, batchOf(0, 5, { epoch: 1 }))).toBeNull();
    expect(verdict(entry, batchOf(5, 5, { epoch: 1 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  it('is not looked at where a coordinator or a leader has done it', () => {
    const entry = entryAfter(batchOf(0, 0));
    expect(refuseDataBatch(entry, entry, batchOf(17, 1), false)).toBeNull();
  });

  it('of a producer of which only a marker is left begins at 0', () => {
    const entry = withMarker(NEW, { epoch: 3, coordinatorEpoch: 0, timestampMs: 1 });
    expect(verdict(entry, batchOf(0, 1, { epoch: 3 }))).toBeNull();
    expect(verdict(entry, batchOf(4, 1, { epoch: 3 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });
});

describe('the epoch of a producer', () => {
  it('fences batches and markers of the epochs before', () => {
    const entry = entryAfter(batchOf(0, 0, { epoch: 2 }));
    expect(verdict(entry, batchOf(1, 1, { epoch: 1 }))).toBe('INVALID_PRODUCER_EPOCH');
    const marker = { epoch: 1, coordinatorEpoch: 5, timestampMs: 1 };
    expect(refuseMarker(entry, marker)).toBe('INVALID_PRODUCER_EPOCH');
    expect(refuseMarker(entry, { ...marker, epoch: 2 })).toBeNull();
  });

  it('that is new forgets the batches of the one before', () => {
    const entry = entryAfter(batchOf(0, 0), batchOf(1, 1), batchOf(0, 2, { epoch: 1 }));
    expect(entry.batches.map(firstOffsetOf)).toEqual([2]);
    const marked = withMarker(entry, { epoch: 2, coordinatorEpoch: 0, timestampMs: 8 });
    expect(marked).toMatchObject({ epoch: 2, batches: [], lastTimestampMs: 8 });
  });
});

describe('a retry', () => {
  const entry = entryAfter(
    ...[0, 1, 2, 3, 4, 5].map((index) => batchOf(index * 10, index * 10, { records: 10 })),
  );

  it('is known by first and last sequence, among the last five batches', () => {
    const found = (first: number, last: number) => duplicateOf(entry, 0, first, last)?.lastOffset;
    expect([10, 20, 30, 40, 50].map((first) => found(first, first + 9))).toEqual([19, 29, 39, 49, 59]);
    expect(found(0, 9)).toBeUndefined();
  });

  it('of another size, or of another epoch, is none', () => {
    expect(duplicateOf(entry, 0, 50, 58)).toBeUndefined();
    expect(duplicateOf(entry, 0, 51, 59)).toBeUndefined();
    expect(duplicateOf(entry, 1, 50, 59)).toBeUndefined();
  });
});

describe('a transaction', () => {
  const open = entryAfter(batchOf(0, 7, { transactional: true }), batchOf(1, 8, { transactional: true }));

  it('begins with its first batch, and takes no others until it ends', () => {
    expect(open.transactionFirstOffset).toBe(7);
    expect(verdict(open, batchOf(2, 9))).toBe('INVALID_TXN_STATE');
    expect(verdict(open, batchOf(2, 9, { transactional: true }))).toBeNull();
  });

  it('ends with a marker, which keeps the sequence going', () => {
    const ended = withMarker(open, { epoch: 0, coordinatorEpoch: 4, timestampMs: 20 });
    expect(ended).toMatchObject({ transactionFirstOffset: -1, coordinatorEpoch: 4, lastTimestampMs: 20 });
    expect(verdict(ended, batchOf(2, 10))).toBeNull();
  });

  it('is not ended by a former coordinator', () => {
    const ended = withMarker(open, { epoch: 0, coordinatorEpoch: 4, timestampMs: 20 });
    const marker = { epoch: 0, timestampMs: 21 };
    expect(refuseMarker(ended, { ...marker, coordinatorEpoch: 3 })).toBe('TRANSACTION_COORDINATOR_FENCED');
    expect(refuseMarker(ended, { ...marker, coordinatorEpoch: 4 })).toBeNull();
  });

  it('leaves the picture of before as it was', () => {
    const before = structuredClone(open);
    withDataBatch(open, batchOf(2, 9, { transactional: true }));
    withMarker(open, { epoch: 5, coordinatorEpoch: 1, timestampMs: 1 });
    expect(open).toEqual(before);
  });
});
