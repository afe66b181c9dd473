/** One partition's log: appending, reading, truncating. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, isError } from '../../../broker/errors.ts';
import { UnexpectedAppendOffset } from '../../../broker/log/append.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import {
  batchBaseOffset,
  batchCrcIsValid,
  batchLeaderEpoch,
  CorruptBatch,
  setBatchBaseOffset,
} from '../../../broker/records/batch.ts';
import { append, batch, contents, follow, freshLog } from './support.ts';

describe('appending as leader', () => {
  it('stamps offsets and epoch into the given buffer and leaves the checksum valid', async () => {
    const log = await freshLog();
    append(log, ['a', 'b']);
    const bytes = batch(['c', 'd', 'e']);
    const info = log.appendAsLeader(bytes, { leaderEpoch: 5, origin: 'client', apiVersion: 9 });
    expect(info).toMatchObject({
      error: 0,
      firstOffset: 2,
      lastOffset: 4,
      logAppendTimeMs: -1,
      duplicate: false,
    });
    expect(batchBaseOffset(bytes, 0)).toBe(2);
    expect(batchLeaderEpoch(bytes, 0)).toBe(5);
    expect(batchCrcIsValid(bytes, 0)).toBe(true);
    expect(contents(log)).toEqual(['0:a', '1:b', '2:c', '3:d', '4:e']);
    expect(log.epochs.entries).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 5, startOffset: 2 },
    ]);
  });

  it('answers LogAppendTime with the time it gave', async () => {
    const log = await freshLog({ 'message.timestamp.type': 'LogAppendTime' });
    const info = log.appendAsLeader(batch(['a']), {
      leaderEpoch: 0,
      origin: 'client',
      apiVersion: 9,
      nowMs: 777,
    });
    expect(info.logAppendTimeMs).toBe(777);
    expect(log.maxTimestamp()).toEqual({ offset: 0, timestampMs: 777, leaderEpoch: 0 });
  });

  it('refuses a batch with a wrong checksum and one that is too large, and keeps nothing of them', async () => {
    const log = await freshLog({ 'max.message.bytes': '200' });
    const bad = batch(['a']);
    bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
    const options = { leaderEpoch: 0, origin: 'client', apiVersion: 9 } as const;
    expect(log.appendAsLeader(bad, options).error).toBe(ErrorCode.CORRUPT_MESSAGE);
    expect(append(log, ['x'.repeat(300)]).error).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(log.endOffset).toBe(0);
    expect(log.sizeBytes).toBe(0);
  });

  it('refuses a batch larger than a segment', async () => {
    const log = await freshLog({ 'segment.bytes': '150' });
    expect(append(log, ['x'.repeat(300)]).error).toBe(ErrorCode.RECORD_LIST_TOO_LARGE);
  });
});

describe('appending as follower', () => {
  it('keeps offsets, allows gaps, and learns the epochs of the batches', async () => {
    const log = await freshLog();
    follow(log, ['a', 'b'], 0, 1);
    follow(log, ['f'], 5, 3);
    expect(log.endOffset).toBe(6);
    expect(contents(log)).toEqual(['0:a', '1:b', '5:f']);
    expect(log.epochs.endOffsetFor(2, log.endOffset)).toEqual({ epoch: 1, endOffset: 5 });
  });

  it('throws UnexpectedAppendOffset for what it has already, and CorruptBatch for damage, writing nothing', async () => {
    const log = await freshLog();
    follow(log, ['a', 'b'], 0);
    expect(() => follow(log, ['b'], 1)).toThrow(UnexpectedAppendOffset);
    const damaged = Buffer.concat([batch(['c'], { baseOffset: 2 }), batch(['d'], { baseOffset: 3 })]);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    expect(() => log.appendAsFollower(damaged)).toThrow(CorruptBatch);
    const unordered = Buffer.concat([batch(['c'], { baseOffset: 3 }), batch(['d'], { baseOffset: 3 })]);
    expect(() => log.appendAsFollower(unordered)).toThrow(CorruptBatch);
    expect(log.endOffset).toBe(2);
  });

  it('leaves a partial batch at the end out', async () => {
    const log = await freshLog();
    const whole = batch(['a'], { baseOffset: 0 });
    const part = batch(['b'], { baseOffset: 1 }).subarray(0, 40);
    expect(log.appendAsFollower(Buffer.concat([whole, part]))).toEqual({ lastOffset: 0 });
    expect(contents(log)).toEqual(['0:a']);
  });
});

describe('reading', () => {
  async function tenBatches(): Promise<PartitionLog> {
    const log = await freshLog({ 'segment.bytes': '250', 'index.interval.bytes': '100' });
    for (let index = 0; index < 10; index++) append(log, [`${index}a`, `${index}b`]);
    return log;
  }

  it('finds every offset in every segment, and answers with the batch that holds it', async () => {
    const log = await tenBatches();
    expect(log.segmentCount).toBeGreaterThan(2);
    for (let offset = 0; offset < 20; offset++) {
      const result = log.read({ offset, maxBytes: 1, upToOffset: 20, minOneBatch: true });
      expect(result).toMatchObject({
        firstOffset: offset - (offset % 2),
        nextOffset: offset - (offset % 2) + 2,
      });
    }
    expect(contents(log)).toHaveLength(20);
  });

  it('returns nothing when the first batch is too large and one is not demanded', async () => {
    const log = await tenBatches();
    const result = log.read({ offset: 0, maxBytes: 20, upToOffset: 20, minOneBatch: false });
    expect(isError(result) ? result : result.bytes.length).toBe(0);
  });

  it('never passes the bound, even within what was read', async () => {
    const log = await tenBatches();
    expect(contents(log, 0, 6)).toEqual(['0:0a', '1:0b', '2:1a', '3:1b', '4:2a', '5:2b']);
    expect(contents(log, 0, 5)).toEqual(['0:0a', '1:0b', '2:1a', '3:1b']);
  });

  it('is empty at the end and out of range beyond both ends', async () => {
    const log = await tenBatches();
    log.updateHighWatermark(20);
    const all = { maxBytes: 1000, upToOffset: 99, minOneBatch: true };
    expect(log.read({ ...all, offset: 20 })).toMatchObject({ firstOffset: 20, nextOffset: 20 });
    expect(log.read({ ...all, offset: 21 })).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(log.raiseStartOffset(4)).toBe(true);
    expect(log.read({ ...all, offset: 3 })).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });

  it('says how many bytes lie between two offsets of a segment', async () => {
    const log = await freshLog();
    const sizes = [3, 30, 7].map((length) => {
      const bytes = batch(['x'.repeat(length)]);
      log.appendAsLeader(bytes, { leaderEpoch: 0, origin: 'client', apiVersion: 9 });
      return bytes.length;
    });
    expect(log.bytesBetween(1, 2)).toBe(sizes[1]);
    expect(log.bytesBetween(0, 3)).toBe(log.sizeBytes);
    expect(log.bytesBetween(3, 3)).toBe(0);
  });
});

describe('truncating', () => {
  it('removes the batch that holds the offset and everything after it', async () => {
    const log = await freshLog({ 'segment.bytes': '300', 'index.interval.bytes': '1' });
    for (let index = 0; index < 8; index++) append(log, [`${index}`], { epoch: index, timestampMs: index });
    log.updateHighWatermark(8);
    expect(log.truncateTo(3)).toBe(true);
    expect(contents(log)).toEqual(['0:0', '1:1', '2:2']);
    expect(log).toMatchObject({ endOffset: 3, highWatermark: 3 });
    expect(log.epochs.latestEpoch()).toBe(2);
    expect(log.maxTimestamp()).toMatchObject({ timestampMs: 2, offset: 2 });
    append(log, ['new'], { epoch: 9 });
    expect(contents(log)).toEqual(['0:0', '1:1', '2:2', '3:new']);
    expect(log.truncateTo(7)).toBe(false);
  });

  it('can empty the log and go on elsewhere', async () => {
    const log = await freshLog();
    append(log, ['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    log.truncateFullyAndStartAt(100);
    expect(log).toMatchObject({ startOffset: 100, endOffset: 100, highWatermark: 100 });
    expect(log.producers()).toEqual([]);
    expect(log.epochs.entries).toEqual([]);
    follow(log, ['x'], 100);
    expect(contents(log)).toEqual(['100:x']);
  });
});

describe('a batch whose offset the client set', () => {
  it('is refused', async () => {
    const log = await freshLog();
    const bytes = batch(['a']);
    setBatchBaseOffset(bytes, 0, 5);
    const info = log.appendAsLeader(bytes, { leaderEpoch: 0, origin: 'client', apiVersion: 9 });
    expect(info).toMatchObject({ error: ErrorCode.INVALID_RECORD, firstOffset: -1 });
  });
});
