/** Compaction: what stays, what goes, and that a log means the same after it. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, isError } from '../../../broker/errors.ts';
import { KeyMap } from '../../../broker/log/cleaner/key-map.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { batchIsControl, batchRecordCount, completeBatches } from '../../../broker/records/batch.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { append, type Fixture, fixture } from './support.ts';

const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': '300',
  'index.interval.bytes': '60',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '60000',
};

async function compactedLog(
  more: Readonly<Record<string, string>> = {},
): Promise<{ made: Fixture; log: PartitionLog }> {
  const made = fixture({ ...COMPACTED, ...more });
  const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
  return { made, log };
}

/** All data records as `offset:key=value`, and control batches as `offset:marker`. */
function records(log: PartitionLog, from = log.startOffset): string[] {
  const found: string[] = [];
  for (let offset = from; ; ) {
    const result = log.read({ offset, maxBytes: 500, upToOffset: log.endOffset, minOneBatch: true });
    if (isError(result)) throw new Error(`read at ${offset} failed with ${result}`);
    for (const at of completeBatches(result.bytes)) {
      for (const { offset: recordOffset, key, value } of readRecords(result.bytes, at)) {
        if (recordOffset < from) continue;
        const text = batchIsControl(result.bytes, at) ? 'marker' : `${key}=${value}`;
        found.push(`${recordOffset}:${text}`);
      }
    }
    result.release();
    if (result.nextOffset === offset) return found;
    offset = result.nextOffset;
  }
}

/** Seals what there is and lets the cleaner come round. */
async function compact(made: Fixture, log: PartitionLog, afterMs = 15_000): Promise<void> {
  log.updateHighWatermark(log.endOffset);
  log.roll();
  await made.clock.runUntil(made.clock.nowMs() + afterMs + 100);
}

function abort(log: PartitionLog, producerId: number, committed = false): void {
  log.appendAsLeader(
    endTransactionMarker({ committed, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 1 }),
    { leaderEpoch: 0, origin: 'coordinator', apiVersion: 0 },
  );
}

