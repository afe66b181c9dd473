/** A log that lost bytes in its middle: whoever reads it goes on with the segment after them. */
import { describe, expect, it } from 'vitest';
import { isError } from '../../../broker/errors.ts';
import type { LogManager } from '../../../broker/log/log-manager.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { append, contents, type Fixture, fixture } from './support.ts';

const BATCHES = 12;
const TOPIC = { 'segment.bytes': '300', 'index.interval.bytes': '60' };

interface Damaged {
  readonly made: Fixture;
  readonly logs: LogManager;
  readonly log: PartitionLog;
  /** The offset after the last whole batch of the damaged segment, and the base of the next one. */
  readonly hole: { readonly from: number; readonly to: number };
}

/** A log of batches of one record, whose second segment loses its last bytes while the broker is down. */
async function damaged(cutBytes: number, more: Readonly<Record<string, string>> = {}): Promise<Damaged> {
  const made = fixture({ ...TOPIC, ...more });
  const before = await made.start();
  const log = create(before);
  append(log, ['key=value 0'], { timestampMs: 1000 });
  const sizeBytes = log.sizeBytes;
  for (let index = 1; index < BATCHES; index++) {
    append(log, [`key=value ${index}`], { timestampMs: 1000 + index });
  }
  const [, second, third] = log.state.segments.all.map((segment) => segment.baseOffset);
  if (second === undefined || third === undefined) throw new Error('there are too few segments');
  before.shutdown();
  const path = `/data/topic-0/${String(second).padStart(20, '0')}.log`;
  const file = made.disk.open(path, 'write');
  const leftBytes = (made.disk.stat(path)?.sizeBytes ?? 0) - cutBytes;
  file.truncate(leftBytes);
  file.close();
  const logs = await made.start();
  const after = create(logs);
  after.updateHighWatermark(after.endOffset);
  return { made, logs, log: after, hole: { from: second + Math.floor(leftBytes / sizeBytes), to: third } };
}

function create(logs: LogManager): PartitionLog {
  return logs.create('topic', 0, { isNew: true, topicId: null });
}

const offsetsOf = (log: PartitionLog) => contents(log).map((each) => Number.parseInt(each, 10));
const left = ({ from, to }: Damaged['hole']) =>
  Array.from({ length: BATCHES }, (_, offset) => offset).filter((offset) => offset < from || offset >= to);

describe.each([1, 10, 30, 70, 75, 150])('a sealed segment that lost its last %i bytes', (cutBytes) => {
  it('is read up to there, and then the next one', async () => {
    const { log, hole } = await damaged(cutBytes);
    expect(hole.to).toBeGreaterThan(hole.from);
    expect(offsetsOf(log)).toEqual(left(hole));
    // Again, with the places known at which the first reader went on.
    expect(offsetsOf(log)).toEqual(left(hole));
  });

  it('leads who asks for what it lost to the next one', async () => {
    const { log, hole } = await damaged(cutBytes);
    offsetsOf(log);
    for (let offset = hole.from; offset < hole.to; offset++) {
      expect(contents(log, offset)[0]).toBe(`${hole.to}:value ${hole.to}`);
      expect(log.offsetForTimestamp(1000 + offset)?.offset).toBe(hole.to);
      expect(log.bytesBetween(offset, log.endOffset)).toBeGreaterThan(70);
    }
  });

  it('is followed by a replica, which has the same hole', async () => {
    const { log, hole } = await damaged(cutBytes);
    const copy = create(await fixture(TOPIC).start());
    while (copy.endOffset < log.endOffset) {
      const result = log.read({
        offset: copy.endOffset,
        maxBytes: 200,
        upToOffset: log.endOffset,
        minOneBatch: true,
      });
      if (isError(result) || result.bytes.length === 0) throw new Error(`stuck at ${copy.endOffset}`);
      copy.appendAsFollower(Buffer.from(result.bytes));
      result.release();
    }
    expect(offsetsOf(copy)).toEqual(left(hole));
  });

  it('costs nothing more when the broker is killed', async () => {
    const { made, logs, log, hole } = await damaged(cutBytes);
    append(log, ['key=after']);
    logs.abandon();
    made.disk.crash('all');
    const recovered = create(await made.start());
    expect(offsetsOf(recovered)).toEqual([...left(hole), BATCHES]);
  });

  it('can be cut back to what it lost, and goes on from there', async () => {
    const { log, hole } = await damaged(cutBytes);
    log.truncateTo(hole.from);
    append(log, ['key=after']);
    expect(contents(log).slice(-1)).toEqual([`${hole.from}:after`]);
    expect(offsetsOf(log)).toHaveLength(hole.from + 1);
  });

  it('is not compacted, and neither is what follows it', async () => {
    const { made, log, hole } = await damaged(cutBytes, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
    });
    await made.clock.runUntil(made.clock.nowMs() + 60_000);
    expect(offsetsOf(log)).toEqual(left(hole));
  });
});

describe('after a kill', () => {
  it.each(['all of it', 'its last batch'])(
    'a segment that lost %s costs those behind it nothing',
    async (lost) => {
      const made = fixture(TOPIC);
      const logs = await made.start();
      const before = create(logs);
      for (let index = 0; index < BATCHES; index++) append(before, [`key=value ${index}`]);
      const sizeBytes = before.sizeBytes / BATCHES;
      const [, from = 0, to = 0] = before.state.segments.all.map((segment) => segment.baseOffset);
      logs.abandon();
      made.disk.crash('all');
      const path = `/data/topic-0/${String(from).padStart(20, '0')}.log`;
      const hole = lost === 'all of it' ? from : to - 1;
      if (hole === from) made.disk.remove(path);
      else {
        const file = made.disk.open(path, 'write');
        file.truncate(Math.floor(sizeBytes) * (hole - from));
        file.close();
      }
      const log = create(await made.start());
      log.updateHighWatermark(log.endOffset);
      expect(log.holeOffset).toBe(hole);
      expect(offsetsOf(log)).toEqual(left({ from: hole, to }));
      log.truncateTo(hole);
      expect(log.holeOffset).toBeNull();
    },
  );
});
