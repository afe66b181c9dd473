/** Records that are read when they are sent: the same as at once, whatever becomes of their files meanwhile. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, isError } from '../../../broker/errors.ts';
import { StorageError } from '../../../broker/log/files/storage-error.ts';
import type { RecordsToSend } from '../../../broker/log/late-read.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import type { ReadRange } from '../../../broker/log/read.ts';
import { LateBytes } from '../../../broker/protocol/late-bytes.ts';
import { bytesOfPart } from '../../support/message-bytes.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { append, contents, fixture, freshLog } from './support.ts';

const ALL = Number.MAX_SAFE_INTEGER;

/** Everything from the beginning, to be read late. */
function whole(log: PartitionLog, range: Partial<ReadRange> = {}): RecordsToSend {
  const all = { offset: log.startOffset, maxBytes: ALL, upToOffset: log.endOffset, minOneBatch: true };
  return late(log, { ...all, ...range });
}

function late(log: PartitionLog, range: ReadRange, atOnceBytes = 0): RecordsToSend {
  const read = log.readToSend(range, atOnceBytes);
  if (isError(read)) throw new Error(`the read failed with ${read}`);
  return read;
}

/** Some batches of all sizes, in segments of a few kilobytes with an entry in the index for every other batch. */
async function variedLog(seed: number): Promise<PartitionLog> {
  const random = simulatedRandom(seed);
  const log = await freshLog({ 'segment.bytes': '6000', 'index.interval.bytes': '300' });
  for (let batches = 0; batches < 60; batches++) {
    const records = Array.from({ length: 1 + random.int(4) }, () => 'x'.repeat(random.int(400)));
    append(log, records);
  }
  log.updateHighWatermark(log.endOffset);
  return log;
}

