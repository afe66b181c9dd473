/** What compaction leaves of one batch: Kafka's MemoryRecords.filterTo and Cleaner.cleanInto by rule. */
import { describe, expect, it } from 'vitest';
import { fateOf, leftOfBatch } from '../../../broker/log/cleaner/batch-filter.ts';
import { CleanedTransactions } from '../../../broker/log/cleaner/cleaned-transactions.ts';
import { KeyMap } from '../../../broker/log/cleaner/key-map.ts';
import {
  type ProducerEntry,
  unknownProducer,
  withDataBatch,
} from '../../../broker/log/producers/producer-entry.ts';
import {
  batchBaseOffset,
  batchBaseSequence,
  batchBaseTimestampMs,
  batchHasDeleteHorizon,
  batchLastOffset,
  batchLeaderEpoch,
  batchProducerId,
  batchRecordCount,
} from '../../../broker/records/batch.ts';
import { type BatchInput, buildBatch } from '../../../broker/records/build.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { readRecords } from '../../../broker/records/record.ts';

type Options = Parameters<typeof leftOfBatch>[3] & Parameters<typeof fateOf>[2];

const NOW_MS = 1_000_000;
const RETENTION_MS = 5000;

/** Keys with the offset of their last record; nothing beyond `latest` is known. */
function options(
  keys: Readonly<Record<string, number>>,
  more: Partial<Options> & { latest?: number } = {},
): Options {
  const { latest = 1000, ...rest } = more;
  const map = new KeyMap({ maxBytes: 4096, loadFactor: 0.9 });
  for (const [key, offset] of Object.entries(keys)) map.put(Buffer.from(key), offset);
  map.updateLatestOffset(latest);
  return {
    keys: map,
    transactions: new CleanedTransactions(() => {}),
    producer: () => undefined,
    nowMs: NOW_MS,
    deleteRetentionMs: RETENTION_MS,
    decompress: () => {
      throw new Error('nothing is compressed here');
    },
    ...rest,
  };
}

function filterBatch(buffer: Buffer, at: number, given: Options): Buffer | null {
  return leftOfBatch(buffer, at, fateOf(buffer, at, given), given);
}

/** `k=v` for each record, `k` for a tombstone, `=v` for a record without a key; from offset 10 on. */
function batchOf(texts: readonly string[], more: Partial<BatchInput> = {}): Buffer {
  return buildBatch({
    baseOffset: 10,
    leaderEpoch: 3,
    ...more,
    records: texts.map((text) => {
      const [key = '', value] = text.split('=');
      return {
        timestampMs: 77,
        key: key === '' ? null : Buffer.from(key),
        value: value === undefined ? null : Buffer.from(value),
      };
    }),
  });
}

function words(batch: Buffer | null): string[] | null {
  return batch && readRecords(batch, 0).map(({ offset, key, value }) => `${offset}:${key ?? ''}=${value}`);
}

describe('of a batch compaction leaves', () => {
  it('the batch itself where every record is the last of its key', () => {
    const batch = batchOf(['a=1', 'b=1']);
    const left = filterBatch(batch, 0, options({ a: 10, b: 11 }));
    expect(left?.equals(batch)).toBe(true);
    expect(left?.buffer).toBe(batch.buffer);
  });

  it('the last records of their keys, with offsets, times and epoch, and the range it had', () => {
    const left = filterBatch(batchOf(['a=1', 'b=1', 'c=1']), 0, options({ a: 20, b: 11, c: 20 }));
    expect(words(left)).toEqual(['11:b=1']);
    const found = left ?? Buffer.alloc(0);
    expect([batchBaseOffset(found, 0), batchLastOffset(found, 0), batchLeaderEpoch(found, 0)]).toEqual([
      10, 12, 3,
    ]);
    expect(readRecords(found, 0)[0]?.timestampMs).toBe(77);
  });

  it('nothing where all are outdated, and no record without a key', () => {
    expect(filterBatch(batchOf(['a=1']), 0, options({ a: 20 }))).toBeNull();
    expect(words(filterBatch(batchOf(['=1', 'a=1']), 0, options({ a: 11 })))).toEqual(['11:a=1']);
  });

  it('everything beyond what the map of keys knows, also without a key', () => {
    const left = filterBatch(batchOf(['a=1', '=2', 'a=3']), 0, options({ a: 12 }, { latest: 10 }));
    expect(words(left)).toEqual(['11:=2', '12:a=3']);
  });
});

describe('a tombstone', () => {
  it('gets a time to go when it is met first, and is kept until then', () => {
    const left = filterBatch(batchOf(['a']), 0, options({ a: 10 })) ?? Buffer.alloc(0);
    expect(batchHasDeleteHorizon(left, 0)).toBe(true);
    expect(batchBaseTimestampMs(left, 0)).toBe(NOW_MS + RETENTION_MS);
    expect(readRecords(left, 0)[0]?.timestampMs).toBe(77);
    const kept = filterBatch(left, 0, options({ a: 10 }, { nowMs: NOW_MS + RETENTION_MS - 1 }));
    expect(kept?.equals(left)).toBe(true);
  });

  it('goes at that time, and the others of its batch stay', () => {
    const left = filterBatch(batchOf(['a', 'b=1']), 0, options({ a: 10, b: 11 })) ?? Buffer.alloc(0);
    const later = options({ a: 10, b: 11 }, { nowMs: NOW_MS + RETENTION_MS });
    expect(words(filterBatch(left, 0, later))).toEqual(['11:b=1']);
  });
});

describe('the header of a batch', () => {
  const BATCH = { producerId: 9, producerEpoch: 0, baseSequence: 4 };
  const producerWith = (lastOffset: number): ProducerEntry =>
    withDataBatch(unknownProducer(9), {
      ...{ producerId: 9, epoch: 0, firstSequence: 4, firstOffset: lastOffset, lastOffset },
      ...{ timestampMs: 77, transactional: false },
    });

  it('stays when it is the last of its producer, whose sequence goes on from it', () => {
    const producer = () => producerWith(11);
    const left =
      filterBatch(batchOf(['a=1', 'a=2'], BATCH), 0, options({ a: 20 }, { producer })) ?? Buffer.alloc(0);
    expect([batchRecordCount(left, 0), batchLastOffset(left, 0)]).toEqual([0, 11]);
    expect([batchProducerId(left, 0), batchBaseSequence(left, 0)]).toEqual([9, 4]);
  });

  it('goes when the producer has written on, or is forgotten', () => {
    const batch = batchOf(['a=1', 'a=2'], BATCH);
    expect(filterBatch(batch, 0, options({ a: 20 }, { producer: () => producerWith(15) }))).toBeNull();
    expect(filterBatch(batch, 0, options({ a: 20 }))).toBeNull();
  });
});

describe('the marker of a transaction of which nothing is left', () => {
  const marker = () => {
    const bytes = endTransactionMarker({
      ...{ committed: true, producerId: 9, producerEpoch: 0 },
      ...{ coordinatorEpoch: 0, timestampMs: 77 },
    });
    return bytes;
  };

  it('gets a time to go, as consumers may still be reading its transaction, and goes then', () => {
    const left = filterBatch(marker(), 0, options({})) ?? Buffer.alloc(0);
    expect(batchBaseTimestampMs(left, 0)).toBe(NOW_MS + RETENTION_MS);
    const at = (nowMs: number) => filterBatch(left, 0, options({}, { nowMs }));
    expect(at(NOW_MS + RETENTION_MS - 1)).not.toBeNull();
    expect(at(NOW_MS + RETENTION_MS)).toBeNull();
  });
});
