/** The codecs: there and back, against other programs' bytes, and against bombs. */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import snappy from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { CODECS, type Codec, CorruptBatch, DecompressedTooLarge } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { compress, decompress, decompressUpTo } from '../../../broker/records/compression.ts';
import { compressLz4, decompressLz4 } from '../../../broker/records/lz4.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { compressSnappy } from '../../../broker/records/snappy.ts';
import { xxHash32 } from '../../../broker/records/xx-hash.ts';

const TEXT = Buffer.from('odradek odradek odradek odradek odradek odradek, the cares of a family man');
/** Made by the lz4 program 1.9 with independent 64 KiB blocks: bare; with block and content checksums. */
const LZ4 =
  '04224d18604082290000008f6f64726164656b20080014f00c2c20746865206361726573206f6620612066616d696c79206d616e00000000';
const LZ4_CHECKSUMS =
  '04224d187440bd290000008f6f64726164656b20080014f00c2c20746865206361726573206f6620612066616d696c79206d616e46f9935900000000bf1121a2';
/** The beginning of a frame of the same program whose blocks may refer to earlier ones. */
const LZ4_LINKED = '04224d184040c0';
/** Made by the zstd program. */
const ZSTD =
  '28b52ffd244a55010034026f64726164656b202c20746865206361726573206f6620612066616d696c79206d616e010056162e503cf948';

/** A fixed sequence of bytes that does not compress. */
function noise(sizeBytes: number): Buffer {
  const data = Buffer.alloc(sizeBytes);
  let state = 42;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[at] = state >>> 24;
  }
  return data;
}

const MIXED = Buffer.concat([noise(100), Buffer.alloc(70_000, 'abc'), noise(66_000), Buffer.alloc(20, 1)]);
const PACKING = CODECS.filter((codec) => codec !== 'none');

describe.each(PACKING)('%s', (codec: Codec) => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['text', TEXT],
    ['noise', noise(5000)],
    ['zeroes over several blocks', Buffer.alloc(300_000)],
    ['noise and text over several blocks', MIXED],
  ])('decompresses %s to what was packed', (_what, data) => {
    expect(decompress(codec, compress(codec, data), data.length + 1).equals(data)).toBe(true);
  });

  it('refuses what decompresses to more than the limit', () => {
    const bomb = compress(codec, Buffer.alloc(1_000_000));
    expect(() => decompress(codec, bomb, 999_999)).toThrow(DecompressedTooLarge);
    expect(decompress(codec, bomb, 1_000_000)).toHaveLength(1_000_000);
  });

  it('refuses bytes that are no such data, and data cut short', () => {
    const packed = compress(codec, MIXED);
    for (const bad of [Buffer.from('not packed at all, but long enough'), packed.subarray(0, 60_000)]) {
      expect(() => decompress(codec, bad, 1_000_000)).toThrow(CorruptBatch);
    }
  });

  it('decompresses batches', () => {
    const records = [{ timestampMs: 1, key: Buffer.from('k'), value: MIXED }];
    const batch = buildBatch({ codec, records });
    expect(readRecords(batch, 0)[0]?.value?.equals(MIXED)).toBe(true);
    expect(() => readRecords(batch, 0, decompressUpTo(100_000))).toThrow();
  });
});

describe('the level of lz4', () => {
  /** Words that come again near and far, as records do. */
  const records = Buffer.from(
    Array.from(
      { length: 4000 },
      (_, n) => `{"id":${n},"name":"user-${(n * 7919) % 513}","seen":${n % 17}}`,
    ).join(),
  );
  const sizes = (...levels: number[]) => levels.map((level) => compress('lz4', records, level).length);

  it('makes it smaller the higher it is, up to where no more places are tried', () => {
    const [one = 0, five = 0, eight = 0, ten = 0, most = 0] = sizes(1, 5, 8, 10, 17);
    expect(five).toBeLessThan(one);
    expect(eight).toBeLessThan(five);
    expect(most).toBe(ten);
  });

  it('is the fast encoder’s at the default, as it is Kafka’s', () => {
    expect(compress('lz4', records, 9).equals(compress('lz4', records))).toBe(true);
    expect(compress('lz4', records, 10).length).toBeLessThan(compress('lz4', records, 9).length);
  });

  it.each([1, 2, 6, 12, 17])('changes nothing of what is read: %i', (level) => {
    const some = [
      Buffer.alloc(0),
      Buffer.from('x'),
      TEXT,
      noise(5000),
      Buffer.alloc(300_000),
      MIXED,
      records,
    ];
    for (const data of some) {
      const packed = compress('lz4', data, level);
      expect(decompress('lz4', packed, data.length + 1).equals(data)).toBe(true);
    }
  });
});

