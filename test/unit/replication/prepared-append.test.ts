/** Records that are checked in a later turn or by another thread: they come to their logs in the order of arrival, and hold up nobody else. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { type Job, JobFailed, turnBudget, type Workers } from '../../../broker/platform/workers.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { DecompressionAllowance } from '../../../broker/records/decompression-allowance.ts';
import { HostedPartitions } from '../../../broker/replication/hosted-partitions.ts';
import type { AppendEntry } from '../../../broker/replication/requests/append-entry.ts';
import { PreparedAppend } from '../../../broker/replication/requests/prepared-append.ts';
import { type AppendOutcome, ReplicaAppend } from '../../../broker/replication/requests/replica-append.ts';
import { WaitingRoom } from '../../../broker/replication/requests/waiting.ts';
import { batch, contents } from '../log/support.ts';
import { ReplicationCluster, TOPIC } from './cluster-kit.ts';

const LIMITS = { batchBytes: 1e8, batchRecords: 1e6, requestBytes: 1e8, requestRecords: 1e6 };

/** Jobs that end when the test says so. */
class HeldWorkers implements Workers {
  readonly turn;
  readonly begun: { readonly from: string; readonly end: () => void; readonly fail: () => void }[] = [];

  constructor(cluster: ReplicationCluster) {
    this.turn = turnBudget(cluster.clock);
  }

  run<Input, Output>(job: Job<Input, Output>, input: () => Input, from: string): Promise<Output> {
    return new Promise((resolve, reject) => {
      this.begun.push({
        from,
        end: () => resolve(job.run(input())),
        fail: () => reject(new JobFailed('the thread has died')),
      });
    });
  }

