/**
 * Compressed data that few clients send, with what Apache Kafka 3.9.1 answers when it is the payload
 * of a produced batch. `test/interop/unusual-batches.test.ts` asks Kafka again where it can be run.
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { ErrorCode } from '../../../broker/errors.ts';
import type { Codec } from '../../../broker/records/batch.ts';
import { BATCH_HEADER_BYTES } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { compress } from '../../../broker/records/compression.ts';
import { compressLz4 } from '../../../broker/records/lz4.ts';
import { FAILING, INCOMPLETE } from './frame-answers.ts';
import {
  gzipHeaderChecksum,
  gzipMember,
  lz4Frame,
  lz4Packed,
  skippableFrame,
  snappyBlock,
  uint32LE,
  xerialBlock,
  xerialHeader,
  zstdFrame,
} from './frames.ts';

const TIME_MS = 1_700_000_000_000;

/** What the frames hold: the bytes of records, and how many there are. */
interface Content {
  readonly bytes: Buffer;
  readonly count: number;
}

function contentOf(values: readonly Buffer[]): Content {
  const records = values.map((value, index) => ({
    timestampMs: TIME_MS + index,
    key: Buffer.from(`k${index}`),
    value,
  }));
  return { bytes: buildBatch({ records }).subarray(BATCH_HEADER_BYTES), count: values.length };
}

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

const SMALL = contentOf([Buffer.from('odradek odradek odradek'), Buffer.from('the cares of a family man')]);
/** More than two blocks of 64 KiB. */
const LARGE = contentOf([Buffer.alloc(100_000, 'abc'), noise(70_000), Buffer.from('x')]);

interface UnusualFrame {
  readonly codec: Exclude<Codec, 'none'>;
  readonly what: string;
  readonly frame: Buffer;
  readonly content: Content;
  /** Kafka's error code, on a topic that has the records rebuilt as well as on one that does not. */
  readonly answer: number;
  readonly answerDiffersHere: boolean;
}

const s = SMALL.bytes;
const half = s.length >> 1;
const first = s.subarray(0, half);
const second = s.subarray(half);
const l = LARGE.bytes;
const pieces = (bytes: Buffer, sizeBytes: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / sizeBytes) }, (_, index) =>
    bytes.subarray(index * sizeBytes, (index + 1) * sizeBytes),
  );
const ofLargeContent = new Set<Buffer>();
const large = (frame: Buffer): Buffer => {
  ofLargeContent.add(frame);
  return frame;
};
const zeros = (count: number) => Buffer.alloc(count);
const extra = Buffer.concat([Buffer.from([6, 0]), Buffer.from('AB\x02\0xy', 'latin1')]);
const text = (words: string) => Buffer.from(`${words}\0`);

