/** Batches of magic 2: read, patched and built, against bytes that other programs have made. */
import { describe, expect, it } from 'vitest';
import {
  batchBaseOffset,
  batchBaseSequence,
  batchCodec,
  batchCrcIsValid,
  batchIsControl,
  batchIsTransactional,
  batchLastOffset,
  batchLastSequence,
  batchLeaderEpoch,
  batchMaxTimestampMs,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  batchSizeBytes,
  completeBatches,
  setBatchBaseOffset,
  setBatchLeaderEpoch,
  setBatchMaxTimestamp,
} from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { endTransactionMarker, readControl } from '../../../broker/records/control.ts';
import { crc32c, crc32cInScript } from '../../../broker/records/crc32c.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { RecordCursor, varintSizeBytes, writeVarint } from '../../../broker/records/varint.ts';

/** Made by kafka-python 2.0.2's DefaultRecordBatchBuilder. */
const PLAIN =
  '00000000000000000000006f0000000002f00198bc0000000000020000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff000000031c000000066b65790a76616c7565003c000a02010c6e6f206b6579040c686561646572066f6e650a656d707479011e00130412746f6d6273746f6e650100';
/** The same program: gzip, transactional, producer 4242 epoch 7, base sequence 2^31 - 2. */
const GZIP =
  '000000000000000000000081000000000237a5aa0c0011000000020000018bcfe568000000018bcfe56802000000000000109200077ffffffe000000031f8b08001022016b02ffeb63626060e0c84ead34f8c1589291aa509c989baa509698539aaa90989e9899a79098970265d1549aa18f89818909e410c38177080b0bc8214603ec1000cf85d37a9b010000';

const RECORDS = [
  { timestampMs: 1700000000000, key: Buffer.from('key'), value: Buffer.from('value') },
  {
    timestampMs: 1700000000005,
    key: null,
    value: Buffer.from('no key'),
    headers: [
      { key: 'header', value: Buffer.from('one') },
      { key: 'empty', value: null },
    ],
  },
  { timestampMs: 1699999999990, key: Buffer.from('tombstone'), value: null },
];

describe('a batch made by another client', () => {
  const batch = Buffer.from(PLAIN, 'hex');

  it('gives its header and its records', () => {
    expect([...completeBatches(batch)]).toEqual([0]);
    expect(batchSizeBytes(batch, 0)).toBe(batch.length);
    expect(batchCrcIsValid(batch, 0)).toBe(true);
    expect(batchRecordCount(batch, 0)).toBe(3);
    expect(batchLastOffset(batch, 0)).toBe(2);
    expect(batchMaxTimestampMs(batch, 0)).toBe(1700000000005);
    expect(batchBaseSequence(batch, 0)).toBe(-1);
    expect(batchLastSequence(batch, 0)).toBe(-1);
    expect(readRecords(batch, 0)).toEqual(
      RECORDS.map((record, offset) => ({ headers: [], ...record, offset })),
    );
  });

  it('is what buildBatch makes of the same records', () => {
    expect(buildBatch({ leaderEpoch: 0, records: RECORDS }).toString('hex')).toBe(PLAIN);
  });

  it('is decompressed when it is compressed, and its sequence wraps after 2^31 - 1', () => {
    const packed = Buffer.from(GZIP, 'hex');
    expect(batchCodec(packed, 0)).toBe('gzip');
    expect(batchIsTransactional(packed, 0)).toBe(true);
    expect([batchProducerId(packed, 0), batchProducerEpoch(packed, 0)]).toEqual([4242, 7]);
    expect([batchBaseSequence(packed, 0), batchLastSequence(packed, 0)]).toEqual([2147483646, 0]);
    expect(readRecords(packed, 0).map(({ key }) => key?.toString())).toEqual(['key0', 'key1', 'key2']);
  });
});

describe('patching in place', () => {
  it('sets base offset and leader epoch without touching the checksum', () => {
    const batch = Buffer.from(PLAIN, 'hex');
    setBatchBaseOffset(batch, 0, 2 ** 40 + 7);
    setBatchLeaderEpoch(batch, 0, 12);
    expect([batchBaseOffset(batch, 0), batchLastOffset(batch, 0), batchLeaderEpoch(batch, 0)]).toEqual([
      2 ** 40 + 7,
      2 ** 40 + 9,
      12,
    ]);
    expect(batchCrcIsValid(batch, 0)).toBe(true);
  });

  it('gives all records the append time, under a new checksum', () => {
    const batch = Buffer.from(PLAIN, 'hex');
    setBatchMaxTimestamp(batch, 0, 'LogAppendTime', 1800000000000);
    expect(batchCrcIsValid(batch, 0)).toBe(true);
    expect(new Set(readRecords(batch, 0).map((record) => record.timestampMs))).toEqual(
      new Set([1800000000000]),
    );
  });

  it('notices a single flipped bit', () => {
    const batch = Buffer.from(PLAIN, 'hex');
    batch.writeUInt8(batch.readUInt8(90) ^ 4, 90);
    expect(batchCrcIsValid(batch, 0)).toBe(false);
  });
});

