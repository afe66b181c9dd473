/** What of a log may be compacted, and when it is worth it: Kafka's LogCleanerManager by rule. */
import { describe, expect, it } from 'vitest';
import { cleanableRange } from '../../../broker/log/cleaner/cleanable.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { append, type Fixture, fixture } from './support.ts';

const COMPACTED = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' };

/** A log of sealed segments with three records each, the last of which is at `3 * sealed - 1`, and an empty active one. */
async function logOf(
  sealed: number,
  topic: Readonly<Record<string, string>> = {},
): Promise<{ made: Fixture; log: PartitionLog }> {
  const made = fixture({ ...COMPACTED, ...topic }, { logCleanerEnable: false });
  const log = (await made.start()).create('t', 0, { isNew: true, topicId: null });
  for (let index = 0; index < sealed; index++) {
    for (const key of ['a', 'b', 'c']) append(log, [`${key}=${index}`], { timestampMs: made.clock.wallMs() });
    log.updateHighWatermark(log.endOffset);
    log.roll();
  }
  return { made, log };
}

const rangeOf = (log: PartitionLog, checkpointed: number | null = null) =>
  cleanableRange(log, checkpointed)?.range ?? null;

describe('what may be compacted', () => {
  it('is everything but the active segment', async () => {
    const { log } = await logOf(2);
    append(log, ['a=9']);
    log.updateHighWatermark(log.endOffset);
    expect(rangeOf(log)).toEqual({ firstDirtyOffset: 0, firstUncleanableOffset: 6 });
  });

  it('is nothing in a log of one segment, and in one that is clean up to its active segment', async () => {
    const { log } = await logOf(0);
    append(log, ['a=1']);
    log.updateHighWatermark(log.endOffset);
    expect(rangeOf(log)).toBeNull();
    const { log: clean } = await logOf(2);
    expect(rangeOf(clean, 6)).toBeNull();
  });

  it('begins where the last compaction ended', async () => {
    const { log } = await logOf(3);
    expect(rangeOf(log, 3)).toEqual({ firstDirtyOffset: 3, firstUncleanableOffset: 9 });
  });

  it('begins at the start of the log when the checkpoint lies outside of it', async () => {
    const { log } = await logOf(3);
    expect(rangeOf(log, 99)?.firstDirtyOffset).toBe(0);
    log.raiseStartOffset(4);
    expect(rangeOf(log, 1)?.firstDirtyOffset).toBe(4);
  });

  it('ends before what is not committed, at a whole segment', async () => {
    const made = fixture(COMPACTED, { logCleanerEnable: false });
    const log = (await made.start()).create('t', 0, { isNew: true, topicId: null });
    for (let segment = 0; segment < 3; segment++) {
      for (const key of ['a', 'b', 'c']) append(log, [`${key}=${segment}`]);
      log.roll();
    }
    log.updateHighWatermark(7);
    expect(rangeOf(log)).toEqual({ firstDirtyOffset: 0, firstUncleanableOffset: 6 });
    log.updateHighWatermark(2);
    expect(rangeOf(log)).toBeNull();
  });

  it('ends before an open transaction', async () => {
    const made = fixture(COMPACTED, { logCleanerEnable: false });
    const log = (await made.start()).create('t', 0, { isNew: true, topicId: null });
    append(log, ['a=1']);
    log.roll();
    append(log, ['b=1'], { producerId: 4, producerEpoch: 0, baseSequence: 0, transactional: true });
    log.roll();
    log.updateHighWatermark(log.endOffset);
    expect(rangeOf(log)).toEqual({ firstDirtyOffset: 0, firstUncleanableOffset: 1 });
  });

  it('ends before records that are younger than min.compaction.lag.ms', async () => {
    const { made, log } = await logOf(1, { 'min.compaction.lag.ms': '1000' });
    await made.clock.runFor(900);
    append(log, ['a=5'], { timestampMs: made.clock.wallMs() });
    log.updateHighWatermark(log.endOffset);
    log.roll();
    expect(rangeOf(log)).toBeNull();
    await made.clock.runFor(101);
    expect(rangeOf(log)).toEqual({ firstDirtyOffset: 0, firstUncleanableOffset: 3 });
    await made.clock.runFor(900);
    expect(rangeOf(log)).toEqual({ firstDirtyOffset: 0, firstUncleanableOffset: 4 });
  });
});

describe('a compaction is worth it', () => {
  it('when more than min.cleanable.dirty.ratio of the bytes are dirty, not counting the active segment', async () => {
    const { log } = await logOf(4, { 'min.cleanable.dirty.ratio': '0.5' });
    append(log, ['x=much more than all the others']);
    log.updateHighWatermark(log.endOffset);
    expect(cleanableRange(log, 3)).toMatchObject({ ratio: 0.75 });
    expect(cleanableRange(log, 6)).toBeNull();
  });

  it('when a dirty record is older than max.compaction.lag.ms, however few they are', async () => {
    const { made, log } = await logOf(4, {
      'min.cleanable.dirty.ratio': '1',
      'max.compaction.lag.ms': '5000',
    });
    await made.clock.runFor(5000);
    expect(cleanableRange(log, 9)).toBeNull();
    await made.clock.runFor(1);
    expect(cleanableRange(log, 9)).toMatchObject({ ratio: 0.25 });
  });
});
