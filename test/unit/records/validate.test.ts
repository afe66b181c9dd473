/** What a leader lets in, what it refuses and with which error, and what it changes. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchBaseTimestampMs,
  batchCodec,
  batchCrcIsValid,
  batchHasDeleteHorizon,
  batchIsLogAppendTime,
  batchLeaderEpoch,
  batchMaxTimestampMs,
  batchProducerId,
  batchSizeBytes,
  type Codec,
  sealBatch,
  setBatchBaseOffset,
} from '../../../broker/records/batch.ts';
import { type BatchInput, buildBatch, type RecordInput } from '../../../broker/records/build.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { rebuildBatch } from '../../../broker/records/rebuild.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { stampBatches } from '../../../broker/records/validate.ts';
import { accepted, allowance, context, NOW_MS, records, refused } from './validation.ts';

/** Changes a batch and gives it a right checksum. */
function altered(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  change(batch);
  sealBatch(batch, 0);
  return batch;
}

describe('a good batch', () => {
  it.each<Codec>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('goes in as it came (%s)', (codec) => {
    const batch = buildBatch({ codec, records: records(3) });
    const before = Buffer.from(batch);
    const { bytes, positions, offsetCount, maxTimestampMs, logAppendTimeMs } = accepted(batch);
    expect(bytes.buffer).toBe(batch.buffer);
    expect(bytes.equals(before)).toBe(true);
    expect({ positions, offsetCount, maxTimestampMs, logAppendTimeMs }).toEqual({
      positions: [0],
      offsetCount: 3,
      maxTimestampMs: NOW_MS - 1,
      logAppendTimeMs: -1,
    });
  });

  it('loses the partial batch that trails it', () => {
    const batch = buildBatch({ records: records(1) });
    expect(accepted(Buffer.concat([batch, batch.subarray(0, 40)])).bytes.equals(batch)).toBe(true);
  });

  it('is stamped with offsets and leader epoch', () => {
    const one = buildBatch({ records: records(3) });
    const valid = accepted(Buffer.concat([one, one]), context({}, { origin: 'coordinator' }));
    stampBatches(valid, { firstOffset: 1000, leaderEpoch: 7 });
    expect(valid.positions.map((at) => batchBaseOffset(valid.bytes, at))).toEqual([1000, 1003]);
    expect(valid.positions.map((at) => batchLeaderEpoch(valid.bytes, at))).toEqual([7, 7]);
    expect(valid.positions.every((at) => batchCrcIsValid(valid.bytes, at))).toBe(true);
  });

  it('gets the greatest timestamp of its records where its header says another', () => {
    const batch = buildBatch({ records: records(2), maxTimestampMs: 5 });
    expect(accepted(batch).maxTimestampMs).toBe(NOW_MS - 1);
    expect([batchMaxTimestampMs(batch, 0), batchCrcIsValid(batch, 0)]).toEqual([NOW_MS - 1, true]);
  });
});

describe('the version of the request', () => {
  const batch = buildBatch({ records: records(1) });

  it('must fit the bytes', () => {
    expect(refused(Buffer.alloc(0)).error).toBe(ErrorCode.INVALID_RECORD);
    expect(refused(Buffer.concat([batch, batch])).error).toBe(ErrorCode.INVALID_RECORD);
    const old = context({}, { apiVersion: 2 });
    expect(refused(Buffer.concat([batch, batch]), old).error).toBe(ErrorCode.INVALID_RECORD);
    // Kafka does not mind a batch of a format that the request is older than.
    expect(accepted(batch, old).offsetCount).toBe(1);
  });

  it('must be 7 or later for zstd', () => {
    const packed = buildBatch({ codec: 'zstd', records: records(1) });
    expect(refused(packed, context({}, { apiVersion: 6 })).error).toBe(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    );
    expect(accepted(packed, context({}, { apiVersion: 7 })).bytes).toHaveLength(packed.length);
  });
});