describe('lz4 frames', () => {
  it('of another program are decompressed', () => {
    for (const frame of [LZ4, LZ4_CHECKSUMS]) {
      expect(decompressLz4(Buffer.from(frame, 'hex'), 1000).toString()).toBe(TEXT.toString());
    }
  });

  it('are written with the header that Kafka writes: 64 KiB blocks, independent, no checksums', () => {
    expect(compressLz4(TEXT).subarray(0, 7).toString('hex')).toBe('04224d18604082');
  });

  it('with linked blocks are refused, for Java clients refuse them too', () => {
    expect(() => decompressLz4(Buffer.from(LZ4_LINKED, 'hex'), 1000)).toThrow('depend');
  });

  it('whose header or block fails its checksum are refused', () => {
    const header = Buffer.from(LZ4, 'hex');
    header[6] = 0;
    expect(() => decompressLz4(header, 1000)).toThrow('checksum');
    const block = Buffer.from(LZ4_CHECKSUMS, 'hex');
    block.writeUInt8(0x41, 14);
    expect(() => decompressLz4(block, 1000)).toThrow('checksum');
  });

  it('of magic 0 carry the header checksum that covers the frame magic as well', () => {
    const broken = compressLz4(TEXT, { brokenHeaderChecksum: true });
    expect(broken[6]).toBe((xxHash32(broken.subarray(0, 6)) >>> 8) & 0xff);
    expect(() => decompressLz4(broken, 1000)).toThrow('checksum');
    expect(decompressLz4(broken, 1000, { brokenHeaderChecksum: true }).equals(TEXT)).toBe(true);
  });
});

describe('snappy streams', () => {
  it('begin with the header of xerial and hold blocks of 32 KiB', () => {
    const stream = compressSnappy(Buffer.alloc(40_000));
    expect(stream.subarray(0, 16).toString('hex')).toBe('82534e415050590000000001' + '00000001');
    const first = stream.readInt32BE(16);
    expect(snappy.uncompress(stream.subarray(20, 20 + first))).toHaveLength(32 * 1024);
  });

  it('may be a bare block without the framing', () => {
    const bare = Buffer.from(snappy.compress<Uint8Array>(TEXT));
    expect(decompress('snappy', bare, 1000).equals(TEXT)).toBe(true);
  });

  it('that promise more than their bytes can make are refused before any room is taken', () => {
    expect(() => decompress('snappy', Buffer.from('8080804000', 'hex'), 2 ** 30)).toThrow('snappy');
  });
});

describe('zlib codecs', () => {
  it('decompress what other programs wrote', () => {
    expect(decompress('zstd', Buffer.from(ZSTD, 'hex'), 1000).equals(TEXT)).toBe(true);
  });

  it('honour the level', () => {
    expect(compress('gzip', TEXT, 1)).toEqual(gzipSync(TEXT, { level: 1 }));
    const params = { [constants.ZSTD_c_compressionLevel]: 19 };
    expect(compress('zstd', TEXT, 19)).toEqual(zstdCompressSync(TEXT, { params }));
  });
});

describe('xxHash32', () => {
  it('has the values of its specification', () => {
    expect(xxHash32(Buffer.alloc(0))).toBe(0x02cc5d05);
    expect(xxHash32(Buffer.from('abc'))).toBe(0x32d153ff);
    expect(xxHash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });
});
