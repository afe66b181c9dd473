/**
 * Compressed frames byte by byte: every field of the five formats can be set, so that tests can write
 * what real compressors rarely do. Source: RFC 1952 (gzip), LZ4 frame format 1.6, RFC 8878 (zstd),
 * xerial's SnappyOutputStream.
 */
import { crc32, deflateRawSync } from 'node:zlib';
import snappy from 'snappyjs';
import { compressLz4Block, lz4BlockBound } from '../../../broker/records/lz4-block.ts';
import { xxHash32 } from '../../../broker/records/xx-hash.ts';

interface GzipFields {
  readonly flags?: number;
  /** Between the ten fixed bytes and the data. */
  readonly fields?: Buffer;
  readonly body?: Buffer;
  readonly checksum?: number;
  readonly sizeBytes?: number;
  readonly method?: number;
}

export function gzipMember(data: Buffer, o: GzipFields = {}): Buffer {
  const header = Buffer.from([0x1f, 0x8b, o.method ?? 8, o.flags ?? 0, 0, 0, 0, 0, 0, 3]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(o.checksum ?? crc32(data), 0);
  trailer.writeUInt32LE(o.sizeBytes ?? data.length, 4);
  return Buffer.concat([header, o.fields ?? Buffer.alloc(0), o.body ?? deflateRawSync(data), trailer]);
}

/** The checksum over the header of a member, which its flags may announce. */
export function gzipHeaderChecksum(flags: number, fields: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]), fields]);
  const out = Buffer.alloc(2);
  out.writeUInt16LE(crc32(header) & 0xffff);
  return out;
}

interface Lz4Fields {
  readonly flags?: number;
  /** Bits of the flag byte besides the version. */
  readonly independent?: boolean;
  readonly blockChecksums?: boolean | 'wrong';
  readonly contentSize?: number;
  readonly contentChecksum?: boolean | 'wrong';
  readonly dictionaryId?: number;
  readonly version?: number;
  readonly reservedFlag?: boolean;
  /** 4 to 7: 64 KiB, 256 KiB, 1 MiB, 4 MiB. */
  readonly blockCode?: number;
  readonly reservedDescriptor?: number;
  readonly headerChecksum?: 'right' | 'with-magic' | 'wrong';
  readonly endMark?: boolean;
  readonly magic?: number;
}

/** One block of a frame; `stored` is not compressed. */
type Lz4Block = { readonly stored: Buffer } | { readonly packed: Buffer } | { readonly bytes: Buffer };

export function lz4Frame(blocks: readonly Lz4Block[], o: Lz4Fields = {}): Buffer {
  const flags =
    ((o.version ?? 1) << 6) |
    (o.independent === false ? 0 : 0x20) |
    (o.blockChecksums ? 0x10 : 0) |
    (o.contentSize !== undefined ? 0x08 : 0) |
    (o.contentChecksum ? 0x04 : 0) |
    (o.reservedFlag ? 0x02 : 0) |
    (o.dictionaryId !== undefined ? 0x01 : 0);
  const magic = uint32LE(o.magic ?? 0x184d2204);
  const descriptor: Buffer[] = [
    Buffer.from([flags, ((o.blockCode ?? 4) << 4) | (o.reservedDescriptor ?? 0)]),
  ];
  if (o.contentSize !== undefined) descriptor.push(uint32LE(o.contentSize), uint32LE(0));
  if (o.dictionaryId !== undefined) descriptor.push(uint32LE(o.dictionaryId));
  const covered = Buffer.concat(o.headerChecksum === 'with-magic' ? [magic, ...descriptor] : descriptor);
  const checksum = ((xxHash32(covered) >>> 8) & 0xff) ^ (o.headerChecksum === 'wrong' ? 1 : 0);
  const parts: Buffer[] = [magic, ...descriptor, Buffer.from([checksum])];
  const plain: Buffer[] = [];
  for (const block of blocks) {
    const bytes =
      'stored' in block ? block.stored : 'packed' in block ? lz4Packed(block.packed) : block.bytes;
    plain.push('packed' in block ? block.packed : bytes);
    parts.push(uint32LE('stored' in block ? bytes.length + 0x8000_0000 : bytes.length), bytes);
    if (o.blockChecksums) parts.push(uint32LE(xxHash32(bytes) ^ (o.blockChecksums === 'wrong' ? 1 : 0)));
  }
  if (o.endMark !== false) parts.push(uint32LE(0));
  if (o.contentChecksum) {
    const content = xxHash32(Buffer.concat(plain));
    parts.push(uint32LE(o.contentChecksum === 'wrong' ? content ^ 1 : content));
  }
  return Buffer.concat(parts);
}