  laterTurn(amount: number, from: string): Promise<void> | null {
    return this.turn.later(amount, from);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(index: number): void {
    this.begun[index]?.end();
  }
}

/** Opens to two megabytes, which is more than a turn has. */
function large(name: string): Buffer {
  const value = Buffer.alloc(2 * 1024 * 1024, name);
  return buildBatch({ codec: 'gzip', records: [{ timestampMs: 1, value }] });
}

async function setUp(topic: Record<string, string> = {}) {
  const cluster = await ReplicationCluster.start({ brokers: 1, topic });
  cluster.create([1]);
  cluster.create([1], 1);
  const { clock } = cluster;
  const workers = new HeldWorkers(cluster);
  const hosted = new HostedPartitions({ partition: () => undefined } as never);
  for (const partition of cluster.node(1).replicas.partitions()) hosted.add(partition);
  const append = new ReplicaAppend({
    hosted,
    clock,
    waiting: new WaitingRoom(clock),
    failureOf: (_, error) => {
      throw error;
    },
  });
  const prepared = new PreparedAppend({ hosted, append, workers, clock, diagnostics: silent });
  let keptBytes = 0;
  const done: string[] = [];
  /** Sends entries of `name`, whose buffer is somebody else's afterwards. */
  const send = (name: string, ...entries: readonly [partition: number, records: Buffer][]) => {
    const request = {
      ...{ acks: 1, timeoutMs: 1000, origin: 'client' as const, apiVersion: 9, from: name },
      entries: entries.map(([partition, records]): AppendEntry => ({ topic: TOPIC, partition, records })),
      decompression: new DecompressionAllowance(LIMITS, workers.turn),
      keep: (sizeBytes: number) => {
        keptBytes += sizeBytes;
        return () => {
          keptBytes -= sizeBytes;
        };
      },
    };
    const outcomes = prepared.append(request);
    for (const [, records] of entries) records.fill(0xee);
    const finished = Promise.resolve(outcomes).then((all) => {
      done.push(name);
      return all.map(({ error, baseOffset }) => [error, baseOffset]);
    });
    return { atOnce: !(outcomes instanceof Promise), finished };
  };
  /** Lets everything happen that can. */
  const settle = () => cluster.pass(1);
  const inLog = (partition = 0) => contents(cluster.log(1, partition)).map((each) => each.slice(2, 7));
  return { cluster, workers, send, done, settle, inLog, kept: () => keptBytes };
}

describe('records that are quickly checked', () => {
  it('are in their log before anything else happens, compressed or not, and nothing is kept', async () => {
    const { send, workers, kept, inLog } = await setUp();
    expect(send('a', [0, batch(['plain'])]).atOnce).toBe(true);
    const packed = buildBatch({ codec: 'lz4', records: [{ timestampMs: 1, value: Buffer.from('packed') }] });
    expect(send('b', [0, packed]).atOnce).toBe(true);
    expect([workers.begun.length, kept(), inLog()]).toEqual([0, 0, ['plain', 'packe']]);
  });

  /** More than half of what a turn has. */
  const half = () =>
    buildBatch({ codec: 'gzip', records: [{ timestampMs: 1, value: Buffer.alloc(600_000, 'half') }] });

  it('wait for the next turn once this one has had its share, and need no thread', async () => {
    const { send, settle, workers, done, kept, inLog } = await setUp();
    expect([send('a', [0, half()]).atOnce, send('b', [1, half()], [0, half()]).atOnce]).toEqual([
      true,
      false,
    ]);
    expect([inLog(1), kept() > 0]).toEqual([[], true]);
    await settle();
    expect([done, inLog(1), inLog(0).length, workers.begun.length, kept()]).toEqual([
      ['a', 'b'],
      ['halfh'],
      2,
      0,
      0,
    ]);
    expect(send('c', [0, half()]).atOnce).toBe(true);
  });

  it('come to a partition in the order of arrival, also where a turn has room for what came last', async () => {
    const { send, settle, inLog } = await setUp();
    send('a', [1, half()]);
    send('b', [0, half()]);
    expect(send('c', [0, batch(['small'])]).atOnce).toBe(false);
    await settle();
    expect(inLog()).toEqual(['halfh', 'small']);
  });

  it('are refused by what is found in a later turn', async () => {
    const { send, settle, workers, inLog } = await setUp();
    const damaged = half();
    damaged.fill(0x55, damaged.length - 100);
    send('a', [0, half()]);
    const { finished } = send('b', [1, damaged]);
    await settle();
    expect([await finished, inLog(1), workers.begun.length]).toEqual([
      [[ErrorCode.CORRUPT_MESSAGE, -1]],
      [],
      0,
    ]);
  });

  it('go to a thread where so many wait that their turn would be long in coming', async () => {
    const { send, settle, workers, done } = await setUp();
    const packed = () =>
      buildBatch({ codec: 'gzip', records: [{ timestampMs: 1, value: randomBytes(300_000) }] });
    for (let name = 0; name < 80; name++) send(`${name}`, [name % 2, packed()]);
    const toThread = workers.begun.length;
    expect([toThread > 0, toThread < 80]).toEqual([true, true]);
    for (let index = 0; index < toThread; index++) workers.end(index);
    for (let turn = 0; turn < 80; turn++) await settle();
    const ofPartition = (partition: number) => done.map(Number).filter((name) => name % 2 === partition);
    for (const partition of [0, 1]) {
      expect(ofPartition(partition)).toEqual([...ofPartition(partition)].sort((a, b) => a - b));
    }
    expect([done.length, workers.begun.length]).toEqual([80, toThread]);
  });

  it('count for more when they must be compressed anew', async () => {
    const { send, workers } = await setUp({ 'compression.type': 'zstd' });
    const plain = (sizeBytes: number) =>
      buildBatch({ records: [{ timestampMs: 1, value: Buffer.alloc(sizeBytes) }] });
    expect(send('a', [0, plain(10_000)]).atOnce).toBe(true);
    expect(send('b', [1, plain(100_000)]).atOnce).toBe(false);
    // Of those few fit into a turn, so that threads are worth their price.
    expect(send('c', [0, plain(60_000)]).atOnce).toBe(false);
    expect(workers.begun.map(({ from }) => from)).toEqual(['b', 'c']);
  });
});

describe('records that another thread checks', () => {
  it('are kept meanwhile, and then in the log', async () => {
    const { send, workers, kept, settle, inLog } = await setUp();
    const records = large('large');
    const sizeBytes = records.length;
    const { atOnce, finished } = send('a', [0, records]);
    expect([atOnce, workers.begun.map(({ from }) => from), kept()]).toEqual([false, ['a'], sizeBytes]);
    await settle();
    expect(inLog()).toEqual([]);
    workers.end(0);
    expect(await finished).toEqual([[ErrorCode.NONE, 0]]);
    expect([inLog(), kept()]).toEqual([['large'], 0]);
  });

  it('come to a partition in the order of arrival, whichever is checked first', async () => {
    const { send, workers, settle, inLog, done } = await setUp();
    const sent = [
      send('1', [0, large('one')]),
      send('2', [0, large('two')]),
      send('3', [0, batch(['three'])]),
    ];
    // The second one has waited for a turn, which was not enough for it.
    await settle();
    workers.end(1);
    await settle();
    expect([inLog(), done]).toEqual([[], []]);
    workers.end(0);
    const outcomes = await Promise.all(sent.map(({ finished }) => finished));
    expect(outcomes).toEqual([[[0, 0]], [[0, 1]], [[0, 2]]]);
    expect([inLog().map((value) => value.slice(0, 3)), done]).toEqual([
      ['one', 'two', 'thr'],
      ['1', '2', '3'],
    ]);
  });

  it('hold up only their own partitions', async () => {
    const { send, settle, inLog, workers, done } = await setUp();
    send('1', [0, large('one')]);
    expect(send('2', [1, batch(['else'])]).atOnce).toBe(true);
    send('3', [1, batch(['third'])], [0, batch(['third'])]);
    // It waits for the request before it, which waits in another partition.
    send('4', [1, batch(['four'])]);
    await settle();
    expect([inLog(1), done]).toEqual([['else'], ['2']]);
    workers.end(0);
    await settle();
    expect([inLog(0).length, inLog(1), done]).toEqual([2, ['else', 'third', 'four'], ['2', '1', '3', '4']]);
  });

  it('share with the rest of their request what it may have decompressed', async () => {
    const { send, workers } = await setUp();
    const { finished } = send('a', [0, large('one')], [1, batch(['plain'])], [0, large('two')]);
    expect(workers.begun).toHaveLength(1);
    workers.end(0);
    expect(await finished).toEqual([
      [ErrorCode.NONE, 0],
      [ErrorCode.NONE, 0],
      [ErrorCode.NONE, 1],
    ]);
  });

  it('are refused with what the thread has found', async () => {
    const { send, workers, inLog } = await setUp({ 'cleanup.policy': 'compact' });
    const { finished } = send('a', [0, large('no key')]);
    workers.end(0);
    expect(await finished).toEqual([[ErrorCode.INVALID_RECORD, -1]]);
    expect(inLog()).toEqual([]);
  });

  it('are refused when the thread dies, and those behind them go on', async () => {
    const { send, workers, inLog } = await setUp();
    const [first, second] = [send('1', [0, large('one')]), send('2', [0, batch(['two'])])];
    workers.begun[0]?.fail();
    expect([await first.finished, await second.finished]).toEqual([
      [[ErrorCode.UNKNOWN_SERVER_ERROR, -1]],
      [[ErrorCode.NONE, 0]],
    ]);
    expect(inLog()).toEqual(['two']);
  });

  it('are refused by a broker that leads no more when they come back', async () => {
    const { send, workers, cluster } = await setUp();
    const { finished } = send('1', [0, large('one')]);
    cluster.partition(1).retire();
    workers.end(0);
    expect(await finished).toEqual([[ErrorCode.NOT_LEADER_OR_FOLLOWER, -1]]);
  });

  it('are not taken by a log that was made anew', async () => {
    const { send, workers, cluster } = await setUp();
    const { finished } = send('1', [0, large('one')]);
    cluster.partition(1).attachLog(cluster.log(1, 1));
    workers.end(0);
    expect(await finished).toEqual([[ErrorCode.NOT_LEADER_OR_FOLLOWER, -1]]);
  });
});

describe('outcomes', () => {
  it('of what was checked elsewhere are those of what is checked here', async () => {
    const cases: [string, Record<string, string>, Buffer][] = [
      ['another codec', { 'compression.type': 'lz4' }, large('x')],
      ['append time', { 'message.timestamp.type': 'LogAppendTime' }, large('x')],
      ['no compression', { 'compression.type': 'uncompressed', 'max.message.bytes': '4000000' }, large('x')],
      ['too large', { 'compression.type': 'uncompressed' }, large('x')],
    ];
    for (const [what, topic, records] of cases) {
      const here = await setUp(topic);
      const { clock } = here.cluster;
      const append = here.cluster.node(1).replicas.append({
        ...{ acks: 1, timeoutMs: 1000, origin: 'client' as const, apiVersion: 9 },
        entries: [{ topic: TOPIC, partition: 0, records: Buffer.from(records) }],
      }) as AppendOutcome[];
      const elsewhere = await setUp(topic);
      expect(elsewhere.cluster.clock.wallMs()).toBe(clock.wallMs());
      const { finished } = elsewhere.send('a', [0, Buffer.from(records)]);
      elsewhere.workers.end(0);
      expect(await finished, what).toEqual(append.map(({ error, baseOffset }) => [error, baseOffset]));
      const bytesOf = (cluster: ReplicationCluster): Buffer => {
        const read = cluster.log(1).read({ offset: 0, maxBytes: 1e7, upToOffset: 1, minOneBatch: true });
        return typeof read === 'number' ? Buffer.alloc(0) : Buffer.from(read.bytes);
      };
      expect(bytesOf(elsewhere.cluster).equals(bytesOf(here.cluster)), what).toBe(true);
    }
  });
});
