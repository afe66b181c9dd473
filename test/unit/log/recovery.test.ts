/** What comes back after a stop, clean or not: nothing complete is lost, nothing torn is served. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { LogManager } from '../../../broker/log/log-manager.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { append, contents, type Fixture, fixture } from './support.ts';

const SMALL = { 'segment.bytes': '400', 'index.interval.bytes': '50' };
const FOLDER = '/data/topic-0';
const TOPIC_ID = 'pAMKOAZDR9y7ZbfpVVkQ8w';

function theLog(logs: LogManager): PartitionLog {
  return logs.create('topic', 0, { isNew: true, topicId: null });
}

function files(made: Fixture, suffix: string): string[] {
  return made.disk.list(FOLDER).filter((name) => name.endsWith(suffix));
}

function overwrite(made: Fixture, name: string, change: (bytes: Buffer) => Buffer): void {
  const path = `${FOLDER}/${name}`;
  const bytes = change(made.disk.readFile(path));
  made.disk.remove(path);
  const file = made.disk.open(path, 'write');
  file.write(bytes, 0, bytes.length, 0);
  file.close();
}

/** A stopped broker with 20 records in several segments. */
async function stopped(how: 'clean' | 'killed'): Promise<{ made: Fixture; before: string[] }> {
  const made = fixture(SMALL);
  const logs = await made.start();
  const log = theLog(logs);
  for (let index = 0; index < 20; index++) {
    append(log, [`value ${index}`], { timestampMs: 1000 + index, epoch: Math.floor(index / 5) });
  }
  const before = contents(log);
  if (how === 'clean') logs.shutdown();
  else {
    logs.abandon();
    made.disk.crash('all');
  }
  return { made, before };
}

async function restart(made: Fixture): Promise<PartitionLog> {
  const log = (await made.start()).log('topic', 0);
  if (log === undefined) throw new Error('the log is gone');
  return log;
}

