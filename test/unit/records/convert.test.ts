/** Old message formats: taken in as batches, given out as messages. */
import { crc32, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { MAX_INT64 } from '../../../broker/int64.ts';
import { batchCodec, batchCrcIsValid, type Codec, completeBatches } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { downConvert } from '../../../broker/records/convert.ts';
import { DecompressionAllowance } from '../../../broker/records/decompression-allowance.ts';
import { readLegacyMessages, writeLegacyMessages } from '../../../broker/records/legacy.ts';
import type { ProduceContext } from '../../../broker/records/produce-context.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { validateProduced } from '../../../broker/records/validate.ts';

/** Made by kafka-python 2.0.2's LegacyRecordBatchBuilder: magic 0 and 1, plain and gzip. */
const MESSAGES = {
  v0: '0000000000000000000000162356c1370000000000036b65790000000576616c75650000000000000001000000145d50ab640000ffffffff000000066e6f206b65790000000000000002000000173bda36b4000000000009746f6d6273746f6e65ffffffff',
  v0gzip:
    '0000000000000000000000651477ba050001ffffffff000000571f8b0800a521016b02ff6360800331e5b083e6601673766a2590622d4bcc294d85ca3202b1486cc0ea140686ff4000e4b1e5e52b4014820013108b5bdf32db02e67196e4e7261597e4e7a582140300c469fc5865000000',
  v1: '00000000000000000000001e6ad05db801000000018bcfe56800000000036b65790000000576616c756500000000000000010000001c6005d9ac01000000018bcfe56805ffffffff000000066e6f206b657900000000000000020000001f6c74761b01000000018bcfe567f600000009746f6d6273746f6e65ffffffff',
  v1gzip:
    '000000000000000000000079d76d6cc101010000000000000000ffffffff000000631f8b0800a521016b02ff63608003b9ac0bb13b18810cc6eef34f334022ccd9a995408ab52c31a73415aa0aa4402681f5e61ab84ad6ff4000e4b0e5e52b403480001310cbe7949449c3d4a57f0332384bf273938a4bf2f352419a008719176d7d000000',
};

const CONTENT = [
  [Buffer.from('key'), Buffer.from('value')],
  [null, Buffer.from('no key')],
  [Buffer.from('tombstone'), null],
];

const CONFIG = {
  maxMessageBytes: 1048588,
  segmentBytes: 1073741824,
  cleanupPolicy: { compact: false },
  compressionType: 'producer',
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: MAX_INT64,
  messageTimestampAfterMaxMs: MAX_INT64,
} as const;

const plenty = () => ({ bytesLeft: 1_000_000 });

function produce(
  bytes: Buffer,
  config: Partial<ProduceContext['config']> = {},
  decompression?: DecompressionAllowance,
) {
  return validateProduced(bytes, {
    decompression,
    apiVersion: 2,
    nowMs: 1,
    origin: 'client',
    config: { ...CONFIG, ...config },
  });
}

describe('produced messages of an old client', () => {
  it.each([
    ['v0', 'none', [-1, -1, -1]],
    ['v0gzip', 'gzip', [-1, -1, -1]],
    ['v1', 'none', [1700000000000, 1700000000005, 1699999999990]],
    ['v1gzip', 'gzip', [1700000000000, 1700000000005, 1699999999990]],
  ] as const)('become one batch (%s)', (which, codec, timestamps) => {
    const valid = produce(Buffer.from(MESSAGES[which], 'hex'));
    if (!valid.ok) throw new Error(valid.message);
    expect([...completeBatches(valid.bytes)]).toEqual([0]);
    expect([batchCodec(valid.bytes, 0), batchCrcIsValid(valid.bytes, 0)]).toEqual([codec, true]);
    const records = readRecords(valid.bytes, 0);
    expect(records.map(({ key, value }) => [key, value])).toEqual(CONTENT);
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(records.map(({ timestampMs }) => timestampMs)).toEqual(timestamps);
  });

  it('keep times beyond 2^53, also when they are fetched in the old format again', () => {
    const nanoseconds = 1_700_000_000_000_000_001n;
    for (const codec of ['none', 'gzip'] as const) {
      const sent = [nanoseconds, 7, nanoseconds + 2n].map((timestampMs, offset) => ({
        offset,
        timestampMs,
        key: null,
        value: Buffer.from('x'),
      }));
      const valid = produce(writeLegacyMessages(sent, { magic: 1, codec, logAppendTime: false }));
      if (!valid.ok) throw new Error(valid.message);
      const times = (records: readonly { timestampMs: unknown }[]) => records.map((each) => each.timestampMs);
      expect(times(readRecords(valid.bytes, 0))).toEqual(times(sent));
      expect(valid.maxTimestampMs).toBe(nanoseconds + 2n);
      const { bytes } = downConvert(valid.bytes, {
        toMagic: 1,
        fetchOffset: 0,
        decompression: new DecompressionAllowance(),
        allowance: plenty(),
      });
      const fetched = [...completeBatches(bytes)].flatMap((at) => readLegacyMessages(bytes, at));
      expect(times(fetched)).toEqual(times(sent));
    }
  });

  it('are checked as others are', () => {
    const compact = { cleanupPolicy: { compact: true } };
    expect(produce(Buffer.from(MESSAGES.v1, 'hex'), compact)).toMatchObject({
      error: ErrorCode.INVALID_RECORD,
      recordErrors: [{ batchIndex: 1 }],
    });
    const flipped = Buffer.from(MESSAGES.v1gzip, 'hex');
    flipped.writeUInt8(0, 60);
    expect(produce(flipped)).toMatchObject({ error: ErrorCode.CORRUPT_MESSAGE });
  });

  it('must not be more in one than anybody could take apart', () => {
    const message = writeLegacyMessages([{ offset: 0, timestampMs: 0, key: null, value: null }], {
      magic: 1,
      codec: 'none',
      logAppendTime: false,
    });
    const limits = {
      batchBytes: 1 << 20,
      batchRecords: 1000,
      requestBytes: 1 << 20,
      requestRecords: 1 << 20,
    };
    const produceAtMost = (count: number) =>
      produce(wrap(Buffer.alloc(message.length * count, message)), {}, new DecompressionAllowance(limits));
    expect(produceAtMost(1000)).toMatchObject({ ok: true });
    const refused = produceAtMost(1001);
    expect(refused).toMatchObject({
      error: ErrorCode.MESSAGE_TOO_LARGE,
      message: 'A compressed batch of more than 1000 records',
    });
  });

  it('must not be compressed twice, nor mixed', () => {
    const one = Buffer.from(MESSAGES.v1gzip, 'hex');
    expect(produce(Buffer.concat([one, one]))).toMatchObject({ error: ErrorCode.INVALID_RECORD });
    const nested = writeLegacyMessages([{ offset: 0, timestampMs: 0, key: null, value: null }], {
      magic: 1,
      codec: 'snappy',
      logAppendTime: false,
    });
    const twice = wrap(nested);
    expect(produce(twice)).toMatchObject({ error: ErrorCode.INVALID_RECORD });
    const mixed = Buffer.concat([Buffer.from(MESSAGES.v0, 'hex'), Buffer.from(MESSAGES.v1, 'hex')]);
    expect(produce(mixed)).toMatchObject({ error: ErrorCode.INVALID_RECORD });
  });
});

describe('fetches of an old client', () => {
  const records = CONTENT.map(([key, value], index) => ({
    timestampMs: 1000 + index,
    key: key ?? null,
    value: value ?? null,
    headers: [{ key: 'lost', value: null }],
  }));

  it.each<[0 | 1, Codec]>([
    [0, 'none'],
    [0, 'gzip'],
    [0, 'snappy'],
    [0, 'lz4'],
    [1, 'none'],
    [1, 'gzip'],
    [1, 'snappy'],
    [1, 'lz4'],
  ])('get messages of magic %i (%s) with the offsets they have', (toMagic, codec) => {
    const batch = buildBatch({ baseOffset: 500, codec, records });
    const { bytes, error } = downConvert(batch, {
      toMagic,
      fetchOffset: 500,
      decompression: new DecompressionAllowance(),
      allowance: plenty(),
    });
    expect(error).toBe(ErrorCode.NONE);
    const positions = [...completeBatches(bytes)];
    expect(positions).toHaveLength(codec === 'none' ? 3 : 1);
    expect(positions.every((at) => batchCrcIsValid(bytes, at))).toBe(true);
    const messages = positions.flatMap((at) => readLegacyMessages(bytes, at));
    expect(messages.map(({ offset }) => offset)).toEqual([500, 501, 502]);
    expect(messages.map(({ key, value }) => [key, value])).toEqual(CONTENT);
    expect(messages.map(({ timestampMs }) => timestampMs)).toEqual(
      toMagic === 0 ? [-1, -1, -1] : [1000, 1001, 1002],
    );
  });

  it('do not get control records, nor uncompressed ones before the offset they asked for', () => {
    const data = buildBatch({ baseOffset: 0, records });
    const marker = endTransactionMarker({
      committed: true,
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestampMs: 0,
      baseOffset: 3,
    });
    const { bytes } = downConvert(Buffer.concat([data, marker]), {
      toMagic: 1,
      fetchOffset: 2,
      decompression: new DecompressionAllowance(),
      allowance: plenty(),
    });
    const offsets = [...completeBatches(bytes)].map((at) => readLegacyMessages(bytes, at)[0]?.offset);
    expect(offsets).toEqual([2]);
  });

  it('end after enough of them, to be asked for again, but never with nothing', () => {
    const batch = (baseOffset: number): Buffer =>
      buildBatch({
        baseOffset,
        codec: 'gzip',
        records: [{ timestampMs: 1, value: Buffer.alloc(2000) }],
      });
    const { bytes, error } = downConvert(Buffer.concat([0, 1, 2, 3].map(batch)), {
      toMagic: 1,
      fetchOffset: 0,
      decompression: new DecompressionAllowance(),
      allowance: { bytesLeft: 3000 },
    });
    expect(error).toBe(ErrorCode.NONE);
    expect([...completeBatches(bytes)]).toHaveLength(2);
  });

  it('end before what does not match its checksum, of which theirs would not tell', () => {
    const sound = buildBatch({ records });
    const rotten = buildBatch({ baseOffset: 3, records });
    rotten.writeUInt8(rotten.readUInt8(rotten.length - 2) ^ 1, rotten.length - 2);
    const converted = (batches: readonly Buffer[]) =>
      downConvert(Buffer.concat(batches), {
        toMagic: 1,
        fetchOffset: 0,
        decompression: new DecompressionAllowance(),
        allowance: plenty(),
      });
    expect(converted([sound, rotten])).toEqual({
      bytes: converted([sound]).bytes,
      error: ErrorCode.CORRUPT_MESSAGE,
    });
    expect(converted([rotten, sound])).toEqual({ bytes: Buffer.alloc(0), error: ErrorCode.CORRUPT_MESSAGE });
  });

  it('end before zstd, which the old formats do not know', () => {
    const plain = buildBatch({ records });
    const packed = buildBatch({ baseOffset: 3, codec: 'zstd', records });
    const some = downConvert(Buffer.concat([plain, packed]), {
      toMagic: 1,
      fetchOffset: 0,
      decompression: new DecompressionAllowance(),
      allowance: plenty(),
    });
    expect([some.error, some.bytes.length > 0]).toEqual([ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, true]);
    expect(
      downConvert(packed, {
        toMagic: 1,
        fetchOffset: 3,
        decompression: new DecompressionAllowance(),
        allowance: plenty(),
      }),
    ).toEqual({
      bytes: Buffer.alloc(0),
      error: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    });
  });
});

/** A gzip wrapper around whatever is given. */
function wrap(inner: Buffer): Buffer {
  const bytes = writeLegacyMessages([{ offset: 0, timestampMs: 0, key: null, value: gzipSync(inner) }], {
    magic: 1,
    codec: 'none',
    logAppendTime: false,
  });
  bytes.writeInt8(1, 17);
  bytes.writeUInt32BE(crc32(bytes.subarray(16)), 12);
  return bytes;
}
