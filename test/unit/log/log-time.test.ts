/** Time in a log: lookups by timestamp, when segments roll, and what retention deletes. */
import { describe, expect, it } from 'vitest';
import { type Int64, int64Sum } from '../../../broker/int64.ts';
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP } from '../../../broker/log/lookup.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { append, contents, fixture, follow, freshLog } from './support.ts';

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