describe('after a clean stop', () => {
  it('everything is there, the marker is gone, and nothing needed to be recovered', async () => {
    const { made, before } = await stopped('clean');
    expect(made.disk.readFile('/data/.kafka_cleanshutdown').toString()).toBe(
      '{"version":0,"brokerEpoch":-1}',
    );
    const log = await restart(made);
    expect(contents(log)).toEqual(before);
    expect(log.epochs.latestEpoch()).toBe(3);
    expect(log.recoveryPoint).toBe(20);
    expect(log.maxTimestamp()).toMatchObject({ offset: 19 });
    expect(made.disk.stat('/data/.kafka_cleanshutdown')).toBeNull();
  });

  it.each(['.index', '.timeindex'])('a missing %s is made again as it was', async (suffix) => {
    const { made, before } = await stopped('clean');
    const contentOf = () =>
      files(made, suffix).map((name) => made.disk.readFile(`${FOLDER}/${name}`).toString('hex'));
    const indexes = contentOf();
    for (const name of files(made, suffix)) made.disk.remove(`${FOLDER}/${name}`);
    const log = await restart(made);
    expect(contents(log)).toEqual(before);
    expect(contentOf()).toEqual(indexes);
  });

  it.each(['.index', '.timeindex'])('a %s that ends in garbage is made again', async (suffix) => {
    const { made, before } = await stopped('clean');
    for (const name of files(made, suffix))
      overwrite(made, name, (bytes) => Buffer.concat([bytes, Buffer.alloc(24)]));
    const log = await restart(made);
    expect(contents(log)).toEqual(before);
    expect(log.offsetForTimestamp(1007)).toMatchObject({ offset: 7 });
  });

  it('an index that lies about positions costs time, not data', async () => {
    const { made, before } = await stopped('clean');
    for (const name of files(made, '.index')) {
      overwrite(made, name, (bytes) => {
        for (let at = 0; at < bytes.length; at += 8)
          bytes.writeInt32BE(bytes.readInt32BE(at + 4) + 13, at + 4);
        return bytes;
      });
    }
    expect(contents(await restart(made))).toEqual(before);
  });

  it('an index without its log file is removed', async () => {
    const { made } = await stopped('clean');
    overwriteNew(made, '00000000000000009999.index');
    await restart(made);
    expect(made.disk.stat(`${FOLDER}/00000000000000009999.index`)).toBeNull();
  });

  it('an epoch checkpoint that can’t be read is made again from the batches', async () => {
    const { made } = await stopped('clean');
    overwrite(made, 'leader-epoch-checkpoint', () => Buffer.from('nonsense'));
    expect((await restart(made)).epochs.entries.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
  });

  function overwriteNew(made: Fixture, name: string): void {
    made.disk.open(`${FOLDER}/${name}`, 'write').close();
  }
});

describe('after a kill', () => {
  it('nothing is lost, though no index and no checkpoint was written', async () => {
    const { made, before } = await stopped('killed');
    const log = await restart(made);
    expect(contents(log)).toEqual(before);
    expect(log.recoveryPoint).toBeLessThan(20);
    expect(log.offsetForTimestamp(1013)).toMatchObject({ offset: 13, leaderEpoch: 2 });
    expect(log.epochs.entries.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
  });

  it('the topic id of a log with records is known, that of an empty one may not be', async () => {
    const made = fixture(SMALL);
    const logs = await made.start();
    const newLog = (partition: number) => logs.create('topic', partition, { isNew: true, topicId: TOPIC_ID });
    append(newLog(0), ['value']);
    expect(newLog(1).topicId).toBe(TOPIC_ID);
    logs.abandon();
    made.disk.crash('all');
    const again = await made.start();
    expect(again.log('topic', 0)?.topicId).toBe(TOPIC_ID);
    expect(again.log('topic', 1)?.topicId).toBeNull();
    again.log('topic', 1)?.assignTopicId(TOPIC_ID);
    expect(again.log('topic', 1)?.topicId).toBe(TOPIC_ID);
    again.shutdown();
    expect((await made.start()).log('topic', 1)?.topicId).toBe(TOPIC_ID);
  });

  it.each([1, 12, 30, 61, 70])(
    'a batch of which %d bytes were written is removed, and nothing before it',
    async (left) => {
      const { made, before } = await stopped('killed');
      const last = files(made, '.log').at(-1) ?? '';
      overwrite(made, last, (bytes) => Buffer.concat([bytes, bytes.subarray(0, left)]));
      const log = await restart(made);
      expect(contents(log)).toEqual(before);
      append(log, ['after'], { epoch: 4 });
      expect(contents(log).at(-1)).toBe(`${log.endOffset - 1}:after`);
    },
  );

  it('a flipped bit in the middle ends the log there; later segments go', async () => {
    const { made, before } = await stopped('killed');
    const second = files(made, '.log')[1] ?? '';
    overwrite(made, second, (bytes) => {
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return bytes;
    });
    const log = await restart(made);
    expect(log.endOffset).toBeLessThan(20);
    expect(log.endOffset).toBeGreaterThan(Number(second.slice(0, 20)));
    expect(contents(log)).toEqual(before.slice(0, log.endOffset));
    expect(log.epochs.entries.every(({ startOffset }) => startOffset < log.endOffset)).toBe(true);
  });

  it('files left by a deletion or a compaction that was not finished are removed', async () => {
    const { made, before } = await stopped('killed');
    const first = files(made, '.log')[0] ?? '';
    for (const suffix of ['.deleted', '.cleaned', '.swap']) {
      const file = made.disk.open(`${FOLDER}/${first}${suffix}`, 'write');
      file.write(Buffer.from('rest'), 0, 4, 0);
      file.close();
    }
    const log = await restart(made);
    expect(contents(log)).toEqual(before);
    expect(made.disk.list(FOLDER).some((name) => /\.(deleted|cleaned|swap)$/.test(name))).toBe(false);
  });

  it('a finished compaction output takes the place of its sources', async () => {
    const { made, before } = await stopped('killed');
    const [first = '', second = ''] = files(made, '.log');
    const merged = Buffer.concat([first, second].map((name) => made.disk.readFile(`${FOLDER}/${name}`)));
    const swap = made.disk.open(`${FOLDER}/${first}.swap`, 'write');
    swap.write(merged, 0, merged.length, 0);
    swap.close();
    const log = await restart(made);
    expect(contents(log)).toEqual(before);
    expect(files(made, '.log')).not.toContain(second);
  });

  it('the rest of a preallocated segment is cut off, and so it is by a clean stop', async () => {
    const made = fixture({ 'segment.bytes': '1000', preallocate: 'true' });
    const sizeOf = () => made.disk.stat(`${FOLDER}/00000000000000000000.log`)?.sizeBytes;
    const logs = await made.start();
    const log = theLog(logs);
    append(log, ['a']);
    expect(sizeOf()).toBe(1000);
    logs.abandon();
    made.disk.crash('all');
    const second = await made.start();
    expect(contents(theLog(second))).toEqual(['0:a']);
    expect(sizeOf()).toBe(log.sizeBytes);
    append(theLog(second), ['b']);
    second.shutdown();
    const third = await restart(made);
    expect(contents(third)).toEqual(['0:a', '1:b']);
  });

  it('the start of the log is where the checkpoint says, even past the end', async () => {
    const { made } = await stopped('killed');
    made.disk.writeFileAtomically('/data/log-start-offset-checkpoint', '0\n1\ntopic 0 50\n');
    expect(await restart(made)).toMatchObject({ startOffset: 50, endOffset: 50 });
  });

  it('a checkpoint that can’t be read means that everything is recovered', async () => {
    const { made, before } = await stopped('killed');
    made.disk.writeFileAtomically('/data/recovery-point-offset-checkpoint', 'x');
    expect(contents(await restart(made))).toEqual(before);
  });
});

describe('producers and transactions', () => {
  it.each(['clean', 'killed'] as const)('are remembered over a stop (%s)', async (how) => {
    const made = fixture(SMALL);
    const logs = await made.start();
    const log = theLog(logs);
    const nowMs = made.clock.wallMs();
    const data = (producerId: number, baseSequence: number) => ({
      producerId,
      producerEpoch: 2,
      baseSequence,
      transactional: true,
      timestampMs: nowMs,
    });
    for (let index = 0; index < 6; index++) append(log, [`a${index}`], data(1, index));
    log.appendAsLeader(
      endTransactionMarker({
        committed: false,
        producerId: 1,
        producerEpoch: 2,
        coordinatorEpoch: 3,
        timestampMs: nowMs,
      }),
      { leaderEpoch: 0, origin: 'coordinator', apiVersion: 0 },
    );
    append(log, ['open'], data(2, 0));
    const aborted = log.abortedTransactions(0, 99);
    if (how === 'clean') logs.shutdown();
    else logs.abandon();
    made.disk.crash('all');
    const again = await restart(made);
    again.updateHighWatermark(again.endOffset);
    expect(again.lastStableOffset).toBe(7);
    expect(again.abortedTransactions(0, 99)).toEqual(aborted);
    expect(append(again, ['open'], data(2, 0))).toMatchObject({ duplicate: true, firstOffset: 7 });
    expect(append(again, ['more'], data(2, 3)).error).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(append(again, ['a6'], data(1, 6)).error).toBe(ErrorCode.NONE);
  });

  it('come from the records when the newest snapshot is damaged', async () => {
    const made = fixture(SMALL);
    const logs = await made.start();
    const log = theLog(logs);
    for (let index = 0; index < 12; index++) {
      append(log, [`a${index}`], {
        producerId: 1,
        producerEpoch: 0,
        baseSequence: index,
        timestampMs: made.clock.wallMs(),
      });
    }
    logs.shutdown();
    const newest = files(made, '.snapshot').at(-1) ?? '';
    overwrite(made, newest, (bytes) => {
      bytes[15] = (bytes[15] ?? 0) ^ 1;
      return bytes;
    });
    expect(
      append(await restart(made), ['a11'], { producerId: 1, producerEpoch: 0, baseSequence: 11 }),
    ).toMatchObject({
      duplicate: true,
    });
  });

  it('are forgotten after producer.id.expiration.ms, unless a transaction is open', async () => {
    const made = fixture();
    const log = theLog(await made.start());
    const timestampMs = made.clock.wallMs();
    append(log, ['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0, timestampMs });
    append(log, ['b'], {
      producerId: 2,
      producerEpoch: 0,
      baseSequence: 0,
      timestampMs,
      transactional: true,
    });
    await made.clock.runUntil(made.clock.nowMs() + 86_400_000 + 700_000);
    expect(log.producers().map(({ producerId }) => producerId)).toEqual([2]);
  });
});

describe('whatever happens', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))(
    'the log is what the model says (seed %d)',
    async (seed) => {
      const random = simulatedRandom(seed);
      const made = fixture({ ...SMALL, 'segment.bytes': String(200 + random.int(600)) });
      let logs = await made.start();
      let log = theLog(logs);
      let model: string[] = [];
      /** Below this, even a power failure may take nothing. */
      let durable = 0;
      let epoch = 0;
      const check = (): void => {
        expect(contents(log)).toEqual(model.slice(log.startOffset));
        expect(log.endOffset).toBe(model.length);
        const some = random.int(model.length + 1);
        if (some >= log.startOffset) expect(contents(log, some)).toEqual(model.slice(some));
      };
      const steps: (() => void | Promise<void>)[] = [
        () => {
          const values = Array.from({ length: 1 + random.int(4) }, () => `v${random.int(1_000_000)}`);
          append(log, values, { epoch, timestampMs: random.int(10_000) });
          for (const value of values) model.push(`${model.length}:${value}`);
        },
        () => {
          log.flush();
          durable = model.length;
        },
        async () => {
          const at = log.startOffset + random.int(log.endOffset - log.startOffset + 1);
          log.truncateTo(at);
          // A batch is cut whole; the records of it below the offset go, and the offset stays the end.
          const left = contents(log);
          model = model.slice(0, at);
          if (left.length < model.length - log.startOffset) {
            log.truncateTo(log.startOffset + left.length);
            model = model.slice(0, log.startOffset + left.length);
          }
          durable = Math.min(durable, model.length);
          epoch += 1;
          await made.clock.runUntil(made.clock.nowMs());
        },
        async () => {
          logs.shutdown();
          made.disk.crash('all');
          logs = await made.start();
          log = theLog(logs);
          durable = model.length;
        },
        async () => {
          logs.abandon();
          made.disk.crash('all');
          logs = await made.start();
          log = theLog(logs);
        },
        async () => {
          logs.abandon();
          made.disk.crash(random.int(2) === 0 ? 'synced' : random);
          logs = await made.start();
          log = theLog(logs);
          expect(log.endOffset).toBeGreaterThanOrEqual(durable);
          expect(log.endOffset).toBeLessThanOrEqual(model.length);
          if (log.holeOffset !== null) {
            expect(log.holeOffset).toBeGreaterThanOrEqual(durable);
            // As a follower does.
            log.truncateTo(log.holeOffset);
          }
          model = model.slice(0, log.endOffset);
          durable = Math.min(durable, log.endOffset);
        },
        () => {
          log.updateHighWatermark(log.endOffset);
          log.raiseStartOffset(log.startOffset + random.int(3));
          log.deleteOldSegments();
        },
      ];
      for (let step = 0; step < 60; step++) {
        const kind = random.int(12);
        await (steps[kind] ?? steps[0])?.();
        check();
      }
    },
  );
});
