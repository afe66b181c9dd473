/** Compaction in slices: what a slice may take, and that batches done apart come to the same bytes. */
import { afterAll, describe, expect, it } from 'vitest';
import { FILTER_JOB, KEYS_JOB } from '../../../broker/log/cleaner/batch-jobs.ts';
import { compactLog } from '../../../broker/log/cleaner/compaction.ts';
import { CompactionGivenUp } from '../../../broker/log/cleaner/guard.ts';
import { KeyMap } from '../../../broker/log/cleaner/key-map.ts';
import { SLICE_LIMITS, type SliceLimits } from '../../../broker/log/cleaner/slices.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { WorkerPool } from '../../../broker/platform/worker-pool.ts';
import { type Job, JobFailed, type Workers, workersInPlace } from '../../../broker/platform/workers.ts';
import { compress } from '../../../broker/records/compression.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { DECOMPRESS_JOB } from '../../../broker/records/decompress-job.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { append, batch, type Fixture, fixture } from './support.ts';

/** Every batch is too much for a slice. */
const NOTHING: SliceLimits = { bytes: 1, records: 1 };
const PRODUCER = { producerId: 7, producerEpoch: 0 };
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

interface Made {
  readonly made: Fixture;
  readonly log: PartitionLog;
}

async function log(config: Readonly<Record<string, string>> = {}): Promise<Made> {
  const made = fixture({ 'cleanup.policy': 'compact', 'delete.retention.ms': '60000', ...config });
  // Compacted by the test, not by the clock.
  const logs = await made.start();
  return { made, log: logs.create('topic', 0, { isNew: true, topicId: null }) };
}

interface Told {
  readonly jobs: string[];
  pauses: number;
}

async function compact(
  { made, log }: Made,
  limits: SliceLimits,
  workers?: Workers,
  firstDirtyOffset = 0,
): Promise<Told> {
  log.updateHighWatermark(log.endOffset);
  log.roll();
  const told: Told = { jobs: [], pauses: 0 };
  const inPlace = workersInPlace(made.clock);
  const counted: Workers = {
    ...inPlace,
    run<Input, Output>(job: Job<Input, Output>, input: () => Input, from: string): Promise<Output> {
      told.jobs.push(job.name);
      return (workers ?? inPlace).run(job, input, from);
    },
  };
  const done = compactLog(
    log.state,
    { firstDirtyOffset, firstUncleanableOffset: log.endOffset },
    {
      keys: new KeyMap({ maxBytes: 24 * 100_000, loadFactor: 0.9 }),
      pause: () => {
        told.pauses += 1;
        return new Promise((resolve) => made.clock.soon(resolve));
      },
      running: () => true,
      workers: counted,
      limits,
    },
  );
  let isDone = false;
  const watched = done.finally(() => {
    isDone = true;
  });
  watched.catch(() => {});
  while (!isDone) await made.clock.runUntil(made.clock.nowMs());
  await watched;
  return told;
}

/** All kinds of batches: codecs, producers, transactions that end either way, tombstones, records without a key. */
async function mixed(seed: number): Promise<Made> {
  const random = simulatedRandom(seed);
  const made = await log({ 'segment.bytes': '2000' });
  for (let step = 0; step < 60; step++) {
    const texts = Array.from({ length: 1 + random.int(20) }, () => {
      const value = random.int(5) === 0 ? 'null' : `v${random.int(1000)}`;
      return `k${random.int(40)}=${value}`;
    });
    const codec = CODECS[random.int(CODECS.length)] ?? 'none';
    const transactional = random.int(4) === 0;
    const producer = transactional ? { ...PRODUCER, producerId: 100 + step, baseSequence: 0 } : {};
    append(made.log, texts, { codec, transactional, ...producer });
    if (!transactional) continue;
    const committed = random.int(2) === 0;
    const marker = { committed, producerId: 100 + step, producerEpoch: 0, coordinatorEpoch: 0 };
    made.log.appendAsLeader(endTransactionMarker({ ...marker, timestampMs: 1 }), {
      leaderEpoch: 0,
      origin: 'coordinator',
      apiVersion: 0,
    });
  }
  return made;
}

/** Every file of the log by its name. */
function files({ made }: Made): ReadonlyMap<string, string> {
  const directory = '/data/topic-0';
  return new Map(
    made.disk
      .list(directory)
      .map((name) => [name, made.disk.readFile(`${directory}/${name}`).toString('hex')]),
  );
}