describe('a late read', () => {
  it.each([1, 2, 3, 4])(
    'gives what a read at once gives, wherever it begins and ends, seed %i',
    async (seed) => {
      const log = await variedLog(seed);
      const random = simulatedRandom(seed + 100);
      for (let round = 0; round < 400; round++) {
        const offset = random.int(log.endOffset);
        const range = {
          offset,
          maxBytes: random.int(7000),
          upToOffset: offset + random.int(log.endOffset - offset + 1),
          minOneBatch: random.int(2) === 0,
        };
        const expected = log.read(range);
        if (isError(expected)) throw new Error(`the read failed with ${expected}`);
        const read = late(log, range);
        expect(bytesOfPart(read.bytes).equals(expected.bytes), JSON.stringify(range)).toBe(true);
        expect(read.nextOffset, JSON.stringify(range)).toBe(expected.nextOffset);
        read.release();
        expected.release();
      }
    },
  );

  it('is one of what is more than may be read at once only', async () => {
    const log = await freshLog();
    append(log, ['a'.repeat(1000)]);
    append(log, ['b'.repeat(1000)]);
    const [range, more] = [{ offset: 0, upToOffset: 2, minOneBatch: true }, 2 * 1100];
    expect(late(log, { ...range, maxBytes: more }, more).bytes).toBeInstanceOf(Buffer);
    expect(late(log, { ...range, maxBytes: more }, 1500).bytes).toBeInstanceOf(LateBytes);
    // One batch that must be given whole.
    expect(late(log, { ...range, maxBytes: 100 }, 500).bytes).toBeInstanceOf(LateBytes);
  });

  it('gives any piece of what was promised', async () => {
    const log = await variedLog(5);
    const read = whole(log, { maxBytes: 5000 });
    const all = bytesOfPart(read.bytes);
    const piece = Buffer.alloc(120, 0xee);
    (read.bytes as LateBytes).read(piece, 10, 100, 777);
    expect(piece.subarray(10, 110)).toEqual(all.subarray(777, 877));
    expect([piece[9], piece[110]]).toEqual([0xee, 0xee]);
  });

  it('answers CORRUPT_MESSAGE where no batch is', async () => {
    const made = fixture({ 'segment.bytes': '2000' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    append(log, ['a'.repeat(100)]);
    expect(contents(log)).toHaveLength(1);
    const file = made.disk.open('/data/topic-0/00000000000000000000.log', 'write');
    file.write(Buffer.alloc(64), 0, 64, 0);
    const range = { offset: 0, maxBytes: ALL, upToOffset: 1, minOneBatch: true };
    expect(log.readToSend(range, 0)).toBe(ErrorCode.CORRUPT_MESSAGE);
  });

  it('answers CORRUPT_MESSAGE where a batch says that it ends beyond the log, as a read at once does', async () => {
    const made = fixture({ 'segment.bytes': '2000' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    append(log, ['a'.repeat(100)]);
    const lastOffsetDelta = 23;
    made.disk.rot('/data/topic-0/00000000000000000000.log', lastOffsetDelta, 2);
    const range = { offset: 0, maxBytes: ALL, upToOffset: 1, minOneBatch: true };
    expect(log.readToSend(range, 0)).toBe(ErrorCode.CORRUPT_MESSAGE);
    expect(log.read(range)).toBe(ErrorCode.CORRUPT_MESSAGE);
  });

  it('needs no index that is right', async () => {
    const made = fixture({ 'segment.bytes': '20000', 'index.interval.bytes': '300' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    for (let batches = 0; batches < 30; batches++) append(log, [`${batches}`.repeat(150)]);
    log.roll();
    append(log, ['more']);
    const range = { offset: 0, maxBytes: 5000, upToOffset: log.endOffset, minOneBatch: true };
    const right = bytesOfPart(late(log, range).bytes);
    const index = made.disk.open('/data/topic-0/00000000000000000000.index', 'write');
    const entries = Buffer.alloc(index.sizeBytes());
    index.read(entries, 0, entries.length, 0);
    for (let at = 4; at < entries.length; at += 8) entries.writeInt32BE(entries.readInt32BE(at) + 31, at);
    index.write(entries, 0, entries.length, 0);
    expect(bytesOfPart(late(log, range).bytes)).toEqual(right);
  });
});

describe('what was promised', () => {
  it('is there after retention has removed its files', async () => {
    const made = fixture({ 'segment.bytes': '2000', 'retention.ms': '-1' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    for (let batches = 0; batches < 12; batches++) append(log, [`${batches}`.repeat(300)]);
    const read = whole(log);
    const before = bytesOfPart(read.bytes);
    log.updateHighWatermark(log.endOffset);
    log.raiseStartOffset(log.endOffset - 1);
    log.deleteOldSegments();
    await made.clock.runUntil(made.clock.nowMs() + 60_001);
    expect(made.disk.list('/data/topic-0').some((name) => name.startsWith('00000000000000000000.'))).toBe(
      false,
    );
    expect(bytesOfPart(read.bytes)).toEqual(before);
    read.release();
    read.release();
    expect(() => bytesOfPart(read.bytes)).toThrow('EBADF');
  });

  it('is there after the log has been closed, until it is released', async () => {
    const log = await variedLog(6);
    const read = whole(log);
    const before = bytesOfPart(read.bytes);
    log.close();
    expect(bytesOfPart(read.bytes)).toEqual(before);
    read.release();
    expect(() => bytesOfPart(read.bytes)).toThrow();
  });

  it('is not to be had after a truncation of it, also when other records stand there', async () => {
    const log = await freshLog();
    for (const value of ['a', 'b', 'c', 'd']) append(log, [value.repeat(500)]);
    const [all, first] = [whole(log), whole(log, { upToOffset: 1 })];
    const before = bytesOfPart(first.bytes);
    log.truncateTo(2);
    for (const value of ['x', 'y', 'z']) append(log, [value.repeat(500)], { epoch: 1 });
    expect(() => bytesOfPart(all.bytes)).toThrow('was truncated below');
    expect(bytesOfPart(first.bytes)).toEqual(before);
    expect(contents(log).at(-1)).toBe(`4:${'z'.repeat(500)}`);
  });

  it('is not to be had from a disk that fails, which takes the directory offline', async () => {
    const made = fixture();
    const logs = await made.start();
    const log = logs.create('topic', 0, { isNew: true, topicId: null });
    append(log, ['a'.repeat(500)]);
    const read = whole(log);
    made.disk.fault = (operation) => (operation === 'read' ? 'EIO' : null);
    expect(() => bytesOfPart(read.bytes)).toThrow(StorageError);
    made.disk.fault = null;
    expect(logs.directories()[0]?.online).toBe(false);
  });
});
