/** Producers in a log: sequence numbers, very large ids, transactions. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { append, batch, fixture, freshLog, type Simple } from './support.ts';

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