describe('compaction in slices', () => {
  it.each([1, 2, 3, 4, 5, 6])('makes the same of batches that are done apart (seed %d)', async (seed) => {
    const whole = await mixed(seed);
    const apart = await mixed(seed);
    expect((await compact(whole, SLICE_LIMITS)).jobs).toEqual([]);
    const { jobs } = await compact(apart, NOTHING);
    expect(new Set(jobs)).toEqual(new Set(['note the keys of a batch', 'compact a batch']));
    expect(files(apart)).toEqual(files(whole));
    // Again, with tombstones that have their time behind them and markers of nothing.
    for (const each of [whole, apart]) {
      await each.made.clock.runUntil(each.made.clock.nowMs() + 120_000);
      append(each.log, ['k1=last']);
    }
    await compact(whole, SLICE_LIMITS);
    await compact(apart, NOTHING);
    expect(files(apart)).toEqual(files(whole));
  });

  it('takes no more than its share of small records in one go', async () => {
    const made = await log();
    for (let at = 0; at < 12; at++)
      append(
        made.log,
        Array.from({ length: 1000 }, (_, key) => `${key}=`),
      );
    const { pauses, jobs } = await compact(made, SLICE_LIMITS);
    // 12,000 records at 4,000 in a slice, for the keys and for the rewriting.
    expect(pauses).toBe(6);
    expect(jobs).toEqual([]);
  });

  it('hands a batch that is large once it is decompressed, or has many records, to another thread', async () => {
    const made = await log();
    append(
      made.log,
      Array.from({ length: 4001 }, (_, key) => `${key}=`),
    );
    append(made.log, [`a=${'x'.repeat(2_000_000)}`], { codec: 'zstd' });
    append(made.log, ['a=1']);
    const { jobs, pauses } = await compact(made, SLICE_LIMITS);
    expect(jobs).toHaveLength(6);
    // Each batch ends its slice; the 4,001 keys are looked up in two turns.
    expect(pauses).toBe(8);
    expect(made.log.sizeBytes).toBeLessThan(100_000);
  });

  it('does itself what a thread has died of', async () => {
    const whole = await mixed(1);
    const apart = await mixed(1);
    await compact(whole, SLICE_LIMITS);
    const dying: Workers = {
      ...workersInPlace(apart.made.clock),
      run: () => Promise.reject(new JobFailed('The thread that ran it has died')),
    };
    await compact(apart, NOTHING, dying);
    expect(files(apart)).toEqual(files(whole));
  });

  it.each([
    ['a dirty', 0],
    ['a clean', 4],
  ])('leaves a segment alone that holds a damaged batch in %s part', async (_which, firstDirtyOffset) => {
    const made = await log();
    for (const text of ['a=1', 'b=1', 'a=2', 'b=2', 'a=3']) append(made.log, [text]);
    const path = '/data/topic-0/00000000000000000000.log';
    made.made.disk.rot(path, made.made.disk.readFile(path).indexOf('b') + 2, 0);
    made.log.roll();
    const before = made.made.disk.readFile(path);
    await expect(compact(made, SLICE_LIMITS, undefined, firstDirtyOffset)).rejects.toThrow(
      'offset 1 of topic-0',
    );
    expect(made.made.disk.readFile(path)).toEqual(before);
    expect([...files(made).keys()].filter((name) => name.endsWith('.cleaned'))).toEqual([]);
  });

  it('gives up when the log was truncated while a batch was away', async () => {
    const made = await mixed(2);
    const inPlace = workersInPlace(made.made.clock);
    const truncating: Workers = {
      ...inPlace,
      run(job, input, from) {
        made.log.truncateTo(5);
        return inPlace.run(job, input, from);
      },
    };
    await expect(compact(made, NOTHING, truncating)).rejects.toThrow(CompactionGivenUp);
    expect([...files(made).keys()].filter((name) => name.endsWith('.cleaned'))).toEqual([]);
  });
});

describe('jobs for batches', () => {
  const pool = new WorkerPool({ clock: systemClock, diagnostics: silent, threads: 1, idleMs: 1000 });
  const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
  afterAll(() => pool.close());

  it.each(CODECS)('come to the same in another thread (%s)', async (codec) => {
    const texts = Array.from({ length: 50 }, (_, at) => `k${at % 20}=${at % 7 === 0 ? 'null' : 'v'}`);
    const bytes = batch(texts, { codec });
    const input = () => ({ batch: new Uint8Array(bytes), limitBytes: 1_000_000 });
    const { entries } = await pool.run(KEYS_JOB, input, 'test');
    expect(hex(entries)).toBe(hex(KEYS_JOB.run(input()).entries));
    expect(entries).toHaveLength(50 * 24);
    const fate = { mayDiscard: false, keepsHeader: false };
    const rules = { fate, nowMs: 1000, deleteRetentionMs: 10, latestOffset: 49 };
    for (const replaced of [[], [0, 1, 2, 30], Array.from({ length: 50 }, (_, offset) => offset)]) {
      const filtered = () => ({ ...input(), ...rules, replaced: new Float64Array(replaced) });
      const { left } = await pool.run(FILTER_JOB, filtered, 'test');
      expect(hex(left)).toBe(hex(FILTER_JOB.run(filtered()).left));
      expect(left === null).toBe(replaced.length === 50);
    }
    const data = new Uint8Array(compress('zstd', bytes));
    const compressed = () => ({ codec: 'zstd' as const, data: new Uint8Array(data) });
    const { decompressed } = await pool.run(DECOMPRESS_JOB, compressed, 'test');
    expect(Buffer.from(decompressed)).toEqual(bytes);
  });

  it('say what is wrong with a batch', async () => {
    const bytes = batch(['a=1'], { codec: 'zstd' });
    bytes.fill(7, 61);
    const input = () => ({ batch: new Uint8Array(bytes), limitBytes: 1_000_000 });
    expect((await pool.run(KEYS_JOB, input, 'test')).problem).not.toBeNull();
    const data = () => ({ codec: 'zstd' as const, data: new Uint8Array(bytes) });
    expect((await pool.run(DECOMPRESS_JOB, data, 'test')).problem).not.toBeNull();
  });
});

describe('the key map while it grows', () => {
  it('knows what has moved, what has not, and what was put again meanwhile', () => {
    const random = simulatedRandom(3);
    const map = new KeyMap({ maxBytes: 24 * 200_000, loadFactor: 0.5 });
    const known = new Map<string, number>();
    for (let offset = 0; offset < 40_000; offset++) {
      const key = `key ${random.int(20_000)}`;
      map.put(Buffer.from(key), offset);
      known.set(key, offset);
      const other = `key ${random.int(20_000)}`;
      expect(map.get(Buffer.from(other))).toBe(known.get(other) ?? -1);
    }
    expect(map.size).toBe(known.size);
    for (const [key, offset] of known) expect(map.get(Buffer.from(key))).toBe(offset);
  });
});
