/** Messages of magic 0 and 1 that few clients send are answered as Apache Kafka 3.9.1 answers them. */
import { crc32, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { compress } from '../../../broker/records/compression.ts';
import { compressLz4 } from '../../../broker/records/lz4.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { validateProduced } from '../../../broker/records/validate.ts';
import { gzipMember, lz4Frame, snappyBlock } from './frames.ts';
import { context } from './validation.ts';

const { NONE, INVALID_RECORD, CORRUPT_MESSAGE, UNKNOWN_SERVER_ERROR, INVALID_TIMESTAMP } = ErrorCode;
const TIME_MS = 1_600_000_000_000;
const KEY = Buffer.from('k');
const VALUE = Buffer.from('value value value value');
const APPEND_TIME = 8;
const LAST_OFFSET = 2;

interface Fields {
  readonly attributes?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly offset?: number;
  readonly checksum?: number;
}

function message(magic: number, o: Fields = {}): Buffer {
  const timestamp = Buffer.alloc(magic === 1 ? 8 : 0);
  if (magic === 1) timestamp.writeBigInt64BE(BigInt(TIME_MS));
  const { key = KEY, value = VALUE } = o;
  const body = Buffer.concat([
    Buffer.from([magic, o.attributes ?? 0]),
    timestamp,
    ...[key, value].flatMap((bytes) => [int32(bytes?.length ?? -1), bytes ?? Buffer.alloc(0)]),
  ]);
  const offset = Buffer.alloc(8);
  offset.writeBigInt64BE(BigInt(o.offset ?? 0));
  return Buffer.concat([offset, int32(body.length + 4), int32((o.checksum ?? crc32(body)) | 0), body]);
}

function int32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32BE(value);
  return out;
}

/** Three messages, as they lie inside of a wrapper. */
function inner(magic: number, o: Fields & { readonly from?: number; readonly step?: number } = {}): Buffer {
  const { from = 0, step = 1, ...fields } = o;
  return Buffer.concat([0, 1, 2].map((index) => message(magic, { ...fields, offset: from + index * step })));
}

function wrapper(magic: number, codec: number, value: Buffer | null, o: Fields = {}): Buffer {
  const attributes = codec | (o.attributes ?? 0);
  return message(magic, { key: null, offset: LAST_OFFSET, ...o, attributes, value });
}

const zipped = (magic: number, bytes: Buffer, o: Fields = {}) => wrapper(magic, 1, gzipSync(bytes), o);

interface Case {
  readonly what: string;
  readonly of: (magic: number) => Buffer;
  /** Kafka's error codes for magic 0 and 1; how many records it stores where there is none. */
  readonly answers: readonly [number, number];
  readonly records?: number;
}

const both = (error: number): readonly [number, number] => [error, error];
const good = (magic: number) => inner(magic);
const wrongChecksum = (bytes: Buffer) => lz4Frame([{ packed: bytes }], { headerChecksum: 'wrong' });
const fromBroken = (bytes: Buffer) => compressLz4(bytes, { brokenHeaderChecksum: true });

const OPENED: Record<string, (magic: number) => Buffer> = {
  gzip: (magic) => zipped(magic, good(magic)),
  'gzip of two members': (magic) => {
    const bytes = good(magic);
    return wrapper(
      magic,
      1,
      Buffer.concat([gzipMember(bytes.subarray(0, 50)), gzipMember(bytes.subarray(50))]),
    );
  },
  snappy: (magic) => wrapper(magic, 2, compress('snappy', good(magic))),
  'snappy without framing': (magic) => wrapper(magic, 2, snappyBlock(good(magic))),
  'lz4 with the right header checksum': (magic) => wrapper(magic, 3, compressLz4(good(magic))),
  'a wrapper with a key': (magic) => zipped(magic, good(magic), { key: KEY }),
  'a wrapper of offset 0': (magic) => zipped(magic, good(magic), { offset: 0 }),
  'inner offsets that begin late': (magic) => zipped(magic, inner(magic, { from: 5 }), { offset: 7 }),
  'inner offsets that repeat': (magic) => zipped(magic, inner(magic, { step: 0 })),
  'inner offsets in reverse': (magic) => zipped(magic, inner(magic, { from: 2, step: -1 })),
  'inner messages that declare append times': (magic) =>
    zipped(magic, inner(magic, { attributes: APPEND_TIME })),
  'some bytes after the last inner message': (magic) =>
    zipped(magic, Buffer.concat([good(magic), Buffer.alloc(5)])),
};