describe('the framing of batches', () => {
  const two = Buffer.concat([Buffer.from(PLAIN, 'hex'), Buffer.from(PLAIN, 'hex')]);

  it('leaves a partial batch at the end out', () => {
    const size = two.length / 2;
    expect([...completeBatches(two)]).toEqual([0, size]);
    for (const cut of [1, 12, 16, 17, 61, size - 1]) {
      expect([...completeBatches(two, 0, size + cut)]).toEqual([0]);
    }
  });

  it.each([
    ['a length below the smallest message', (b: Buffer) => b.writeInt32BE(13, 8)],
    ['a negative length', (b: Buffer) => b.writeInt32BE(-1, 8)],
    ['a length below the header', (b: Buffer) => b.writeInt32BE(48, 8)],
    ['an unknown magic', (b: Buffer) => b.writeInt8(3, 16)],
    ['a negative magic', (b: Buffer) => b.writeInt8(-1, 16)],
  ])('refuses %s', (_what, spoil) => {
    const batch = Buffer.from(PLAIN, 'hex');
    spoil(batch);
    expect(() => [...completeBatches(batch)]).toThrow('batch');
  });
});

describe('records that do not add up', () => {
  it.each([
    ['more records announced than there are', (b: Buffer) => b.writeInt32BE(4, 57)],
    ['fewer records announced than there are', (b: Buffer) => b.writeInt32BE(2, 57)],
    ['two thousand million records announced', (b: Buffer) => b.writeInt32BE(0x7fffffff, 57)],
    ['a negative count', (b: Buffer) => b.writeInt32BE(-1, 57)],
    ['a record length beyond the batch', (b: Buffer) => b.writeUInt8(0x7e, 61)],
    ['a key longer than its record', (b: Buffer) => b.writeUInt8(0x40, 65)],
  ])('are refused: %s', (_what, spoil) => {
    const batch = Buffer.from(PLAIN, 'hex');
    spoil(batch);
    expect(() => readRecords(batch, 0)).toThrow();
  });
});

describe('compaction', () => {
  it('keeps offsets with gaps and the span of the batch, and dates deltas from the delete horizon', () => {
    const batch = buildBatch({
      baseOffset: 100,
      lastOffset: 109,
      deleteHorizonMs: 1700000100000,
      records: [{ offset: 104, timestampMs: 1700000000000, key: Buffer.from('k'), value: null }],
    });
    expect(batchLastOffset(batch, 0)).toBe(109);
    expect(readRecords(batch, 0)).toMatchObject([{ offset: 104, timestampMs: 1700000000000 }]);
  });

  it('may leave a batch without records', () => {
    const batch = buildBatch({ baseOffset: 5, lastOffset: 9, codec: 'lz4', records: [] });
    expect(readRecords(batch, 0)).toEqual([]);
    expect(batchLastOffset(batch, 0)).toBe(9);
  });
});

describe('control batches', () => {
  it.each([true, false])('end a transaction (committed: %s)', (committed) => {
    const marker = endTransactionMarker({
      committed,
      producerId: 9,
      producerEpoch: 3,
      coordinatorEpoch: 17,
      timestampMs: 5,
    });
    expect([batchIsControl(marker, 0), batchIsTransactional(marker, 0)]).toEqual([true, true]);
    expect([batchProducerId(marker, 0), batchProducerEpoch(marker, 0), batchBaseSequence(marker, 0)]).toEqual(
      [9, 3, -1],
    );
    expect(readControl(marker, 0)).toEqual({ type: committed ? 'COMMIT' : 'ABORT', coordinatorEpoch: 17 });
    const record = readRecords(marker, 0)[0];
    expect(record?.key?.toString('hex')).toBe(committed ? '00000001' : '00000000');
    expect(record?.value?.toString('hex')).toBe('000000000011');
  });

  it('of types that are not known yet are named UNKNOWN', () => {
    const batch = buildBatch({ control: true, records: [{ key: Buffer.from([0, 0, 0, 99]), value: null }] });
    expect(readControl(batch, 0)).toEqual({ type: 'UNKNOWN', coordinatorEpoch: -1 });
  });
});

describe('CRC-32C', () => {
  it('has the check value of the standard', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('is the same in native code and in script, for every length and alignment', () => {
    const data = Buffer.from(Array.from({ length: 1100 }, (_, index) => (index * 131) & 0xff));
    for (let size = 0; size < 1000; size += 7) {
      expect(crc32c(data, size % 13, size + 100)).toBe(crc32cInScript(data, size % 13, size + 100));
    }
  });
});

describe('integers', () => {
  const EDGES = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 30, -(2 ** 30) - 1, 2 ** 31 - 1, -(2 ** 31)];

  it('are read as they were written, varint and varlong', () => {
    const out = Buffer.alloc(10);
    for (const value of [...EDGES, 2 ** 40, -(2 ** 40), 2 ** 52]) {
      const end = writeVarint(out, 0, value);
      expect([end, value]).toEqual([varintSizeBytes(value), value]);
      expect(new RecordCursor(out, 0, end).varlong()).toBe(value);
      if (Math.abs(value) <= 2 ** 31 - 1) expect(new RecordCursor(out, 0, end).varint()).toBe(value);
    }
  });

  it('beyond 2^53 are exact as varlongs too', () => {
    const out = Buffer.alloc(10);
    const edges = [2 ** 48 - 1, 2 ** 48, -(2 ** 48), -(2 ** 48) - 1, 2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n];
    for (const value of [...edges, -(2n ** 60n) - 1n, 2n ** 62n + 3n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      const end = writeVarint(out, 0, value);
      expect([end, value]).toEqual([varintSizeBytes(value), value]);
      expect(new RecordCursor(out, 0, end).varlong()).toBe(value);
    }
    const endless = Buffer.alloc(11, 0x80);
    expect(() => new RecordCursor(endless, 0, 11).varlong()).toThrow(/longer than ten bytes/);
  });
});