const GZIP: Record<string, Buffer> = {
  'as zlib writes it': gzipSync(s),
  'a name': gzipMember(s, { flags: 8, fields: text('records') }),
  'a comment': gzipMember(s, { flags: 16, fields: text('a comment') }),
  'an extra field': gzipMember(s, { flags: 4, fields: extra }),
  'marked as text': gzipMember(s, { flags: 1 }),
  'a header checksum': gzipMember(s, { flags: 2, fields: gzipHeaderChecksum(2, zeros(0)) }),
  'a wrong header checksum': gzipMember(s, { flags: 2, fields: Buffer.from([1, 2]) }),
  'all header fields': gzipMember(s, {
    flags: 31,
    fields: Buffer.concat([
      extra,
      text('n'),
      text('c'),
      gzipHeaderChecksum(31, Buffer.concat([extra, text('n'), text('c')])),
    ]),
  }),
  'reserved flags': gzipMember(s, { flags: 0xe0 }),
  'another method': gzipMember(s, { method: 7 }),
  stored: gzipSync(s, { level: 0 }),
  'two members': Buffer.concat([gzipMember(first), gzipMember(second)]),
  'two members with names': Buffer.concat([
    gzipMember(first, { flags: 8, fields: text('one') }),
    gzipMember(second, { flags: 8, fields: text('two') }),
  ]),
  'many members': Buffer.concat(pieces(s, 9).map((piece) => gzipMember(piece))),
  'large members': large(Buffer.concat(pieces(l, 60_000).map((piece) => gzipMember(piece)))),
  'an empty member first': Buffer.concat([gzipMember(zeros(0)), gzipMember(s)]),
  'an empty member last': Buffer.concat([gzipMember(s), gzipMember(zeros(0))]),
  'a tiny empty member last': Buffer.concat([
    gzipMember(s),
    gzipMember(zeros(0), { body: Buffer.from([3, 0]) }),
  ]),
  'one zero after it': Buffer.concat([gzipMember(s), zeros(1)]),
  'many zeros after it': Buffer.concat([gzipMember(s), zeros(100)]),
  'other bytes after it': Buffer.concat([gzipMember(s), Buffer.from('what is this?')]),
  'many other bytes after it': Buffer.concat([gzipMember(s), Buffer.alloc(100, 'x')]),
  'half a member after it': Buffer.concat([gzipMember(s), gzipMember(s).subarray(0, 30)]),
  'half a header after it': Buffer.concat([gzipMember(s), gzipMember(s).subarray(0, 5)]),
  'a broken member after it': Buffer.concat([gzipMember(s), gzipMember(zeros(40), { checksum: 5 })]),
  'a member with more records after it': Buffer.concat([gzipMember(s), gzipMember(s)]),
  'a wrong checksum': gzipMember(s, { checksum: 1 }),
  'a wrong size': gzipMember(s, { sizeBytes: 1 }),
  'no trailer': gzipMember(s).subarray(0, -8),
  'half a trailer': gzipMember(s).subarray(0, -4),
  'cut in the data': gzipMember(s).subarray(0, 40),
  'only a header': gzipMember(s).subarray(0, 10),
  nothing: zeros(0),
  'bytes that are no gzip': Buffer.from('this is not gzip'),
  'a member of nothing': gzipMember(zeros(0)),
};