describe('compaction', () => {
  it('keeps the last record of every key, under its offset', async () => {
    const { made, log } = await compactedLog();
    for (const text of ['a=1', 'b=1', 'a=2', 'c=1', 'b=2', 'a=3']) append(log, [text]);
    await compact(made, log);
    expect(records(log)).toEqual(['3:c=1', '4:b=2', '5:a=3']);
    expect(log.endOffset).toBe(6);
    append(log, ['a=4', 'd=1']);
    await compact(made, log);
    expect(records(log)).toEqual(['3:c=1', '4:b=2', '6:a=4', '7:d=1']);
    expect(made.disk.readFile('/data/cleaner-offset-checkpoint').toString()).toBe('0\n1\ntopic 0 8\n');
  });

  it('keeps the records that are left of a batch together, with their times', async () => {
    const { made, log } = await compactedLog();
    append(log, ['a=1', 'b=1', 'c=1'], { timestampMs: 500, codec: 'gzip' });
    append(log, ['b=2'], { timestampMs: 600 });
    await compact(made, log);
    expect(records(log)).toEqual(['0:a=1', '2:c=1', '3:b=2']);
    expect(log.offsetForTimestamp(1)).toEqual({ offset: 0, timestampMs: 500, leaderEpoch: 0 });
    expect(log.offsetForTimestamp(501)).toMatchObject({ offset: 3 });
  });

  it('keeps times beyond 2^53, beside a delete horizon too', async () => {
    const { made, log } = await compactedLog();
    const base = 2n ** 60n;
    append(log, ['a=1', 'b=null', 'c=1'], { timestampMs: base + 1n });
    append(log, ['a=2'], { timestampMs: base + 3n });
    await compact(made, log);
    expect(records(log)).toEqual(['1:b=null', '2:c=1', '3:a=2']);
    expect(log.offsetForTimestamp(1)).toMatchObject({ offset: 1, timestampMs: base + 1n });
    expect(log.offsetForTimestamp(base + 1n)).toMatchObject({ offset: 1, timestampMs: base + 1n });
    expect(log.maxTimestamp()).toMatchObject({ offset: 3, timestampMs: base + 3n });
  });

  it('keeps a tombstone for delete.retention.ms, then drops it', async () => {
    const { made, log } = await compactedLog();
    for (const text of ['a=1', 'b=1', 'a=null']) append(log, [text]);
    await compact(made, log);
    expect(records(log)).toEqual(['1:b=1', '2:a=null']);
    append(log, ['c=1']);
    await compact(made, log);
    expect(records(log)).toEqual(['1:b=1', '2:a=null', '3:c=1']);
    await made.clock.runUntil(made.clock.nowMs() + 60_000);
    append(log, ['d=1']);
    await compact(made, log);
    expect(records(log)).toEqual(['1:b=1', '3:c=1', '4:d=1']);
  });

  it('touches neither the active segment nor what is beyond the last stable offset', async () => {
    const { made, log } = await compactedLog();
    append(log, ['a=1'], { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true });
    for (const text of ['a=2', 'a=3']) append(log, [text]);
    await compact(made, log);
    expect(records(log)).toHaveLength(3);
    abort(log, 1, true);
    append(log, ['a=4']);
    log.updateHighWatermark(log.endOffset);
    await made.clock.runUntil(made.clock.nowMs() + 15_100);
    expect(records(log)).not.toContain('1:a=2');
    expect(records(log)).toContain('4:a=4');
  });

  it('leaves records younger than min.compaction.lag.ms alone', async () => {
    const { made, log } = await compactedLog({ 'min.compaction.lag.ms': '100000' });
    for (const text of ['a=1', 'a=2']) append(log, [text], { timestampMs: made.clock.wallMs() });
    await compact(made, log);
    expect(records(log)).toHaveLength(2);
    await made.clock.runUntil(made.clock.nowMs() + 120_000);
    expect(records(log)).toEqual(['1:a=2']);
  });

  it('waits for the dirty ratio, but not beyond max.compaction.lag.ms', async () => {
    const { made, log } = await compactedLog({
      'min.cleanable.dirty.ratio': '1',
      'max.compaction.lag.ms': '50000',
    });
    for (const text of ['a=1', 'a=2']) append(log, [text], { timestampMs: made.clock.wallMs() });
    await compact(made, log);
    expect(records(log)).toHaveLength(2);
    await made.clock.runUntil(made.clock.nowMs() + 60_000);
    expect(records(log)).toEqual(['1:a=2']);
  });

  it('drops the records of aborted transactions at once, and markers after delete.retention.ms', async () => {
    const { made, log } = await compactedLog();
    const transactional = { producerEpoch: 0, baseSequence: 0, transactional: true };
    append(log, ['a=1']);
    append(log, ['a=9', 'x=9'], { ...transactional, producerId: 1 });
    append(log, ['b=1'], { ...transactional, producerId: 2 });
    abort(log, 1);
    abort(log, 2, true);
    append(log, ['b=2']);
    await compact(made, log);
    expect(records(log)).toEqual(['0:a=1', '4:marker', '5:marker', '6:b=2']);
    for (let round = 0; round < 3; round++) {
      await made.clock.runUntil(made.clock.nowMs() + 61_000);
      append(log, [`c=${round}`]);
      await compact(made, log);
    }
    expect(records(log).filter((text) => text.endsWith('marker'))).toEqual([]);
    expect(records(log)).toContain('0:a=1');
  });

  it('keeps the empty header of the last batch of a producer, so that its sequence goes on after a restart', async () => {
    const { made, log } = await compactedLog();
    const timestampMs = made.clock.wallMs();
    append(log, ['a=1'], { producerId: 7, producerEpoch: 0, baseSequence: 0, timestampMs });
    append(log, ['a=2'], { timestampMs });
    await compact(made, log);
    const result = log.read({ offset: 0, maxBytes: 1000, upToOffset: 2, minOneBatch: true });
    if (isError(result)) throw new Error('unreadable');
    expect([...completeBatches(result.bytes)].map((at) => batchRecordCount(result.bytes, at))).toEqual([
      0, 1,
    ]);
    const duplicate = { producerId: 7, producerEpoch: 0, baseSequence: 0, timestampMs };
    expect(append(log, ['a=1'], duplicate)).toMatchObject({ error: ErrorCode.NONE, duplicate: true });
  });

  it('removes old segments as well where the policy is compact,delete', async () => {
    const { made, log } = await compactedLog({ 'cleanup.policy': 'compact,delete', 'retention.ms': '30000' });
    append(log, ['a=1'], { timestampMs: made.clock.wallMs() });
    await compact(made, log);
    expect(records(log)).toEqual(['0:a=1']);
    await compact(made, log, 60_000);
    expect(log.startOffset).toBe(1);
  });

  it.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'never changes what the log says of any key (seed %d)',
    async (seed) => {
      const random = simulatedRandom(seed);
      const made = fixture({ ...COMPACTED, 'segment.bytes': String(200 + random.int(800)) });
      let logs = await made.start();
      let log = logs.create('topic', 0, { isNew: true, topicId: null });
      const latest = new Map<string, string>();
      const meaning = (): Map<string, string> => {
        const told = new Map<string, string>();
        let previous = -1;
        for (const text of records(log)) {
          const [offset, key = '', value = ''] = text.split(/[:=]/);
          expect(Number(offset)).toBeGreaterThan(previous);
          previous = Number(offset);
          if (value === 'null') told.delete(key);
          else told.set(key, value);
        }
        return told;
      };
      for (let step = 0; step < 40; step++) {
        const kind = random.int(8);
        if (kind === 6) await compact(made, log, random.int(3) * 40_000 + 15_000);
        else if (kind === 7) {
          const clean = random.int(2) === 0;
          if (clean) logs.shutdown();
          else logs.abandon();
          made.disk.crash('all');
          logs = await made.start();
          log = logs.create('topic', 0, { isNew: true, topicId: null });
        } else {
          const texts = Array.from({ length: 1 + random.int(3) }, () => {
            const [key, value] = [
              `k${random.int(12)}`,
              random.int(4) === 0 ? 'null' : `v${random.int(1000)}`,
            ];
            if (value === 'null') latest.delete(key);
            else latest.set(key, value);
            return `${key}=${value}`;
          });
          append(log, texts, { codec: random.int(2) === 0 ? 'none' : 'gzip' });
        }
        expect(meaning()).toEqual(latest);
      }
    },
  );
});

