/**
 * Batches of magic 2 that say one thing in their header and another in their records, or whose records
 * don't add up, byte by byte, with what Apache Kafka 3.9.1 answers.
 */
import { ErrorCode } from '../../../broker/errors.ts';
import { CODECS, type Codec, sealBatch } from '../../../broker/records/batch.ts';
import { compress } from '../../../broker/records/compression.ts';
import { writeVarint } from '../../../broker/records/varint.ts';

export const BATCH_TIME_MS = 1_700_000_000_000;

interface HeaderFields {
  readonly codec?: Codec;
  /** Besides those of the codec. */
  readonly attributes?: number;
  readonly count?: number;
  readonly lastOffsetDelta?: number;
  readonly baseTimestampMs?: number;
  readonly maxTimestampMs?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly baseOffset?: number;
  readonly leaderEpoch?: number;
}

/** A batch around a payload that is compressed already. */
export function batchAround(payload: Buffer, count: number, o: HeaderFields = {}): Buffer {
  const batch = Buffer.alloc(61 + payload.length);
  batch.writeBigInt64BE(BigInt(o.baseOffset ?? 0), 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(o.leaderEpoch ?? -1, 12);
  batch.writeInt8(2, 16);
  batch.writeUInt16BE(CODECS.indexOf(o.codec ?? 'none') | (o.attributes ?? 0), 21);
  batch.writeInt32BE(o.lastOffsetDelta ?? (o.count ?? count) - 1, 23);
  batch.writeBigInt64BE(BigInt(o.baseTimestampMs ?? BATCH_TIME_MS), 27);
  batch.writeBigInt64BE(BigInt(o.maxTimestampMs ?? BATCH_TIME_MS + 1), 35);
  batch.writeBigInt64BE(BigInt(o.producerId ?? -1), 43);
  batch.writeInt16BE(o.producerEpoch ?? -1, 51);
  batch.writeInt32BE(o.baseSequence ?? -1, 53);
  batch.writeInt32BE(o.count ?? count, 57);
  payload.copy(batch, 61);
  sealBatch(batch, 0);
  return batch;
}

interface RecordFields {
  /** Added to what the record really takes. */
  readonly lengthOff?: number;
  readonly length?: number;
  readonly attributes?: number;
  readonly timestampDelta?: number;
  readonly offsetDelta?: number;
  readonly keyLength?: number;
  readonly key?: string | null;
  readonly valueLength?: number;
  readonly value?: string | null;
  readonly headerCount?: number;
  readonly headers?: readonly {
    keyLength?: number;
    key?: string;
    valueLength?: number;
    value?: string | null;
  }[];
  readonly extra?: Buffer;
}

function recordBytes(index: number, o: RecordFields = {}): Buffer {
  const key = o.key === undefined ? `key ${index}` : o.key;
  const value = o.value === undefined ? `value ${index}` : o.value;
  const body = Buffer.concat([
    Buffer.from([o.attributes ?? 0]),
    varint(o.timestampDelta ?? index),
    varint(o.offsetDelta ?? index),
    varint(o.keyLength ?? key?.length ?? -1),
    Buffer.from(key ?? ''),
    varint(o.valueLength ?? value?.length ?? -1),
    Buffer.from(value ?? ''),
    varint(o.headerCount ?? o.headers?.length ?? 0),
    ...(o.headers ?? []).flatMap((header) => [
      varint(header.keyLength ?? header.key?.length ?? 0),
      Buffer.from(header.key ?? ''),
      varint(header.valueLength ?? header.value?.length ?? -1),
      Buffer.from(header.value ?? ''),
    ]),
    o.extra ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([varint(o.length ?? body.length + (o.lengthOff ?? 0)), body]);
}

function varint(value: number): Buffer {
  const out = Buffer.alloc(10);
  return out.subarray(0, writeVarint(out, 0, value));
}

interface UnusualBatch {
  readonly what: string;
  readonly of: (codec: Codec) => Buffer;
  /** Kafka's error code on a topic that asks nothing of its records. */
  readonly answer: (codec: Codec) => number;
  /** Kafka does not look, and its consumers stop there; this broker does. */
  readonly refusedHere: boolean;
}

/** Two records, the second of which, or both, are as told. */
function records(second: RecordFields, first: RecordFields = {}, header: HeaderFields = {}) {
  return (codec: Codec) => {
    const bytes = Buffer.concat([recordBytes(0, first), recordBytes(1, second)]);
    return batchAround(compress(codec, bytes), 2, { ...header, codec });
  };
}

const good = Buffer.concat([recordBytes(0), recordBytes(1)]);
const around = (bytes: Buffer, header: HeaderFields) => (codec: Codec) =>
  batchAround(compress(codec, bytes), 2, { ...header, codec });

const BATCHES: Record<string, (codec: Codec) => Buffer> = {
  'in order': records({}),
  'fewer records than announced': around(good, { count: 3 }),
  'far fewer records than announced': around(good, { count: 1_000_000 }),
  'more records than announced': around(good, { count: 1 }),
  'no records announced': around(good, { count: 0 }),
  'a negative count': around(good, { count: -1, lastOffsetDelta: 1 }),
  'a count and a range that differ': around(good, { count: 2, lastOffsetDelta: 5 }),
  'a negative range': around(good, { count: 2, lastOffsetDelta: -1 }),
  'no payload and no records': (codec) => batchAround(Buffer.alloc(0), 0, { codec }),
  'a byte after the records': around(Buffer.concat([good, Buffer.alloc(1)]), {}),
  'a base offset': around(good, { baseOffset: 5 }),
  'a negative base offset': around(good, { baseOffset: -5 }),
  'a leader epoch': around(good, { leaderEpoch: 77 }),
  'a control batch': around(good, { attributes: 0x20 }),
  'declared append times': around(good, { attributes: 0x08 }),
  'a delete horizon': around(good, { attributes: 0x40 }),
  'attribute bit 7': around(good, { attributes: 0x80 }),
  'high attribute bits': around(good, { attributes: 0xff00 }),
  'a producer without sequence': around(good, { producerId: 5, producerEpoch: 0 }),
  'a producer with a negative sequence': around(good, { producerId: 5, producerEpoch: 0, baseSequence: -2 }),
  'a producer with a negative epoch': around(good, { producerId: 6, producerEpoch: -1, baseSequence: 0 }),
  'a negative producer': around(good, { producerId: -7, producerEpoch: 0, baseSequence: 0 }),
  'a sequence without producer': around(good, { baseSequence: 5 }),
  'an epoch without producer': around(good, { producerEpoch: 5 }),
  'a maximal timestamp that is too small': around(good, { maxTimestampMs: 5 }),
  'a maximal timestamp that is too large': around(good, { maxTimestampMs: BATCH_TIME_MS + 100 }),
  'no maximal timestamp': around(good, { maxTimestampMs: -1 }),
  'no base timestamp': around(good, { baseTimestampMs: -1, maxTimestampMs: -1 }),
  'a negative base timestamp': around(good, { baseTimestampMs: -1000, maxTimestampMs: -999 }),
  'a very negative base timestamp': around(good, { baseTimestampMs: -1_000_000_000_000, maxTimestampMs: -1 }),
  'timestamps that fall': records({ timestampDelta: -50 }),
  'timestamps in the future': around(good, {
    baseTimestampMs: 4_000_000_000_000,
    maxTimestampMs: 4_000_000_000_001,
  }),
  'timestamps of long ago': around(good, { baseTimestampMs: 1000, maxTimestampMs: 1001 }),
  'offsets that repeat': records({ offsetDelta: 0 }),
  'offsets with a gap': records({ offsetDelta: 5 }, {}),
  'offsets that begin late': records({ offsetDelta: 2 }, { offsetDelta: 1 }),
  'offsets in reverse': records({ offsetDelta: 0 }, { offsetDelta: 1 }),
  'a negative offset': records({ offsetDelta: -1 }),
  'all offsets 0': records({ offsetDelta: 0 }, { offsetDelta: 0 }),
  'offsets that begin late, with a range to fit': records(
    { offsetDelta: 2 },
    { offsetDelta: 1 },
    { lastOffsetDelta: 2 },
  ),
  'a record that is longer than it says': records({ lengthOff: -1 }),
  'a record that is shorter than it says': records({ lengthOff: 1 }),
  'a first record that is longer than it says': records({}, { lengthOff: -1 }),
  'a first record that is shorter than it says': records({}, { lengthOff: 1 }),
  'a record of no length': records({ length: 0 }),
  'a record of negative length': records({ length: -1 }),
  'a record of very negative length': records({ length: -0x8000_0000 }),
  'a record longer than the batch': records({ length: 10_000 }),
  'a record longer than anything': records({ length: 0x7fff_ffff }),
  'bytes at the end of a record': records({ extra: Buffer.from('x') }),
  'bytes at the end of the first record': records({}, { extra: Buffer.from('x') }),
  'attributes of a record': records({ attributes: 0xff }),
  'no key': records({ key: null }),
  'no keys': records({ key: null }, { key: null }),
  'no value': records({ value: null }),
  neither: records({ key: null, value: null }),
  'an empty key': records({ key: '' }),
  'a key of length -2': records({ key: null, keyLength: -2 }),
  'a value of length -5': records({ value: null, valueLength: -5 }),
  'a key longer than its record': records({ keyLength: 50 }),
  'a key longer than anything': records({ keyLength: 0x7fff_ffff }),
  'a value longer than its record': records({ valueLength: 50 }),
  'a key shorter than its bytes': records({ keyLength: 1 }),
  headers: records({
    headers: [
      { key: 'a', value: 'b' },
      { key: '', value: null },
    ],
  }),
  'a header of negative key length': records({ headers: [{ keyLength: -1, value: 'x' }] }),
  'a header of value length -2': records({ headers: [{ key: 'a', valueLength: -2 }] }),
  'a header key that is no UTF-8': (codec) =>
    batchAround(
      compress(
        codec,
        Buffer.concat([
          recordBytes(0),
          recordBytes(1, { headerCount: 1, extra: Buffer.from([4, 0xff, 0xfe, 2, 65]) }),
        ]),
      ),
      2,
      { codec },
    ),
  'fewer headers than announced': records({ headerCount: 1 }),
  'many more headers than there are': records({ headerCount: 1_000_000 }),
  'a negative number of headers': records({ headerCount: -1 }),
  'more headers than announced': records({ headerCount: 0, headers: [{ key: 'a', value: 'b' }] }),
  'numbers in more bytes than needed': (codec) => {
    // Length, and then offset delta 1 as two bytes.
    const body = Buffer.from([0, 2, 0x82, 0, 2, 107, 2, 118, 0]);
    const bytes = Buffer.concat([recordBytes(0), Buffer.from([0x92, 0]), body]);
    return batchAround(compress(codec, bytes), 2, { codec });
  },
  'a number of five bytes with too many bits': (codec) => {
    const body = Buffer.from([0, 2, 0x82, 0x80, 0x80, 0x80, 0x70, 2, 107, 2, 118, 0]);
    const bytes = Buffer.concat([recordBytes(0), varint(body.length), body]);
    return batchAround(compress(codec, bytes), 2, { codec });
  },
  'a number of six bytes': (codec) => {
    const body = Buffer.from([0, 2, 0x82, 0x80, 0x80, 0x80, 0x80, 0, 2, 107, 2, 118, 0]);
    const bytes = Buffer.concat([recordBytes(0), varint(body.length), body]);
    return batchAround(compress(codec, bytes), 2, { codec });
  },
  'a timestamp of eleven bytes': (codec) => {
    const body = Buffer.concat([
      Buffer.from([0]),
      Buffer.alloc(10, 0x80),
      Buffer.from([0, 2, 2, 107, 2, 118, 0]),
    ]);
    const bytes = Buffer.concat([recordBytes(0), varint(body.length), body]);
    return batchAround(compress(codec, bytes), 2, { codec });
  },
  'a partial batch after it': (codec) => {
    const batch = records({})(codec);
    return Buffer.concat([batch, batch.subarray(0, 30)]);
  },
  'a second batch': (codec) => Buffer.concat([records({})(codec), records({})(codec)]),
  'bytes after it': (codec) => Buffer.concat([records({})(codec), Buffer.alloc(5)]),
  'zeros after it': (codec) => Buffer.concat([records({})(codec), Buffer.alloc(100)]),
  'a negative length': (codec) => {
    const batch = records({})(codec);
    batch.writeInt32BE(-5, 8);
    return batch;
  },
  'a length that is too small': (codec) => {
    const batch = records({})(codec);
    batch.writeInt32BE(30, 8);
    return batch;
  },
  'a length that is too large': (codec) => {
    const batch = records({})(codec);
    batch.writeInt32BE(batch.length, 8);
    return batch;
  },
  'magic 3': (codec) => {
    const batch = records({})(codec);
    batch.writeInt8(3, 16);
    return batch;
  },
  'magic -1': (codec) => {
    const batch = records({})(codec);
    batch.writeInt8(-1, 16);
    return batch;
  },
  'a wrong batch checksum': (codec) => {
    const batch = records({})(codec);
    batch.writeInt32BE(5, 17);
    return batch;
  },
};

const INVALID: readonly string[] = [
  'fewer records than announced',
  'far fewer records than announced',
  'more records than announced',
  'no records announced',
  'a negative count',
  'a count and a range that differ',
  'a negative range',
  'no payload and no records',
  'a byte after the records',
  'a base offset',
  'a negative base offset',
  'a control batch',
  'a producer without sequence',
  'a producer with a negative sequence',
  'offsets that begin late, with a range to fit',
  'bytes at the end of a record',
  'bytes at the end of the first record',
  'a key longer than its record',
  'a key longer than anything',
  'a value longer than its record',
  'a key shorter than its bytes',
  'a header of negative key length',
  'fewer headers than announced',
  'many more headers than there are',
  'a negative number of headers',
  'more headers than announced',
  'a number of six bytes',
  'a timestamp of eleven bytes',
  'a second batch',
  'a length that is too large',
];
const CORRUPT: readonly string[] = [
  'a wrong batch checksum',
  'zeros after it',
  'a negative length',
  'a length that is too small',
  'magic 3',
  'magic -1',
];
/** Kafka would put them in order, and fails over it where they are compressed. */
const OUT_OF_ORDER: readonly string[] = [
  'offsets that repeat',
  'offsets with a gap',
  'offsets that begin late',
  'offsets in reverse',
  'a negative offset',
  'all offsets 0',
];
/** Kafka does not look at the length of a compressed record. */
const WRONG_LENGTH: readonly string[] = [
  'a record that is longer than it says',
  'a record that is shorter than it says',
  'a first record that is longer than it says',
  'a first record that is shorter than it says',
  'a record of no length',
  'a record of negative length',
  'a record of very negative length',
  'a record longer than the batch',
  'a record longer than anything',
];

function answerTo(what: string, codec: Codec): number {
  const compressed = codec !== 'none';
  if (INVALID.includes(what)) return ErrorCode.INVALID_RECORD;
  if (CORRUPT.includes(what)) return ErrorCode.CORRUPT_MESSAGE;
  if (OUT_OF_ORDER.includes(what) && compressed) return ErrorCode.UNKNOWN_SERVER_ERROR;
  if (WRONG_LENGTH.includes(what) && !compressed) return ErrorCode.INVALID_RECORD;
  return ErrorCode.NONE;
}

export const UNUSUAL_BATCHES: readonly UnusualBatch[] = [
  ...Object.entries(BATCHES).map(([what, of]) => ({
    what,
    of,
    answer: (codec: Codec) => answerTo(what, codec),
    refusedHere: WRONG_LENGTH.includes(what),
  })),
  ...[5, 6, 7].map((codec) => ({
    what: `codec ${codec}`,
    of: () => batchAround(good, 2, { attributes: codec }),
    answer: () => ErrorCode.UNKNOWN_SERVER_ERROR,
    refusedHere: false,
  })),
];
