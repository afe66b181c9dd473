/** What the leader's and the follower's end of a stream do to logs: shared reads, and truncation without epochs. */

import { describe, expect, it } from 'vitest';
import { ErrorCode, isError } from '../../../broker/errors.ts';
import {
  truncateAtHole,
  truncateToLeader,
  truncateWithoutEpochs,
} from '../../../broker/replication/stream/follower-log.ts';
import { type SharedRead, SharedReads } from '../../../broker/replication/stream/shared-reads.ts';
import { World } from '../../support/world.ts';
import { append, contents, fixture } from '../log/support.ts';

async function someLog() {
  const logs = await fixture().start();
  const log = logs.create('t', 0, { isNew: true, topicId: null });
  for (const value of ['a', 'b', 'c']) append(log, [value]);
  return log;
}

function given(read: ReturnType<SharedReads['read']>): SharedRead {
  if (read === null || isError(read)) throw new Error('nothing was read');
  return read;
}

describe('reads for several followers', () => {
  it('share one buffer as long as one of them holds it', async () => {
    const log = await someLog();
    const reads = new SharedReads();
    const first = given(reads.read('t-0', log, 0, 10_000));
    const second = given(reads.read('t-0', log, 0, 10_000));
    expect(second.bytes).toBe(first.bytes);
    expect(first.nextOffset).toBe(3);
    const copy = Buffer.from(first.bytes);
    first.release();
    // The buffer has not gone back to the pool: another read must not land in it.
    const other = given(reads.read('t-0', log, 1, 10_000));
    expect(second.bytes).toEqual(copy);
    other.release();
    second.release();
    expect(given(reads.read('t-0', log, 0, 10_000)).bytes).not.toBe(first.bytes);
  });

  it('are apart at other offsets, beyond the limit of one of them, and after the epoch has changed', async () => {
    const log = await someLog();
    const reads = new SharedReads();
    const first = given(reads.read('t-0', log, 0, 10_000));
    expect(given(reads.read('t-0', log, 0, first.bytes.length - 1)).bytes).not.toBe(first.bytes);
    const again = given(reads.read('t-0', log, 0, 10_000));
    reads.forget('t-0');
    expect(given(reads.read('t-0', log, 0, 10_000)).bytes).not.toBe(again.bytes);
    expect(reads.read('t-0', log, 3, 10_000)).toBeNull();
    expect(reads.read('t-0', log, 9, 10_000)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });
});

describe('a follower whose history ends as the leader’s', () => {
  it('is not said to have been truncated', async () => {
    const log = await someLog();
    const { journal } = new World().platform();
    const epoch = log.epochs.latestEpoch();
    expect(truncateToLeader(log, { epoch, endOffset: 5 }, journal)).toBe(false);
    expect(journal.since(0)).toEqual([]);
    expect(truncateToLeader(log, { epoch, endOffset: 2 }, journal)).toBe(true);
    expect(journal.since(0).map(({ event }) => event)).toMatchObject([{ from: 3, to: 2 }]);
  });
});

describe('a follower whose log has lost records in its middle', () => {
  it('goes back to where it is whole', async () => {
    const made = fixture({ 'segment.bytes': '150' });
    const before = await made.start();
    const made0 = before.create('t', 0, { isNew: true, topicId: null });
    for (let n = 0; n < 8; n++) append(made0, [`value ${n}`]);
    const [, , third] = made0.state.segments.all.map(({ baseOffset }) => baseOffset);
    before.abandon();
    made.disk.crash('all');
    made.disk.remove(`/data/t-0/${String(third).padStart(20, '0')}.log`);
    const log = (await made.start()).create('t', 0, { isNew: false, topicId: null });
    expect(log.endOffset).toBe(8);
    const { journal } = new World().platform();
    truncateAtHole(log, journal);
    expect(log.endOffset).toBe(third);
    truncateAtHole(log, journal);
    expect(journal.since(0).map(({ event }) => event)).toMatchObject([
      { from: 8, to: third, why: { rule: 'hole' } },
    ]);
  });
});

describe('a follower without epochs', () => {
  it('keeps only what is known to be committed', async () => {
    const log = await someLog();
    const { journal } = new World().platform();
    log.updateHighWatermark(2);
    truncateWithoutEpochs(log, journal);
    expect(contents(log)).toEqual(['0:a', '1:b', '2:c']);
    log.epochs.clear();
    truncateWithoutEpochs(log, journal);
    expect(contents(log)).toEqual(['0:a', '1:b']);
    expect(journal.since(0).map(({ event }) => event)).toMatchObject([
      { kind: 'log-truncated', topic: 't', partition: 0, from: 3, to: 2, why: { rule: 'no-epochs' } },
    ]);
  });
});
