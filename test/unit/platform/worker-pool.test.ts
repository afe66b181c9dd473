/** The pool of threads: jobs are done elsewhere, in turns, and what goes wrong costs one job. */
import { mkdtempSync, rmSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../broker/platform/clock.ts';
import { FairQueue } from '../../../broker/platform/fair-queue.ts';
import { hearOfNativeModules } from '../../../broker/platform/native-module.ts';
import { WorkerPool } from '../../../broker/platform/worker-pool.ts';
import { type Job, JobFailed, workersInPlace } from '../../../broker/platform/workers.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { SEARCH_JOB } from '../../../broker/records/time-search.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { World } from '../../support/world.ts';

const LIMITS = { batchBytes: 1e6, batchRecords: 1e6, requestBytes: 1e6, requestRecords: 1e6 };
const UNKNOWN: Job<null, null> = { name: 'nobody knows this one', run: () => null };

const pools: WorkerPool[] = [];
const lines: string[] = [];
const diagnostics = recordingDiagnostics((_level, message) => lines.push(message));

afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

function pool(options: Partial<ConstructorParameters<typeof WorkerPool>[0]> = {}): WorkerPool {
  const made = new WorkerPool({
    ...{ clock: systemClock, diagnostics, threads: 2, idleMs: 60_000 },
    ...options,
  });
  pools.push(made);
  return made;
}

/** A search for `timestampMs` in a batch with records of the times 0, 10, 20, … */
function search(timestampMs: number) {
  const records = Array.from({ length: 100 }, (_, at) => ({
    timestampMs: at * 10,
    value: Buffer.from('v'),
  }));
  const batch = new Uint8Array(buildBatch({ codec: 'lz4', records }));
  return { batch, wanted: { timestampMs, fromOffset: 0 }, limits: LIMITS };
}

describe('the pool', () => {
  it('does what it is given in a thread of its own, and starts none before', async () => {
    const workers = pool();
    expect(workers.threads).toBe(0);
    const { found } = await workers.run(SEARCH_JOB, () => search(95), 'a');
    expect(found).toEqual({ offset: 10, timestampMs: 100, leaderEpoch: -1 });
    expect(workers.threads).toBe(1);
  });

  it('has no more threads than it may, however much there is to do', async () => {
    const workers = pool({ threads: 2 });
    const all = Array.from({ length: 20 }, (_, at) =>
      workers.run(SEARCH_JOB, () => search(at * 10), `${at % 3}`),
    );
    expect([workers.threads, workers.waiting]).toEqual([2, 18]);
    expect((await Promise.all(all)).map(({ found }) => found?.offset)).toEqual([...all.keys()]);
  });

  it('hands on what its threads say of native modules, once for all of them', async () => {
    const heard: string[] = [];
    hearOfNativeModules((line) => heard.push(line));
    const program = new URL('./thread-with-broken-module.ts', import.meta.url);
    const workers = pool({ threads: 2, program });
    const miss: Job<null, boolean> = { name: 'miss', run: () => false };
    const all = Array.from({ length: 4 }, () => workers.run(miss, () => null, 'a'));
    expect(await Promise.all(all)).toEqual([true, true, true, true]);
    expect(workers.threads).toBe(2);
    expect(heard).toEqual([
      "odradek-nobody-has-this can't be loaded, so nothing is done, which is slower: Cannot find module 'odradek-nobody-has-this'",
    ]);
  });

  it('asks for the input of a job only when its turn has come', async () => {
    const workers = pool({ threads: 1 });
    const asked: string[] = [];
    const ask = (who: string, from: string) =>
      workers.run(
        SEARCH_JOB,
        () => {
          asked.push(who);
          return search(0);
        },
        from,
      );
    const all = [ask('a1', 'a'), ask('a2', 'a'), ask('a3', 'a'), ask('b1', 'b'), ask('b2', 'b')];
    expect(asked).toEqual(['a1']);
    await Promise.all(all);
    expect(asked).toEqual(['a1', 'a2', 'b1', 'a3', 'b2']);
  });

  it('rejects a job whose input can’t be had, and goes on', async () => {
    const workers = pool({ threads: 1 });
    const failed = workers.run(
      SEARCH_JOB,
      () => {
        throw new Error('it is gone');
      },
      'a',
    );
    const next = workers.run(SEARCH_JOB, () => search(0), 'a');
    await expect(failed).rejects.toThrow('it is gone');
    expect((await next).found?.offset).toBe(0);
  });

  it('rejects a job that throws, and goes on with the same thread', async () => {
    const workers = pool({ threads: 1 });
    await expect(workers.run(UNKNOWN, () => null, 'a')).rejects.toThrow(JobFailed);
    expect((await workers.run(SEARCH_JOB, () => search(0), 'a')).found?.offset).toBe(0);
    expect(workers.threads).toBe(1);
  });

  it('ends threads that have had nothing to do for a while', async () => {
    const clock = new World().clock;
    const workers = pool({ clock, idleMs: 1000 });
    await workers.run(SEARCH_JOB, () => search(0), 'a');
    await clock.runFor(999);
    expect(workers.threads).toBe(1);
    await clock.runFor(2);
    expect(workers.threads).toBe(0);
    expect((await workers.run(SEARCH_JOB, () => search(0), 'a')).found?.offset).toBe(0);
  });

  it('works in place where no thread can be begun, and says so', async () => {
    const workers = pool({ threads: 1, program: new URL('./not-there.ts', import.meta.url) });
    const first = workers.run(SEARCH_JOB, () => search(0), 'a');
    const second = workers.run(SEARCH_JOB, () => search(10), 'a');
    await expect(first).rejects.toThrow(JobFailed);
    expect((await second).found?.offset).toBe(1);
    expect((await workers.run(SEARCH_JOB, () => search(20), 'a')).found?.offset).toBe(2);
    expect(lines.filter((line) => line.includes('No thread can be begun'))).toHaveLength(1);
  });

  it('takes a job that died with its thread for failed, and begins another thread', async () => {
    const workers = pool({ threads: 1, program: new URL('./dying-thread.ts', import.meta.url) });
    expect(await workers.run({ name: 'live', run: () => 'here' }, () => null, 'a')).toBe('there');
    const died = workers.run({ name: 'die', run: () => 'here' }, () => null, 'a');
    const next = workers.run({ name: 'live', run: () => 'here' }, () => null, 'a');
    await expect(died).rejects.toThrow(JobFailed);
    expect(await next).toBe('there');
  });

  it('has its threads find what was made of the sources, where that is kept', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'compiled-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    enableCompileCache(directory);
    const workers = pool({ program: new URL('./thread-with-kept-code.ts', import.meta.url) });
    const job: Job<null, string | null> = { name: 'where', run: () => null };
    expect(await workers.run(job, () => null, 'a')).toBe(getCompileCacheDir());
  });

  it('rejects what is still to be done when it is closed', async () => {
    const workers = pool({ threads: 1 });
    const all = [1, 2, 3].map(() => workers.run(SEARCH_JOB, () => search(0), 'a'));
    const rejected = Promise.allSettled(all);
    await workers.close();
    expect((await rejected).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(workers.run(SEARCH_JOB, () => search(0), 'a')).rejects.toThrow(JobFailed);
  });
});

describe('jobs in place', () => {
  it('are done one after the other, each later than it is asked for', async () => {
    const clock = new World().clock;
    const done: string[] = [];
    const job: Job<string, string> = { name: 'note', run: (what) => `${what} done` };
    const workers = workersInPlace(clock);
    for (const what of ['a', 'b']) {
      void workers.run(job, () => what, what).then((answer) => done.push(answer));
    }
    expect(done).toEqual([]);
    await eventually('both are done', async () => {
      await clock.runFor(1);
      return done.length === 2;
    });
    expect(done).toEqual(['a done', 'b done']);
  });
});

describe('a fair queue', () => {
  it('gives to its owners in turn, and to each in the order of coming', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.add(item[0] ?? '', item);
    const taken: (string | undefined)[] = [queue.take(), queue.take()];
    queue.add('d', 'd1');
    for (let left = queue.size; left >= 0; left--) taken.push(queue.take());
    expect(taken).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'd1', 'a3', undefined]);
  });

  it('gives all at once when it is cleared', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'b1', 'a2']) queue.add(item[0] ?? '', item);
    expect([queue.clear(), queue.size, queue.take()]).toEqual([['a1', 'a2', 'b1'], 0, undefined]);
  });
});