const SNAPPY: Record<string, Buffer> = {
  'as xerial writes it': compress('snappy', s),
  'several blocks': Buffer.concat([xerialHeader(), ...pieces(s, 10).map((piece) => xerialBlock(piece))]),
  'blocks of 32 KiB': large(compress('snappy', l)),
  'blocks of 64 KiB': large(
    Buffer.concat([xerialHeader(), ...pieces(l, 65_536).map((piece) => xerialBlock(piece))]),
  ),
  'one large block': large(Buffer.concat([xerialHeader(), xerialBlock(l)])),
  'an empty block first': Buffer.concat([xerialHeader(), xerialBlock(zeros(0)), xerialBlock(s)]),
  'an empty block between': Buffer.concat([
    xerialHeader(),
    xerialBlock(first),
    xerialBlock(zeros(0)),
    xerialBlock(second),
  ]),
  'an empty block last': Buffer.concat([xerialHeader(), xerialBlock(s), xerialBlock(zeros(0))]),
  'a block of no bytes first': Buffer.concat([xerialHeader(), zeros(4), xerialBlock(s)]),
  'a block of no bytes between': Buffer.concat([
    xerialHeader(),
    xerialBlock(first),
    zeros(4),
    xerialBlock(second),
  ]),
  'a block of no bytes last': Buffer.concat([xerialHeader(), xerialBlock(s), zeros(4)]),
  'version 2, compatible with 1': Buffer.concat([xerialHeader(2, 1), xerialBlock(s)]),
  'version 1, compatible with 2': Buffer.concat([xerialHeader(1, 2), xerialBlock(s)]),
  'version 0': Buffer.concat([xerialHeader(0, 0), xerialBlock(s)]),
  'a negative version': Buffer.concat([xerialHeader(-1, 1), xerialBlock(s)]),
  'version 1, compatible with 0': Buffer.concat([xerialHeader(1, 0), xerialBlock(s)]),
  'version 1, compatible with less': Buffer.concat([xerialHeader(1, -5), xerialBlock(s)]),
  'versions in little endian': Buffer.concat([xerialHeader(0x01000000, 0x01000000), xerialBlock(s)]),
  'another magic': Buffer.concat([xerialHeader(1, 1, '\x82SNAPPX\0'), xerialBlock(s)]),
  'two streams': Buffer.concat([xerialHeader(), xerialBlock(first), xerialHeader(), xerialBlock(second)]),
  'a second header that is cut': Buffer.concat([
    xerialHeader(),
    xerialBlock(s),
    xerialHeader().subarray(0, 9),
  ]),
  'a header after the last block': Buffer.concat([xerialHeader(), xerialBlock(s), xerialHeader()]),
  'a second header of version 0': Buffer.concat([
    xerialHeader(),
    xerialBlock(first),
    xerialHeader(0, 0),
    xerialBlock(second),
  ]),
  bare: snappyBlock(s),
  'bare and large': large(snappyBlock(l)),
  'bare, of nothing': snappyBlock(zeros(0)),
  'bare, with bytes after it': Buffer.concat([snappyBlock(s), Buffer.from('x')]),
  'bare, cut': snappyBlock(s).subarray(0, -3),
  'bare, promising more': Buffer.concat([Buffer.from([s.length + 1]), snappyBlock(s).subarray(1)]),
  'bare, promising less': Buffer.concat([Buffer.from([s.length - 1]), snappyBlock(s).subarray(1)]),
  'bare, size in more bytes than needed': Buffer.concat([
    Buffer.from([(s.length & 0x7f) | 0x80, 0x80, 0]),
    snappyBlock(s).subarray(1),
  ]),
  'only a header': xerialHeader(),
  'half a header': xerialHeader().subarray(0, 8),
  'a length that is cut': Buffer.concat([xerialHeader(), xerialBlock(s), zeros(2)]),
  'a length cut after another byte': Buffer.concat([xerialHeader(), xerialBlock(s), Buffer.from([1, 2, 3])]),
  'a block that is cut': Buffer.concat([xerialHeader(), xerialBlock(s)]).subarray(0, -3),
  'a block longer than the stream': Buffer.concat([xerialHeader(), xerialBlock(s, 10_000)]),
  'a block of negative length': Buffer.concat([xerialHeader(), xerialBlock(s, -1)]),
  'a second block of negative length': Buffer.concat([
    xerialHeader(),
    xerialBlock(s),
    Buffer.from([255, 255, 255, 255]),
  ]),
  'a block that promises more': Buffer.concat([
    xerialHeader(),
    Buffer.from([0, 0, 0, snappyBlock(s).length, s.length + 1]),
    snappyBlock(s).subarray(1),
  ]),
  'a copy from before the beginning': Buffer.concat([
    xerialHeader(),
    Buffer.from([0, 0, 0, 4, 8, 0x01, 0x09, 0]),
  ]),
  nothing: zeros(0),
  'bytes that are no snappy': Buffer.from('this is not snappy'),
};