const CASES: readonly Case[] = [
  ...Object.entries(OPENED).map(([what, of]) => ({ what, of, answers: both(NONE), records: 3 })),
  {
    what: 'an inner message that is cut',
    of: (magic) => zipped(magic, good(magic).subarray(0, -5)),
    answers: both(NONE),
    records: 2,
  },
  {
    what: 'lz4 with the header checksum of magic 0',
    of: (magic) => wrapper(magic, 3, fromBroken(good(magic))),
    answers: [NONE, UNKNOWN_SERVER_ERROR],
    records: 3,
  },
  {
    what: 'lz4 with a wrong header checksum',
    of: (magic) => wrapper(magic, 3, wrongChecksum(good(magic))),
    answers: [NONE, UNKNOWN_SERVER_ERROR],
    records: 3,
  },
  {
    what: 'inner offsets beyond that of the wrapper',
    of: (magic) => zipped(magic, inner(magic, { step: 2 })),
    answers: [NONE, INVALID_RECORD],
    records: 3,
  },
  {
    what: 'zstd',
    of: (magic) => wrapper(magic, 4, compress('zstd', good(magic))),
    answers: both(INVALID_RECORD),
  },
  { what: 'codec 5', of: (magic) => message(magic, { attributes: 5 }), answers: both(UNKNOWN_SERVER_ERROR) },
  ...[1, 2, 3].map((codec) => ({
    what: `a payload that codec ${codec} can't open`,
    of: (magic: number) => wrapper(magic, codec, Buffer.from('neither of them')),
    answers: both(UNKNOWN_SERVER_ERROR),
  })),
  {
    what: 'gzip that is cut',
    of: (magic) => wrapper(magic, 1, gzipSync(good(magic)).subarray(0, -4)),
    answers: both(UNKNOWN_SERVER_ERROR),
  },
  {
    what: 'a wrapper of nothing',
    of: (magic) => zipped(magic, Buffer.alloc(0)),
    answers: both(INVALID_RECORD),
  },
  { what: 'a wrapper without value', of: (magic) => wrapper(magic, 1, null), answers: both(INVALID_RECORD) },
  {
    what: 'two wrappers',
    of: (magic) => Buffer.concat([zipped(magic, good(magic)), zipped(magic, good(magic), { offset: 5 })]),
    answers: both(INVALID_RECORD),
  },
  {
    what: 'inner messages of the other format',
    of: (magic) => zipped(magic, inner(1 - magic)),
    answers: both(INVALID_RECORD),
  },
  {
    what: 'a wrapper inside a wrapper',
    of: (magic) => zipped(magic, zipped(magic, good(magic))),
    answers: both(INVALID_RECORD),
  },
  {
    what: 'an inner message with a wrong checksum',
    of: (magic) => zipped(magic, inner(magic, { checksum: 5 })),
    answers: both(CORRUPT_MESSAGE),
  },
  {
    what: 'zeros after the last inner message',
    of: (magic) => zipped(magic, Buffer.concat([good(magic), Buffer.alloc(20)])),
    answers: both(CORRUPT_MESSAGE),
  },
];

describe.each([0, 1])('a produced message of magic %i', (magic) => {
  it.each(CASES)('with $what is answered as by Kafka', ({ of, answers, records }) => {
    const outcome = validateProduced(of(magic), context({}, { apiVersion: 2 }));
    expect(outcome.ok ? NONE : outcome.error).toBe(answers[magic]);
    if (outcome.ok) expect(readRecords(outcome.bytes, 0)).toHaveLength(records ?? 1);
  });

  it('may declare append times where the topic does not give its own', () => {
    const declared = [
      message(magic, { attributes: APPEND_TIME }),
      zipped(magic, good(magic), { attributes: APPEND_TIME }),
    ];
    for (const bytes of declared) {
      const errorOn = (messageTimestampType: 'CreateTime' | 'LogAppendTime') => {
        const outcome = validateProduced(bytes, context({ messageTimestampType }, { apiVersion: 2 }));
        return outcome.ok ? NONE : outcome.error;
      };
      expect(errorOn('CreateTime')).toBe(NONE);
      expect(errorOn('LogAppendTime')).toBe(magic === 1 ? INVALID_TIMESTAMP : NONE);
    }
  });
});