describe('a batch is refused', () => {
  it('when its checksum is wrong', () => {
    const batch = buildBatch({ records: records(2) });
    batch.writeUInt8(batch.readUInt8(70) ^ 1, 70);
    expect(refused(batch).error).toBe(ErrorCode.CORRUPT_MESSAGE);
  });

  it('when its base offset is not 0', () => {
    const batch = buildBatch({ records: records(2) });
    setBatchBaseOffset(batch, 0, 1);
    expect(refused(batch).error).toBe(ErrorCode.INVALID_RECORD);
  });

  it('when it is larger than max.message.bytes, to the byte', () => {
    const batch = buildBatch({ records: records(2) });
    expect(accepted(batch, context({ maxMessageBytes: batch.length })).ok).toBe(true);
    expect(refused(batch, context({ maxMessageBytes: batch.length - 1 })).error).toBe(
      ErrorCode.MESSAGE_TOO_LARGE,
    );
  });

  it('when it is larger than a segment', () => {
    const batch = buildBatch({ records: records(2) });
    expect(refused(batch, context({ segmentBytes: batch.length - 1 })).error).toBe(
      ErrorCode.RECORD_LIST_TOO_LARGE,
    );
  });

  it.each<[string, (batch: Buffer) => void]>([
    ['its offsets and its count differ', (batch) => batch.writeInt32BE(5, 23)],
    ['it spans no offsets', (batch) => batch.writeInt32BE(-1, 23)],
    ['it is a control batch', (batch) => batch.writeInt16BE(0x20, 21)],
    ['it has a producer but no sequence', (batch) => batch.writeBigInt64BE(5n, 43)],
    ['a record is longer than the batch', (batch) => batch.writeUInt8(0x7e, 61)],
  ])('when %s', (_why, change) => {
    expect(refused(altered(buildBatch({ records: records(2) }), change)).error).toBe(
      ErrorCode.INVALID_RECORD,
    );
  });

  it('when its codec does not exist', () => {
    const batch = altered(buildBatch({ records: records(2) }), (bytes) => bytes.writeInt16BE(5, 21));
    expect(refused(batch).error).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });

  it('when it is compressed and holds more records than anybody could take apart', () => {
    const batch = buildBatch({
      codec: 'gzip',
      records: [{ timestampMs: NOW_MS, value: Buffer.alloc(20_000_000) }],
    });
    const claims = (count: number): Buffer => {
      const copy = Buffer.from(batch);
      copy.writeInt32BE(count - 1, 23);
      copy.writeInt32BE(count, 57);
      sealBatch(copy, 0);
      return copy;
    };
    expect(refused(claims(1_000_001)).error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(refused(claims(1_000_000)).error).toBe(ErrorCode.INVALID_RECORD);
  });

  it('with a bounded number of the records that are to blame', () => {
    const many = buildBatch({
      codec: 'gzip',
      records: Array.from({ length: 12_000 }, () => ({ value: Buffer.alloc(1) })),
    });
    const outcome = refused(many, context({ cleanupPolicy: { compact: true } }));
    expect(outcome.error).toBe(ErrorCode.INVALID_RECORD);
    expect(outcome.recordErrors).toHaveLength(10_000);
  });

  it('when it decompresses to more than the limit', () => {
    const batch = buildBatch({
      codec: 'gzip',
      records: [{ key: Buffer.from('k'), value: Buffer.alloc(100_000) }],
    });
    const compacted = { cleanupPolicy: { compact: true } };
    const strict = context(compacted, { decompression: allowance({ batchBytes: 50_000 }) });
    expect(refused(batch, strict).error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  });
});

describe('a compacted topic', () => {
  const compacted = context({ cleanupPolicy: { compact: true } });

  it.each<Codec>(['none', 'lz4'])('refuses records without key and names each of them (%s)', (codec) => {
    const mixed = [...records(1), { value: Buffer.from('a') }, ...records(1), { value: Buffer.from('b') }];
    const { error, recordErrors } = refused(buildBatch({ codec, records: mixed }), compacted);
    expect(error).toBe(ErrorCode.INVALID_RECORD);
    expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3]);
  });

  it('takes records with keys, tombstones among them', () => {
    const tombstone = buildBatch({ codec: 'zstd', records: [{ key: Buffer.from('k'), value: null }] });
    expect(accepted(tombstone, compacted).offsetCount).toBe(1);
  });
});