const LZ4: Record<string, Buffer> = {
  'as Kafka writes it': compressLz4(s),
  'several blocks': large(compressLz4(l)),
  'small blocks': lz4Frame(pieces(s, 30).map((packed) => ({ packed }))),
  'stored blocks': lz4Frame(pieces(s, 30).map((stored) => ({ stored }))),
  'a stored block that is full': large(lz4Frame(pieces(l, 65_536).map((stored) => ({ stored })))),
  'blocks of both kinds': lz4Frame([{ packed: first }, { stored: second }]),
  'block checksums': lz4Frame([{ packed: first }, { stored: second }], { blockChecksums: true }),
  'a wrong block checksum': lz4Frame([{ packed: s }], { blockChecksums: 'wrong' }),
  'a content checksum': lz4Frame([{ packed: s }], { contentChecksum: true }),
  'a content checksum of stored blocks': lz4Frame([{ stored: s }], { contentChecksum: true }),
  'a content checksum over two blocks': lz4Frame([{ packed: first }, { packed: second }], {
    contentChecksum: true,
  }),
  'a wrong content checksum': lz4Frame([{ packed: s }], { contentChecksum: 'wrong' }),
  'a content checksum that is cut': lz4Frame([{ packed: s }], { contentChecksum: true }).subarray(0, -2),
  'no content checksum though announced': lz4Frame([{ packed: s }], { contentChecksum: true }).subarray(
    0,
    -4,
  ),
  'a content size': lz4Frame([{ packed: s }], { contentSize: s.length }),
  'a wrong content size': lz4Frame([{ packed: s }], { contentSize: 3 }),
  'everything at once': lz4Frame([{ packed: first }, { stored: second }], {
    blockChecksums: true,
    contentChecksum: true,
    contentSize: s.length,
    blockCode: 7,
  }),
  'a dictionary id': lz4Frame([{ packed: s }], { dictionaryId: 7 }),
  'a reserved flag': lz4Frame([{ packed: s }], { reservedFlag: true }),
  'linked blocks': lz4Frame([{ packed: s }], { independent: false }),
  'version 0': lz4Frame([{ packed: s }], { version: 0 }),
  'version 2': lz4Frame([{ packed: s }], { version: 2 }),
  'blocks of 256 KiB': large(lz4Frame([{ packed: l }], { blockCode: 5 })),
  'blocks of 1 MiB': large(lz4Frame([{ packed: l }], { blockCode: 6 })),
  'blocks of 4 MiB': large(lz4Frame([{ packed: l }], { blockCode: 7 })),
  'block size code 3': lz4Frame([{ packed: s }], { blockCode: 3 }),
  'block size code 0': lz4Frame([{ packed: s }], { blockCode: 0 }),
  'the reserved bit of the descriptor': lz4Frame([{ packed: s }], { blockCode: 12 }),
  'reserved low bits of the descriptor': lz4Frame([{ packed: s }], { reservedDescriptor: 1 }),
  'a block larger than the frame allows': large(lz4Frame([{ packed: l }])),
  'a stored block larger than the frame allows': large(lz4Frame([{ stored: l }])),
  'the header checksum of magic 0': lz4Frame([{ packed: s }], { headerChecksum: 'with-magic' }),
  'a wrong header checksum': lz4Frame([{ packed: s }], { headerChecksum: 'wrong' }),
  'two frames': Buffer.concat([lz4Frame([{ packed: first }]), lz4Frame([{ packed: second }])]),
  'a second frame with more records': Buffer.concat([compressLz4(s), compressLz4(s)]),
  'a second frame of nothing': Buffer.concat([compressLz4(s), lz4Frame([])]),
  'a skippable frame first': Buffer.concat([skippableFrame(Buffer.from('skip')), compressLz4(s)]),
  'a skippable frame last': Buffer.concat([compressLz4(s), skippableFrame(Buffer.from('skip'))]),
  'bytes after the frame': Buffer.concat([compressLz4(s), Buffer.from('what is this?')]),
  'no end mark': lz4Frame([{ packed: s }], { endMark: false }),
  'half an end mark': lz4Frame([{ packed: s }]).subarray(0, -2),
  'no end mark, large': large(
    lz4Frame(
      pieces(l, 65_536).map((packed) => ({ packed })),
      { endMark: false },
    ),
  ),
  'a stored block of no bytes': lz4Frame([{ stored: first }, { stored: zeros(0) }, { stored: second }]),
  'a block of which nothing comes first': lz4Frame([{ bytes: Buffer.from([0]) }, { packed: s }]),
  'a block of which nothing comes between': lz4Frame([
    { packed: first },
    { bytes: Buffer.from([0]) },
    { packed: second },
  ]),
  'a block of which nothing comes last': lz4Frame([{ packed: s }, { bytes: Buffer.from([0]) }]),
  'a block that is cut': lz4Frame([{ packed: s }], { endMark: false }).subarray(0, -3),
  'a block that is no lz4': lz4Frame([{ bytes: Buffer.from('this is not lz4') }]),
  'a block with bytes after its end': lz4Frame([{ bytes: Buffer.concat([lz4Packed(s), Buffer.from([0])]) }]),
  'a match at distance 0': lz4Frame([
    { bytes: Buffer.concat([Buffer.from([0x10, 65, 0, 0, 0x50]), Buffer.alloc(5)]) },
  ]),
  'a match from before the block': lz4Frame([
    { stored: first },
    { bytes: Buffer.from([0x10, 65, 9, 0, 0x50, 1, 2, 3, 4, 5]) },
  ]),
  'a match up to the end': lz4Frame([
    { bytes: Buffer.concat([Buffer.from([0x10 | 4, 65, 1, 0]), Buffer.from([0])]) },
  ]),
  'the legacy magic': Buffer.concat([uint32LE(0x184c2102), uint32LE(lz4Packed(s).length), lz4Packed(s)]),
  'only a header': lz4Frame([], { endMark: false }),
  'half a header': lz4Frame([]).subarray(0, 6),
  'a frame of nothing': lz4Frame([]),
  nothing: zeros(0),
  'bytes that are no lz4': Buffer.from('this is not lz4'),
};