describe('a broker that dies during a compaction', () => {
  async function dieAt(operations: number): Promise<{ before: string[]; after: string[]; died: boolean }> {
    const { made, log } = await compactedLog();
    for (let index = 0; index < 30; index++) append(log, [`k${index % 4}=${index}`, `x${index}=1`]);
    const before = records(log);
    log.updateHighWatermark(log.endOffset);
    log.roll();
    await made.clock.runUntil(made.clock.nowMs());
    let left = operations;
    made.disk.fault = () => (left-- > 0 ? null : 'EIO');
    await made.clock.runUntil(made.clock.nowMs() + 15_100);
    const died = left < 0;
    made.disk.fault = null;
    made.disk.crash('all');
    const again = (await made.start()).log('topic', 0);
    if (again === undefined) throw new Error('the log is gone');
    return { before, after: records(again), died };
  }

  const valuesOf = (texts: readonly string[]) =>
    new Map(texts.map((text) => text.split(/[:=]/)).map(([, key, value]) => [key, value] as const));

  it('finds a whole log again, at whichever operation on the disk it died', async () => {
    let deaths = 0;
    for (let operations = 0; operations < 400; operations += 7) {
      const { before, after, died } = await dieAt(operations);
      expect(valuesOf(after), `after ${operations} operations`).toEqual(valuesOf(before));
      expect(new Set(after).size).toBe(after.length);
      expect(after.every((text) => before.includes(text))).toBe(true);
      if (!died) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(10);
  });
});

describe('the key map', () => {
  it('holds as many keys as fit, and the last offset of each', () => {
    const map = new KeyMap({ maxBytes: 24 * 10_000, loadFactor: 0.9 });
    for (let index = 0; index < 9000; index++) map.put(Buffer.from(`key ${index}`), index);
    expect(map.isFull).toBe(true);
    for (let index = 0; index < 9000; index++) expect(map.get(Buffer.from(`key ${index}`))).toBe(index);
    map.put(Buffer.from('key 5'), 77_777);
    expect(map.get(Buffer.from('key 5'))).toBe(77_777);
    expect(map.get(Buffer.from('none'))).toBe(-1);
    expect(map.size).toBe(9000);
  });
});