describe('timestamps beyond 2^53', () => {
  const nanoseconds = BigInt(NOW_MS) * 1_000_000n + 1n;

  it('are let in and stay as they are, decompressed or not', () => {
    const sent: RecordInput[] = [
      { timestampMs: nanoseconds, key: Buffer.from('k') },
      { timestampMs: nanoseconds + 2n, key: Buffer.from('k') },
      { timestampMs: 5, key: Buffer.from('k') },
    ];
    for (const codec of ['none', 'lz4'] as const) {
      for (const compact of [false, true]) {
        const valid = accepted(buildBatch({ codec, records: sent }), context({ cleanupPolicy: { compact } }));
        expect(valid.maxTimestampMs).toBe(nanoseconds + 2n);
        expect(batchMaxTimestampMs(valid.bytes, 0)).toBe(nanoseconds + 2n);
        expect(readRecords(valid.bytes, 0).map(({ timestampMs }) => timestampMs)).toEqual([
          nanoseconds,
          nanoseconds + 2n,
          5,
        ]);
      }
    }
    const rebuilt = accepted(buildBatch({ records: sent }), context({ compressionType: 'zstd' }));
    expect(readRecords(rebuilt.bytes, 0)[1]?.timestampMs).toBe(nanoseconds + 2n);
  });

  it('are held against bounds exactly', () => {
    const afterMaxMs = nanoseconds - BigInt(NOW_MS);
    const sent = () => buildBatch({ records: [{ timestampMs: nanoseconds, value: null }] });
    accepted(sent(), context({ messageTimestampAfterMaxMs: afterMaxMs }));
    expect(refused(sent(), context({ messageTimestampAfterMaxMs: afterMaxMs - 1n }))).toMatchObject({
      error: ErrorCode.INVALID_TIMESTAMP,
    });
  });
});

describe('timestamps', () => {
  const bounded = context({ messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 500 });
  const at = (timestampMs: number) =>
    buildBatch({ codec: 'snappy', records: [{ timestampMs, value: null }] });

  it('may be as old and as new as the topic says', () => {
    for (const timestampMs of [NOW_MS - 1000, NOW_MS + 500, -1]) {
      expect(accepted(at(timestampMs), bounded).maxTimestampMs).toBe(timestampMs);
    }
    for (const timestampMs of [NOW_MS - 1001, NOW_MS + 501]) {
      expect(refused(at(timestampMs), bounded)).toMatchObject({
        error: ErrorCode.INVALID_TIMESTAMP,
        recordErrors: [{ batchIndex: 0 }],
      });
    }
  });

  it('win over other errors of records', () => {
    const strict = context({ messageTimestampAfterMaxMs: 500, cleanupPolicy: { compact: true } });
    const batch = buildBatch({
      records: [
        { timestampMs: NOW_MS, value: null },
        { timestampMs: NOW_MS + 501, key: Buffer.from('k') },
      ],
    });
    const { error, recordErrors } = refused(batch, strict);
    expect(error).toBe(ErrorCode.INVALID_TIMESTAMP);
    expect(recordErrors).toHaveLength(2);
  });

  it.each<Codec>(['none', 'gzip'])('are the time of the append where the topic says so (%s)', (codec) => {
    const batch = buildBatch({ codec, records: records(3) });
    const valid = accepted(batch, context({ messageTimestampType: 'LogAppendTime' }));
    expect([valid.logAppendTimeMs, valid.maxTimestampMs]).toEqual([NOW_MS, NOW_MS]);
    expect([batchIsLogAppendTime(valid.bytes, 0), batchCrcIsValid(valid.bytes, 0)]).toEqual([true, true]);
    expect(readRecords(valid.bytes, 0).map(({ timestampMs }) => timestampMs)).toEqual([
      NOW_MS,
      NOW_MS,
      NOW_MS,
    ]);
  });

  it('must not be declared append times by the producer', () => {
    const typed = () => buildBatch({ codec: 'gzip', timestampType: 'LogAppendTime', records: records(1) });
    const appendTime = context({ messageTimestampType: 'LogAppendTime' });
    expect(refused(typed(), appendTime).error).toBe(ErrorCode.INVALID_TIMESTAMP);
    expect(batchIsLogAppendTime(accepted(typed()).bytes, 0)).toBe(false);
  });
});