const zstd = (data: Buffer, params: Record<number, number> = {}) => zstdCompressSync(data, { params });
const ZSTD: Record<string, Buffer> = {
  'as libzstd writes it': zstd(s),
  'several blocks': large(zstd(l)),
  'without content size': zstdFrame([s]),
  'several raw blocks': large(zstdFrame(pieces(l, 60_000))),
  'a content size': zstdFrame([s], { contentSize: s.length }),
  'a content size in eight bytes': zstdFrame([s], { contentSize: s.length, contentSizeCode: 3 }),
  'a content size that is too large': zstdFrame([s], { contentSize: s.length + 1 }),
  'a content size that is too small': zstdFrame([s], { contentSize: s.length - 1 }),
  'a single segment': zstdFrame([s], { singleSegment: true, contentSize: s.length, contentSizeCode: 0 }),
  'a checksum': zstd(s, { [constants.ZSTD_c_checksumFlag]: 1 }),
  'a wrong checksum': (() => {
    const frame = Buffer.from(zstd(s, { [constants.ZSTD_c_checksumFlag]: 1 }));
    frame.writeUInt8(frame.readUInt8(frame.length - 1) ^ 1, frame.length - 1);
    return frame;
  })(),
  'a checksum that is cut': zstd(s, { [constants.ZSTD_c_checksumFlag]: 1 }).subarray(0, -2),
  'two frames': Buffer.concat([zstd(first), zstd(second)]),
  'many frames': Buffer.concat(pieces(s, 9).map((piece) => zstd(piece))),
  'large frames': large(Buffer.concat(pieces(l, 60_000).map((piece) => zstd(piece)))),
  'a frame of nothing first': Buffer.concat([zstd(zeros(0)), zstd(s)]),
  'a frame of nothing last': Buffer.concat([zstd(s), zstd(zeros(0))]),
  'a skippable frame first': Buffer.concat([skippableFrame(Buffer.from('skip')), zstd(s)]),
  'a skippable frame between': Buffer.concat([
    zstd(first),
    skippableFrame(Buffer.from('skip')),
    zstd(second),
  ]),
  'a skippable frame last': Buffer.concat([zstd(s), skippableFrame(Buffer.from('skip'))]),
  'an empty skippable frame': Buffer.concat([skippableFrame(zeros(0)), zstd(s)]),
  'a skippable frame that is cut first': skippableFrame(Buffer.from('skip')).subarray(0, -1),
  'a skippable frame that is cut last': Buffer.concat([
    zstd(s),
    skippableFrame(Buffer.from('skip')).subarray(0, -1),
  ]),
  'only a skippable frame': skippableFrame(Buffer.from('skip')),
  'a window of 1 KiB': zstdFrame([s], { windowDescriptor: 0 }),
  'a window of 8 MiB': zstdFrame([s], { windowDescriptor: (23 - 10) << 3 }),
  'a window of 128 MiB': zstdFrame([s], { windowDescriptor: (27 - 10) << 3 }),
  'a window of more than 128 MiB': zstdFrame([s], { windowDescriptor: ((27 - 10) << 3) | 1 }),
  'a window of 256 MiB': zstdFrame([s], { windowDescriptor: (28 - 10) << 3 }),
  'a window of 2 GiB': zstdFrame([s], { windowDescriptor: (31 - 10) << 3 }),
  'blocks larger than the window': zstdFrame([l.subarray(0, 4096)], { windowDescriptor: 0 }),
  'a dictionary id': zstdFrame([s], { dictionaryId: 7 }),
  'dictionary id 0': zstdFrame([s], { dictionaryId: 0 }),
  'the reserved bit': zstdFrame([s], { reservedBit: true }),
  'the unused bit': zstdFrame([s], { unusedBit: true }),
  'the reserved block type': zstdFrame([s], { blockType: 3 }),
  'blocks of no bytes': zstdFrame([zeros(0), s, zeros(0)]),
  'no last block': zstdFrame([s, zeros(0)]).subarray(0, -3),
  'a long distance window': large(
    zstd(l, { [constants.ZSTD_c_enableLongDistanceMatching]: 1, [constants.ZSTD_c_windowLog]: 27 }),
  ),
  'bytes after the frame': Buffer.concat([zstd(s), Buffer.from('what is this?')]),
  'one byte after the frame': Buffer.concat([zstd(s), zeros(1)]),
  'zeros after the frame': Buffer.concat([zstd(s), zeros(20)]),
  'a second frame that is cut': Buffer.concat([zstd(s), zstd(s).subarray(0, 9)]),
  'a second frame with more records': Buffer.concat([zstd(s), zstd(s)]),
  cut: zstd(s).subarray(0, -3),
  'cut, large': large(zstd(l).subarray(0, -1000)),
  'only a magic': zstd(s).subarray(0, 4),
  'a magic of zstd 0.7': zstdFrame([s], { magic: 0xfd2fb527 }),
  'a frame of nothing': zstd(zeros(0)),
  nothing: zeros(0),
  'bytes that are no zstd': Buffer.from('this is not zstd'),
};

/** Where this broker answers the other of the two: it refuses them all the same. */
const OTHERWISE_HERE: readonly string[] = [
  'half a member after it',
  'a broken member after it',
  'a match at distance 0',
  'a match up to the end',
];

function framesOf(codec: UnusualFrame['codec'], frames: Record<string, Buffer>): UnusualFrame[] {
  return Object.entries(frames).map(([what, frame]) => {
    const content = ofLargeContent.has(frame) ? LARGE : SMALL;
    let answer: number = ErrorCode.NONE;
    if (FAILING[codec].includes(what)) answer = ErrorCode.UNKNOWN_SERVER_ERROR;
    if (INCOMPLETE[codec].includes(what)) answer = ErrorCode.INVALID_RECORD;
    return { codec, what, frame, content, answer, answerDiffersHere: OTHERWISE_HERE.includes(what) };
  });
}

export const UNUSUAL_FRAMES: readonly UnusualFrame[] = [
  ...framesOf('gzip', GZIP),
  ...framesOf('snappy', SNAPPY),
  ...framesOf('lz4', LZ4),
  ...framesOf('zstd', ZSTD),
];
