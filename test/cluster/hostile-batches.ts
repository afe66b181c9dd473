/** Batches that are small on the wire and claim to be large once they are decompressed. */
import { BATCH_HEADER_BYTES, type Codec, sealBatch } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { compress } from '../../broker/records/compression.ts';

export function batchOf(value: string): Buffer {
  return buildBatch({
    records: [{ timestampMs: Date.now(), key: Buffer.from('k'), value: Buffer.from(value) }],
  });
}

/** A batch whose one record claims a value of zeroes, `sizeBytes` of them. */
export function bombOf(codec: Codec, sizeBytes: number): Buffer {
  const piece = Buffer.alloc(sizeBytes);
  let body: Buffer;
  if (codec === 'snappy') body = snappyBomb(sizeBytes);
  else if (codec === 'lz4') body = lz4Bomb();
  else body = compress(codec, piece);
  const head = batchOf('x').subarray(0, BATCH_HEADER_BYTES);
  const batch = Buffer.concat([head, body]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE({ none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }[codec], 21);
  sealBatch(batch, 0);
  return batch;
}

/** Bare snappy that claims a gigabyte and holds next to nothing. */
function snappyBomb(sizeBytes: number): Buffer {
  const length: number[] = [];
  for (let rest = sizeBytes; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) break;
  }
  return Buffer.concat([
    Buffer.from(length),
    Buffer.from([0, 0]),
    Buffer.alloc(900_000, Buffer.from([0xfe, 1, 0])),
  ]);
}

/** Blocks of 4 MiB from a few kilobytes each, more than may be opened at once. */
function lz4Bomb(): Buffer {
  const block = Buffer.concat([
    Buffer.from([0x1f, 0, 1, 0]),
    Buffer.alloc(16_000, 0xff),
    Buffer.from([0, 0x50, 0, 0, 0, 0, 0]),
  ]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  const blocks = Array.from({ length: 60 }, () => Buffer.concat([size, block]));
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
  return Buffer.concat([header, ...blocks, Buffer.alloc(4)]);
}
