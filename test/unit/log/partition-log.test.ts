/** The log of one partition: appending, reading, rolling, truncating, time, retention, producers. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, isError } from '../../../broker/errors.ts';
import { type Int64, int64Sum } from '../../../broker/int64.ts';
import { UnexpectedAppendOffset } from '../../../broker/log/append.ts';
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP } from '../../../broker/log/lookup.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import {
  batchBaseOffset,
  batchCrcIsValid,
  batchLeaderEpoch,
  CorruptBatch,
  setBatchBaseOffset,
} from '../../../broker/records/batch.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { append, batch, contents, fixture, type Simple } from './support.ts';

async function freshLog(topic: Readonly<Record<string, string>> = {}): Promise<PartitionLog> {
  const logs = await fixture(topic).start();
  return logs.create('topic', 0, { isNew: true, topicId: null });
}

function follow(log: PartitionLog, values: readonly string[], baseOffset: number, leaderEpoch = 0): void {
  log.appendAsFollower(batch(values, { baseOffset, leaderEpoch }));
}

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

describe('time', () => {
  it('finds the first record at or after a time, in any segment', async () => {
    const log = await freshLog({ 'segment.bytes': '300', 'index.interval.bytes': '1' });
    const times = [10, 20, 20, 15, 40, 30, 50];
    for (const timestampMs of times) append(log, [`t${timestampMs}`], { timestampMs });
    for (let wanted = 0; wanted <= 51; wanted++) {
      const offset = times.findIndex((timestampMs) => timestampMs >= wanted);
      const found = log.offsetForTimestamp(wanted);
      expect(found === null ? -1 : found.offset, `at ${wanted}`).toBe(offset);
    }
    expect(log.maxTimestamp()).toEqual({ offset: 6, timestampMs: 50, leaderEpoch: 0 });
  });

  it('names the segments that were last written to by then, and the end of the log', async () => {
    const made = fixture({ 'segment.bytes': '150', 'segment.ms': '1000000000' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    const firstMs = made.clock.wallMs();
    expect(log.legacyOffsetsBefore(LATEST_TIMESTAMP, 5)).toEqual([0]);
    for (let offset = 0; offset < 6; offset++) {
      append(log, [`value ${offset}`]);
      await made.clock.runUntil(made.clock.nowMs() + 1000);
    }
    expect(log.legacyOffsetsBefore(LATEST_TIMESTAMP, 9)).toEqual([6, 4, 2, 0]);
    expect(log.legacyOffsetsBefore(LATEST_TIMESTAMP, 2)).toEqual([6, 4]);
    expect(log.legacyOffsetsBefore(LATEST_TIMESTAMP, 0)).toEqual([]);
    expect(log.legacyOffsetsBefore(EARLIEST_TIMESTAMP, 9)).toEqual([0]);
    // The first segment got its second batch after a second, the second one after three.
    expect(log.legacyOffsetsBefore(firstMs + 999, 9)).toEqual([]);
    expect(log.legacyOffsetsBefore(firstMs + 1000, 9)).toEqual([0]);
    expect(log.legacyOffsetsBefore(firstMs + 3500, 9)).toEqual([2, 0]);
    expect(log.legacyOffsetsBefore(firstMs + 1_000_000, 9)).toEqual([6, 4, 2, 0]);
    log.updateHighWatermark(6);
    log.raiseStartOffset(3);
    expect(log.legacyOffsetsBefore(LATEST_TIMESTAMP, 9)).toEqual([6, 4, 3, 3]);
    expect(() => log.legacyOffsetsBefore(LATEST_TIMESTAMP, -1)).toThrow(RangeError);
  });

  it('beyond 2^53 is found exactly, and again after a restart and a recovery', async () => {
    const base = 1_700_000_000_000_000_000n;
    const times: Int64[] = [10, base + 1n, base + 3n, base + 2n, 40, base + 257n, base + 258n];
    const made = fixture({ 'segment.bytes': '300', 'index.interval.bytes': '1' });
    const first = await made.start();
    const log = first.create('topic', 0, { isNew: true, topicId: null });
    for (const [index, timestampMs] of times.entries()) append(log, [`t${index}`], { timestampMs });
    const check = (found: PartitionLog): void => {
      const wanted = [0, 11, 2 ** 53, ...times, ...times.map((time) => int64Sum(time, 1))];
      for (const timestampMs of wanted) {
        const offset = times.findIndex((time) => time >= timestampMs);
        const answer = found.offsetForTimestamp(timestampMs);
        expect([answer?.offset ?? -1, answer?.timestampMs], `at ${timestampMs}`).toEqual([
          offset,
          times[offset],
        ]);
      }
      expect(found.maxTimestamp()).toMatchObject({ offset: 6, timestampMs: base + 258n });
    };
    check(log);
    first.shutdown();
    const second = await made.start();
    check(second.log('topic', 0) as PartitionLog);
    made.disk.crash('all');
    check((await made.start()).log('topic', 0) as PartitionLog);
  });

  it('knows no largest timestamp in an empty log', async () => {
    const log = await freshLog();
    expect(log.maxTimestamp()).toBeNull();
    expect(log.offsetForTimestamp(0)).toBeNull();
  });
});

describe('rolling', () => {
  it('begins a segment when the records are older than segment.ms by their own clock', async () => {
    const log = await freshLog({ 'segment.ms': '1000' });
    append(log, ['a'], { timestampMs: 5000 });
    append(log, ['b'], { timestampMs: 6000 });
    expect(log.segmentCount).toBe(1);
    append(log, ['c'], { timestampMs: 6001 });
    expect(log.segmentCount).toBe(2);
  });

  it('goes by differences beyond 2^53 as by others', async () => {
    const base = 1_700_000_000_000_000_000n;
    const log = await freshLog({ 'segment.ms': '1000' });
    append(log, ['a'], { timestampMs: base });
    append(log, ['b'], { timestampMs: base + 1000n });
    append(log, ['from milliseconds'], { timestampMs: 5000 });
    expect(log.segmentCount).toBe(1);
    append(log, ['c'], { timestampMs: base + 1001n });
    expect(log.segmentCount).toBe(2);
    const patient = await freshLog({ 'segment.ms': '9223372036854775807' });
    append(patient, ['a'], { timestampMs: 5000 });
    append(patient, ['b'], { timestampMs: base });
    expect(patient.segmentCount).toBe(1);
  });

  it('begins a segment when the next offset can no longer be expressed', async () => {
    const log = await freshLog();
    follow(log, ['a'], 0);
    follow(log, ['b'], 2 ** 31 - 1);
    expect(log.segmentCount).toBe(1);
    follow(log, ['c'], 2 ** 31);
    expect(log.segmentCount).toBe(2);
    expect(contents(log)).toEqual(['0:a', `${2 ** 31 - 1}:b`, `${2 ** 31}:c`]);
  });
});

describe('retention', () => {
  const small = { 'segment.bytes': '160' };

  it('by size removes the oldest segments while the rest is still as large as the limit', async () => {
    const log = await freshLog({ ...small, 'retention.bytes': '250' });
    for (let index = 0; index < 8; index++)
      append(log, [`value ${index}`], { timestampMs: Date.UTC(2026, 0, 1) });
    const before = log.sizeBytes;
    expect(log.deleteOldSegments()).toBe(0);
    log.updateHighWatermark(8);
    expect(log.deleteOldSegments()).toBeGreaterThan(0);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(250);
    expect(log.sizeBytes).toBeLessThan(before);
    expect(contents(log)[0]).toBe(`${log.startOffset}:value ${log.startOffset}`);
  });

  it('by time rolls and removes even the active segment, and keeps what the high watermark has not passed', async () => {
    const made = fixture({ ...small, 'retention.ms': '1000' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    for (let index = 0; index < 5; index++)
      append(log, [`value ${index}`], { timestampMs: made.clock.wallMs() });
    log.updateHighWatermark(3);
    await made.clock.runUntil(made.clock.nowMs() + 2000);
    log.deleteOldSegments();
    expect(log.startOffset).toBeLessThanOrEqual(3);
    expect(log.startOffset).toBeGreaterThan(0);
    log.updateHighWatermark(5);
    log.deleteOldSegments();
    expect(log).toMatchObject({ startOffset: 5, endOffset: 5, sizeBytes: 0, segmentCount: 1 });
    append(log, ['next']);
    expect(contents(log)).toEqual(['5:next']);
  });

  it('by time keeps what lies in the future, however far', async () => {
    const made = fixture({ ...small, 'retention.ms': '1000' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    for (const timestampMs of [1, 2n ** 62n, 2])
      append(log, ['a value that fills a segment'], { timestampMs });
    log.updateHighWatermark(3);
    await made.clock.runUntil(made.clock.nowMs() + 2000);
    log.deleteOldSegments();
    expect(log.startOffset).toBe(1);
  });

  it('removes segments wholly below a raised start, and their files after the delay', async () => {
    const made = fixture({ ...small, 'retention.ms': '-1' });
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    for (let index = 0; index < 6; index++) append(log, [`value ${index}`]);
    expect(log.raiseStartOffset(4)).toBe(false);
    log.updateHighWatermark(6);
    expect(log.raiseStartOffset(4)).toBe(true);
    log.deleteOldSegments();
    const names = () => made.disk.list('/data/topic-0').filter((name) => name.includes('.log'));
    expect(names()).toContain('00000000000000000000.log.deleted');
    await made.clock.runUntil(made.clock.nowMs() + 60_001);
    expect(names().some((name) => name.endsWith('.deleted'))).toBe(false);
    expect(contents(log)[0]).toBe('4:value 4');
  });
});

describe('idempotent producers', () => {
  const from = (sequence: number, more: Simple = {}): Simple => ({
    producerId: 9,
    producerEpoch: 0,
    baseSequence: sequence,
    ...more,
  });

  it('recognise a retry of one of the last five batches and answer with its offsets', async () => {
    const log = await freshLog();
    for (let index = 0; index < 6; index++) append(log, ['x', 'y'], from(index * 2));
    expect(append(log, ['x', 'y'], from(2))).toMatchObject({
      error: 0,
      duplicate: true,
      firstOffset: 2,
      lastOffset: 3,
    });
    expect(append(log, ['x', 'y'], from(0)).error).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(log.endOffset).toBe(12);
  });

  it.each(['CreateTime', 'LogAppendTime'])(
    'answer a retry with the time of the first copy (%s)',
    async (type) => {
      const made = fixture({ 'message.timestamp.type': type });
      const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
      const appendMs = made.clock.wallMs();
      append(log, ['x'], { ...from(0), timestampMs: 777 });
      append(log, ['y'], { ...from(1), timestampMs: 888 });
      log.updateHighWatermark(2);
      log.raiseStartOffset(1);
      await made.clock.runUntil(made.clock.nowMs() + 1000);
      expect(append(log, ['x'], { ...from(0), timestampMs: 777 })).toMatchObject({
        duplicate: true,
        firstOffset: 0,
        logAppendTimeMs: type === 'CreateTime' ? 777 : appendMs,
        logStartOffset: 1,
      });
    },
  );

  it('refuse a gap and an older epoch; a new epoch begins with sequence 0', async () => {
    const log = await freshLog();
    append(log, ['x'], from(41));
    expect(log.endOffset).toBe(1);
    expect(append(log, ['x'], from(43)).error).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(append(log, ['x'], from(1, { producerEpoch: 1 })).error).toBe(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    );
    expect(append(log, ['x'], from(0, { producerEpoch: 1 })).error).toBe(ErrorCode.NONE);
    expect(append(log, ['x'], from(42)).error).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  it('wrap their sequence after 2147483647', async () => {
    const log = await freshLog();
    append(log, ['x', 'y', 'z'], from(2147483646));
    expect(append(log, ['x'], from(1)).error).toBe(ErrorCode.NONE);
    expect(append(log, ['x', 'y', 'z'], from(2147483646))).toMatchObject({ duplicate: true, firstOffset: 0 });
  });
});

describe('producer ids beyond 2^53', () => {
  it('are told apart, and survive in a snapshot', async () => {
    const made = fixture();
    const first = await made.start();
    const log = first.create('topic', 0, { isNew: true, topicId: null });
    const ids = [2n ** 60n, 2n ** 60n + 1n];
    for (const [index, producerId] of ids.entries()) {
      const answer = append(log, ['x'], {
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        timestampMs: made.clock.wallMs(),
      });
      expect(answer).toMatchObject({ error: 0, firstOffset: index, duplicate: false });
    }
    first.shutdown();
    const again = (await made.start()).log('topic', 0) as PartitionLog;
    for (const [index, producerId] of ids.entries()) {
      const retry = append(again, ['x'], {
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        timestampMs: made.clock.wallMs(),
      });
      expect(retry).toMatchObject({ error: 0, firstOffset: index, duplicate: true });
    }
  });
});

describe('transactions', () => {
  const data = (producerId: number, sequence: number): Simple => ({
    producerId,
    producerEpoch: 0,
    baseSequence: sequence,
    transactional: true,
  });

  function end(log: PartitionLog, producerId: number, committed: boolean, coordinatorEpoch = 1) {
    const marker = endTransactionMarker({
      committed,
      producerId,
      producerEpoch: 0,
      coordinatorEpoch,
      timestampMs: 1,
    });
    return log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator', apiVersion: 0 });
  }

  it('hold the last stable offset back until their marker is below the high watermark', async () => {
    const log = await freshLog();
    append(log, ['plain']);
    append(log, ['t1'], data(1, 0));
    append(log, ['t2'], data(2, 0));
    log.updateHighWatermark(3);
    expect(log.lastStableOffset).toBe(1);
    end(log, 1, true);
    expect(log.lastStableOffset).toBe(1);
    log.updateHighWatermark(4);
    expect(log.lastStableOffset).toBe(2);
    end(log, 2, false);
    log.updateHighWatermark(5);
    expect(log.lastStableOffset).toBe(5);
  });

  it('that abort are listed for readers of committed data', async () => {
    const log = await freshLog({ 'segment.bytes': '300' });
    append(log, ['a'], data(1, 0));
    append(log, ['b'], data(2, 0));
    end(log, 1, false);
    append(log, ['c'], data(3, 0));
    end(log, 2, true);
    end(log, 3, false);
    expect(log.abortedTransactions(0, log.endOffset)).toEqual([
      { producerId: 1, firstOffset: 0, lastOffset: 2, lastStableOffset: 1 },
      { producerId: 3, firstOffset: 3, lastOffset: 5, lastStableOffset: 6 },
    ]);
    expect(log.abortedTransactions(0, 2)).toHaveLength(1);
    expect(log.abortedTransactions(3, 6)).toHaveLength(1);
  });

  it('refuse a plain batch of the same producer and a marker of an older coordinator', async () => {
    const log = await freshLog();
    append(log, ['a'], data(1, 0));
    const plain = { producerId: 1, producerEpoch: 0, baseSequence: 1 };
    expect(append(log, ['b'], plain).error).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(end(log, 1, true, 5).error).toBe(ErrorCode.NONE);
    expect(end(log, 1, true, 4).error).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
  });

  it('begin only with a guard, where verification is asked for', async () => {
    const log = await freshLog();
    const attempt = (guard: ReturnType<PartitionLog['startVerification']>) =>
      log.appendAsLeader(batch(['a'], data(1, 0)), {
        leaderEpoch: 0,
        origin: 'client',
        apiVersion: 9,
        verification: { guard },
      }).error;
    expect(attempt(null)).toBe(ErrorCode.INVALID_TXN_STATE);
    const guard = log.startVerification(1, 0, 0);
    expect(attempt({ producerId: 1 })).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(attempt(guard)).toBe(ErrorCode.NONE);
    expect(log.startVerification(1, 0, 1)).toBeNull();
  });

  it('survive truncation: what was cut away never happened', async () => {
    const log = await freshLog();
    append(log, ['a'], data(1, 0));
    append(log, ['b'], data(1, 1));
    end(log, 1, false);
    log.truncateTo(2);
    log.updateHighWatermark(2);
    expect(log.lastStableOffset).toBe(0);
    expect(log.abortedTransactions(0, 9)).toEqual([]);
    expect(append(log, ['c'], data(1, 2)).error).toBe(ErrorCode.NONE);
    expect(append(log, ['b'], data(1, 1))).toMatchObject({ duplicate: true, firstOffset: 1 });
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