export function lz4Packed(data: Buffer): Buffer {
  const out = Buffer.alloc(lz4BlockBound(data.length));
  return out.subarray(0, compressLz4Block(data, { start: 0, end: data.length }, out));
}

/** A frame that decoders pass over; zstd and LZ4 have the same ones. */
export function skippableFrame(content: Buffer): Buffer {
  return Buffer.concat([uint32LE(0x184d2a53), uint32LE(content.length), content]);
}

interface ZstdFields {
  readonly contentSize?: number;
  /** 0, 1, 2 or 3: how the frame header writes the content size. */
  readonly contentSizeCode?: number;
  readonly singleSegment?: boolean;
  readonly windowDescriptor?: number;
  readonly dictionaryId?: number;
  readonly reservedBit?: boolean;
  readonly unusedBit?: boolean;
  readonly magic?: number;
  readonly blockType?: number;
}

/** A frame of raw blocks, each of at most 128 KiB. */
export function zstdFrame(blocks: readonly Buffer[], o: ZstdFields = {}): Buffer {
  const sizeCode = o.contentSizeCode ?? (o.contentSize === undefined ? 0 : 2);
  const descriptor =
    (sizeCode << 6) |
    (o.singleSegment ? 0x20 : 0) |
    (o.unusedBit ? 0x10 : 0) |
    (o.reservedBit ? 0x08 : 0) |
    (o.dictionaryId !== undefined ? 1 : 0);
  const parts: Buffer[] = [uint32LE(o.magic ?? 0xfd2fb528), Buffer.from([descriptor])];
  if (!o.singleSegment) parts.push(Buffer.from([o.windowDescriptor ?? 0x40]));
  if (o.dictionaryId !== undefined) parts.push(Buffer.from([o.dictionaryId]));
  const size = o.contentSize ?? 0;
  if (sizeCode === 0 && o.singleSegment) parts.push(Buffer.from([size]));
  if (sizeCode === 2) parts.push(uint32LE(size));
  if (sizeCode === 3) parts.push(uint32LE(size), uint32LE(0));
  blocks.forEach((block, index) => {
    const last = index === blocks.length - 1 ? 1 : 0;
    const header = (block.length << 3) | ((o.blockType ?? 0) << 1) | last;
    parts.push(Buffer.from([header & 0xff, (header >> 8) & 0xff, header >> 16]), block);
  });
  return Buffer.concat(parts);
}

export function xerialHeader(version = 1, compatible = 1, magic = '\x82SNAPPY\0'): Buffer {
  const header = Buffer.alloc(16);
  header.write(magic, 'latin1');
  header.writeInt32BE(version, 8);
  header.writeInt32BE(compatible, 12);
  return header;
}

/** A block of a xerial stream, preceded by its length. */
export function xerialBlock(data: Buffer, lengthBytes?: number): Buffer {
  const block = snappyBlock(data);
  const length = Buffer.alloc(4);
  length.writeInt32BE(lengthBytes ?? block.length);
  return Buffer.concat([length, block]);
}

export function snappyBlock(data: Buffer): Buffer {
  return Buffer.from(snappy.compress<Uint8Array>(data));
}

export function uint32LE(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value >>> 0);
  return out;
}
