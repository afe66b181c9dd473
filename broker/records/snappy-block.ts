/**
 * Decompression of one block of raw snappy: the size of what comes, then literals and copies of what came before.
 * Source: snappy's format_description.txt.
 */
import { DecompressionFailed } from './batch.ts';

/** From here on the runtime copies faster than a loop. */
const LONG_COPY_BYTES = 48;
/** Three bytes of snappy make 64 at most, so a block that promises more lies. */
const GREATEST_RATIO = 22;

/** What the block in `data[at, end)` says comes of it. Throws {@link DecompressionFailed} when that can't be. */
export function snappyBlockSizeBytes(data: Buffer, at: number, end: number): number {
  let sizeBytes = 0;
  for (let index = 0, scale = 1; ; index++, scale *= 128) {
    const byte = at + index < end ? (data[at + index] as number) : fail();
    if (index === 4 && byte > 0x0f) fail();
    sizeBytes += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  if (sizeBytes > (end - at) * GREATEST_RATIO) fail();
  return sizeBytes;
}

/** Opens the block in `data[start, end)` into `out` at `outStart`, where there is room for what it promises. */
export function decompressSnappyBlock(
  data: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
  out: Buffer,
  outStart: number,
): number {
  const outEnd = outStart + snappyBlockSizeBytes(data, start, end);
  let at = start;
  while ((data[at++] as number) >= 0x80);
  let to = outStart;
  while (at < end) {
    const tag = data[at++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let sizeBytes = (tag >> 2) + 1;
      if (sizeBytes > 60) {
        const lengthBytes = sizeBytes - 60;
        if (at + lengthBytes > end) fail();
        sizeBytes = data.readUIntLE(at, lengthBytes) + 1;
        at += lengthBytes;
      }
      if (sizeBytes > end - at || sizeBytes > outEnd - to) fail();
      if (sizeBytes >= LONG_COPY_BYTES) {
        data.copy(out, to, at, at + sizeBytes);
        at += sizeBytes;
        to += sizeBytes;
      } else {
        for (let n = sizeBytes; n > 0; n--) out[to++] = data[at++] as number;
      }
      continue;
    }
    let sizeBytes = (tag >> 2) + 1;
    let distance: number;
    if (kind === 1) {
      if (at >= end) fail();
      sizeBytes = ((tag >> 2) & 7) + 4;
      distance = ((tag >> 5) << 8) | (data[at++] as number);
    } else if (kind === 2) {
      if (at + 2 > end) fail();
      distance = (data[at] as number) | ((data[at + 1] as number) << 8);
      at += 2;
    } else {
      if (at + 4 > end) fail();
      distance = data.readUInt32LE(at);
      at += 4;
    }
    if (distance === 0 || distance > to - outStart || sizeBytes > outEnd - to) fail();
    for (let from = to - distance, n = sizeBytes; n > 0; n--) out[to++] = out[from++] as number;
  }
  if (to !== outEnd) fail();
  return to;
}

function fail(): never {
  throw new DecompressionFailed('Bytes that are no snappy data');
}
