/** How much one request may have decompressed, of all its batches together. */
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { TurnBudget } from '../../../broker/platform/loop-turns.ts';
import { BATCH_HEADER_BYTES, type Codec, sealBatch } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { compress } from '../../../broker/records/compression.ts';
import { DecompressionAllowance, TooMuchForTurn } from '../../../broker/records/decompression-allowance.ts';
import { validateProduced } from '../../../broker/records/validate.ts';
import { World } from '../../support/world.ts';
import { batchAround } from './unusual-batches.ts';
import { accepted, allowance, context, records, refused } from './validation.ts';

/** The bytes of one record. */
function plainRecords(): { bytes: Buffer } {
  return { bytes: buildBatch({ records: records(1) }).subarray(BATCH_HEADER_BYTES) };
}

describe('a batch is refused when its request has had enough decompressed', () => {
  const bomb = (codec: Codec = 'gzip') =>
    buildBatch({ codec, records: [{ key: Buffer.from('k'), value: Buffer.alloc(100_000) }] });
  const asked = [
    ['a compacted topic', { cleanupPolicy: { compact: true } }],
    ['another codec', { compressionType: 'lz4' }],
  ] as const;

  it.each(asked)('by batches that were let in (%s)', (_why, config) => {
    const decompression = allowance({ requestBytes: 250_000 });
    const outcomes = [1, 2, 3, 4].map(() => validateProduced(bomb(), context(config, { decompression })));
    expect(outcomes.map((one) => (one.ok ? ErrorCode.NONE : one.error))).toEqual([0, 0, 10, 10]);
  });

  it('by batches that were refused, whatever was wrong with them', () => {
    const config = { cleanupPolicy: { compact: true } };
    const decompression = allowance({ batchBytes: 110_000, requestBytes: 200_000 });
    const broken = bomb();
    broken.fill(0xff, broken.length - 8);
    sealBatch(broken, 0);
    expect(refused(broken, context(config, { decompression })).error).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(refused(bomb(), context(config, { decompression })).error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    const small = buildBatch({
      codec: 'gzip',
      records: [{ key: Buffer.from('k'), value: Buffer.alloc(30_000) }],
    });
    expect(refused(small, context(config, { decompression })).error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  });

  it('by the number of their records', () => {
    const many = () => buildBatch({ codec: 'gzip', records: records(60) });
    const decompression = allowance({ requestRecords: 100 });
    const compacted = context({ cleanupPolicy: { compact: true } }, { decompression });
    expect(validateProduced(many(), compacted).ok).toBe(true);
    expect(refused(many(), compacted).error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  });

  it('by the number of its batches, however little they hold', () => {
    const decompression = allowance({ requestBytes: 100_000 });
    const outcomes = Array.from({ length: 10 }, () =>
      validateProduced(buildBatch({ codec: 'zstd', records: records(1) }), context({}, { decompression })),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(7);
  });

  it('by the number of frames in its batches', () => {
    const { bytes } = plainRecords();
    const frames = Array.from(bytes, (byte) => zstdCompressSync(Buffer.from([byte])));
    const batch = batchAround(Buffer.concat(frames), 1, { codec: 'zstd' });
    expect(refused(batch, context({}, { decompression: allowance({ requestBytes: 200_000 }) })).error).toBe(
      ErrorCode.MESSAGE_TOO_LARGE,
    );
    expect(accepted(batch).offsetCount).toBe(1);
  });

  it('but one that needs no decompression is let in', () => {
    const decompression = allowance({ requestBytes: 0, requestRecords: 0 });
    expect(refused(bomb(), context({}, { decompression })).error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    const plain = buildBatch({ records: records(2) });
    expect(validateProduced(plain, context({ cleanupPolicy: { compact: true } }, { decompression })).ok).toBe(
      true,
    );
  });
});

describe('what was decompressed to be looked through', () => {
  const opened = (codec: Codec, sizeBytes: number) => {
    const data = compress(codec, Buffer.alloc(sizeBytes, 'v'));
    const decompression = new DecompressionAllowance();
    const decompressed = decompression.decompressToReusedBuffer(codec, data);
    expect(decompressed.length).toBe(sizeBytes);
    decompression.doneWithReused();
    return { decompressed, data };
  };

  it.each(['gzip', 'zstd', 'snappy', 'lz4'] as const)('is freed when that is over (%s)', (codec) => {
    expect(opened(codec, 5_000_000).decompressed.length).toBe(0);
  });

  it('is freed where what follows is too much for the turn', () => {
    const turn = new TurnBudget(new World().clock, 20_000_000);
    const decompression = new DecompressionAllowance(allowance({}).left, turn);
    const seen: Buffer[] = [];
    const { decompressToReusedBuffer } = decompression;
    const watched = Object.assign(decompression, {
      decompressToReusedBuffer: (codec: Codec, data: Buffer) => {
        const decompressed = decompressToReusedBuffer(codec, data);
        seen.push(decompressed);
        return decompressed;
      },
    });
    const value = Buffer.alloc(5_000_000, 'v');
    const batch = buildBatch({ codec: 'gzip', records: [{ key: null, value }] });
    const asked = context({ compressionType: 'lz4' }, { decompression: watched });
    expect(() => validateProduced(batch, asked)).toThrow(TooMuchForTurn);
    expect(seen.map(({ length }) => length)).toEqual([0]);
  });

  it('stays where the next is put, and where it was not compressed', () => {
    expect(opened('lz4', 100_000).decompressed.length).toBe(100_000);
    expect(opened('none', 100_000).data.length).toBe(100_000);
  });
});