describe('a topic with a compression type of its own', () => {
  it.each<[Codec, 'uncompressed' | Codec]>([
    ['none', 'zstd'],
    ['gzip', 'lz4'],
    ['snappy', 'uncompressed'],
  ])('has batches rebuilt: %s to %s', (from, compressionType) => {
    const batch = buildBatch({
      codec: from,
      records: records(4),
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 3,
    });
    const { bytes } = accepted(batch, context({ compressionType }));
    expect(batchCodec(bytes, 0)).toBe(compressionType === 'uncompressed' ? 'none' : compressionType);
    expect([batchProducerId(bytes, 0), batchCrcIsValid(bytes, 0)]).toEqual([7, true]);
    expect(readRecords(bytes, 0)).toEqual(readRecords(batch, 0));
  });

  it('refuses a batch that is too large when rebuilt', () => {
    const batch = buildBatch({ codec: 'gzip', records: [{ value: Buffer.alloc(10_000) }] });
    const { error } = refused(batch, context({ compressionType: 'uncompressed', maxMessageBytes: 9000 }));
    expect(error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  });
});

describe('offsets inside a batch', () => {
  it('are put in order when they are not 0, 1, 2, …', () => {
    const [one, two] = records(2);
    const batch = buildBatch({
      lastOffset: 1,
      records: [
        { ...one, offset: 1 },
        { ...two, offset: 1 },
      ],
    });
    expect(readRecords(accepted(batch).bytes, 0).map(({ offset }) => offset)).toEqual([0, 1]);
  });
});

describe('the batches of coordinators', () => {
  it('may be control batches', () => {
    const marker = endTransactionMarker({
      committed: true,
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestampMs: NOW_MS,
    });
    const valid = accepted(marker, context({ cleanupPolicy: { compact: true } }, { origin: 'coordinator' }));
    expect(valid.bytes.length).toBe(batchSizeBytes(marker, 0));
  });
});

describe('a batch under another codec', () => {
  const plainHeaders = { timestampMs: NOW_MS, key: Buffer.from('k'), value: Buffer.from('v') };
  const cases: [string, BatchInput['records']][] = [
    ['plain records', records(50)],
    ['headers', [{ ...plainHeaders, headers: [{ key: 'h', value: Buffer.from('x') }] }]],
    ['tombstones and no keys', [{ timestampMs: NOW_MS, key: null, value: null }, plainHeaders]],
    ['far timestamps', [plainHeaders, { ...plainHeaders, timestampMs: 2n ** 62n }]],
  ];

  it.each(cases)('holds the same bytes as one that is built of its records (%s)', (_what, input) => {
    for (const source of ['none', 'gzip', 'lz4'] as const) {
      for (const messageTimestampType of ['CreateTime', 'LogAppendTime'] as const) {
        const config = { messageTimestampType, compressionType: 'zstd' as const, compressionLevel: 3 };
        const batch = buildBatch({
          codec: source,
          producerId: 7,
          producerEpoch: 1,
          baseSequence: 4,
          records: input,
        });
        const built = rebuildBatch(batch, 0, {
          ...{ codec: 'zstd' as const, nowMs: NOW_MS, config },
          plain: buildBatch({ records: input }).subarray(BATCH_HEADER_BYTES),
        });
        expect(accepted(batch, context(config)).bytes.equals(built), source).toBe(true);
      }
    }
  });

  it('is taken apart where its first record is not at the base timestamp', () => {
    const batch = buildBatch({ deleteHorizonMs: NOW_MS - 50, records: records(3) });
    expect(batchBaseTimestampMs(batch, 0)).toBe(NOW_MS - 50);
    const { bytes } = accepted(batch, context({ compressionType: 'gzip' }));
    expect(batchBaseTimestampMs(bytes, 0)).toBe(NOW_MS - 3);
    expect(batchHasDeleteHorizon(bytes, 0)).toBe(false);
    const times = readRecords(bytes, 0).map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([NOW_MS - 3, NOW_MS - 2, NOW_MS - 1]);
  });
});
