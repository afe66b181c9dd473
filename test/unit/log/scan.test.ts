/** Walks through the batches of a file, whose sizes fall anywhere on the windows that are read. */

import { describe, expect, it } from 'vitest';
import { scanBatches, scanHeaders, type Visit } from '../../../broker/log/files/scan.ts';
import { BufferPool } from '../../../broker/platform/buffer-pool.ts';
import { batchBaseOffset, batchCrcIsValid } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { World } from '../../support/world.ts';

/** Around the windows of 8 KiB and of 1 MiB that are read at a time. */
const VALUE_BYTES = [1, 8000, 150, 1, 7900, 300, 100_000, 1, 1_048_400, 5, 2_500_000, 1, 1];
const buffers = new BufferPool(1 << 20);

function batches(): Buffer[] {
  return VALUE_BYTES.map((sizeBytes, offset) =>
    buildBatch({ baseOffset: offset, records: [{ timestampMs: 1, value: Buffer.alloc(sizeBytes, offset) }] }),
  );
}

function fileOf(bytes: Buffer) {
  const file = new World().disk().open('/log', 'write');
  file.write(bytes, 0, bytes.length, 0);
  return file;
}

type Scan = (bytes: Buffer, range: { fromBytes: number; toBytes: number }, visit: Visit) => number;

describe.each<[string, Scan]>([
  ['scanHeaders', (bytes, range, visit) => scanHeaders(fileOf(bytes), range, visit)],
  ['scanBatches', (bytes, range, visit) => scanBatches(fileOf(bytes), range, buffers, visit)],
])('%s', (_name, scan) => {
  const all = batches();
  const bytes = Buffer.concat(all);
  const starts = all.map((_, index) => all.slice(0, index).reduce((sum, { length }) => sum + length, 0));
  const whole = { fromBytes: 0, toBytes: bytes.length };

  function visited(data: Buffer, range = { fromBytes: 0, toBytes: data.length }) {
    const found: [number, number][] = [];
    const end = scan(data, range, (buffer, at, positionBytes) => {
      found.push([batchBaseOffset(buffer, at), positionBytes]);
      return undefined;
    });
    return { found, end };
  }

  it('visits every batch once, with its position, and ends at the end', () => {
    const { found, end } = visited(bytes);
    expect(found).toEqual(starts.map((start, offset) => [offset, start]));
    expect(end).toBe(bytes.length);
  });

  it('begins and ends where it is told', () => {
    const range = { fromBytes: starts[3] ?? 0, toBytes: starts[9] ?? 0 };
    const { found, end } = visited(bytes, range);
    expect(found.map(([offset]) => offset)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(end).toBe(range.toBytes);
  });

  it('ends before the batch that its visitor stops at', () => {
    for (const [index, start] of starts.entries()) {
      const end = scan(bytes, whole, (buffer, at) =>
        batchBaseOffset(buffer, at) === index ? 'stop' : undefined,
      );
      expect(end).toBe(start);
    }
  });

  it('ends before a batch that is not complete, wherever it was cut', () => {
    for (const index of [0, 1, 4, 8, 10, 12]) {
      const [start = 0, sizeBytes = 0] = [starts[index], all[index]?.length];
      for (const keptBytes of [1, 11, 12, 16, 17, 60, 61, sizeBytes - 1]) {
        const { found, end } = visited(bytes.subarray(0, start + keptBytes));
        expect([found.length, end]).toEqual([index, start]);
      }
    }
  });

  it.each([
    ['zeros', Buffer.alloc(200)],
    ['a length that no batch has', Buffer.alloc(200, 0xff)],
    ['text', Buffer.from('not a batch at all, but long enough for the header of one, and then some more')],
  ])('ends before %s', (_what, garbage) => {
    const { found, end } = visited(Buffer.concat([bytes.subarray(0, starts[5]), garbage]));
    expect([found.length, end]).toEqual([5, starts[5]]);
  });

  it('finds nothing in an empty range', () => {
    expect(visited(bytes, { fromBytes: 0, toBytes: 0 })).toEqual({ found: [], end: 0 });
    const { length } = bytes;
    expect(visited(bytes, { fromBytes: length, toBytes: length })).toEqual({ found: [], end: length });
  });
});

it('scanBatches has each batch whole in its buffer', () => {
  const bytes = Buffer.concat(batches());
  let valid = 0;
  scanBatches(fileOf(bytes), { fromBytes: 0, toBytes: bytes.length }, buffers, (buffer, at) => {
    if (batchCrcIsValid(buffer, at)) valid++;
    return undefined;
  });
  expect(valid).toBe(VALUE_BYTES.length);
});
