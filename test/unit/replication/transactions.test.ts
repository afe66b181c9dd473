/** Transactions and replicas: when one may begin in a partition, who is kept waiting by it, and who is told. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import type { TransactionToVerify } from '../../../broker/replication/collaborators.ts';
import type { AppendOutcome } from '../../../broker/replication/requests/replica-append.ts';
import { type PartitionKey, partitionKey, ZERO_UUID } from '../../../broker/types.ts';
import { batch } from '../log/support.ts';
import { atOnce, ReplicationCluster, TOPIC } from './cluster-kit.ts';

interface Sent {
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly sequence?: number;
  readonly partition?: number;
}

function records({ producerId = 5, producerEpoch = 0, sequence = 0 }: Sent): Buffer {
  return batch(['t'], { producerId, producerEpoch, baseSequence: sequence, transactional: true });
}

function appending(
  cluster: ReplicationCluster,
  all: readonly Sent[],
  apiVersion = 11,
  turns?: Turns,
): Promise<AppendOutcome[]> {
  const request = {
    acks: -1,
    timeoutMs: 1000,
    origin: 'client' as const,
    apiVersion,
    transactionalId: 'tx',
    ...(turns !== undefined && { turns }),
    entries: all.map((sent) => ({ topic: TOPIC, partition: sent.partition ?? 0, records: records(sent) })),
  };
  return Promise.resolve(cluster.node(1).replicas.append(request));
}

async function append(cluster: ReplicationCluster, ...all: Sent[]): Promise<AppendOutcome[]> {
  return cluster.clock.runUntilSettled(appending(cluster, all), 60_000);
}

function end(cluster: ReplicationCluster, committed: boolean, producerId = 5): void {
  const marker = endTransactionMarker({
    committed,
    producerId,
    producerEpoch: 0,
    coordinatorEpoch: 1,
    timestampMs: 1,
  });
  void cluster.node(1).replicas.append({
    acks: -1,
    timeoutMs: 1000,
    origin: 'coordinator',
    apiVersion: 11,
    entries: [{ topic: TOPIC, partition: 0, records: marker }],
  });
}

/** A partition of one broker, and a coordinator whose answers the test gives. */
async function setUp(config = {}) {
  const cluster = await ReplicationCluster.start({ brokers: 1, config });
  cluster.create([1]);
  cluster.create([1], 1);
  const asked: { transaction: TransactionToVerify; answer: (error?: ErrorCode) => void }[] = [];
  cluster.verify = (transaction) =>
    new Promise((resolve) => {
      const answer = (error: ErrorCode = ErrorCode.NONE): void =>
        resolve(
          new Map<PartitionKey, ErrorCode>(
            transaction.partitions.map((at) => [partitionKey(at.topic, at.partition), error]),
          ),
        );
      asked.push({ transaction, answer });
    });
  return { cluster, asked };
}

describe('a transaction begins in a partition', () => {
  it('once its coordinator has confirmed it, and then goes on without asking', async () => {
    const { cluster, asked } = await setUp();
    const first = appending(cluster, [{}]);
    await cluster.clock.runFor(1);
    expect(asked.map(({ transaction }) => transaction)).toEqual([
      {
        transactionalId: 'tx',
        producerId: 5,
        producerEpoch: 0,
        partitions: [{ topic: TOPIC, partition: 0 }],
      },
    ]);
    expect(cluster.log(1).endOffset).toBe(0);
    asked[0]?.answer();
    expect(await first).toMatchObject([{ error: ErrorCode.NONE, baseOffset: 0 }]);
    expect(await append(cluster, { sequence: 1 })).toMatchObject([{ error: ErrorCode.NONE, baseOffset: 1 }]);
    expect(asked).toHaveLength(1);
  });

  it('with the records that came, though the next frame lies over theirs while the coordinator is asked', async () => {
    const { cluster, asked } = await setUp();
    const frame = records({});
    const appended = cluster.node(1).replicas.append({
      ...{ acks: -1, timeoutMs: 1000, origin: 'client', apiVersion: 11, transactionalId: 'tx' },
      entries: [{ topic: TOPIC, partition: 0, records: frame }],
    });
    batch(['x'], { producerId: 6, baseSequence: 0 }).copy(frame);
    await cluster.clock.runFor(1);
    asked[0]?.answer();
    expect(asked[0]?.transaction.producerId).toBe(5);
    expect(await appended).toMatchObject([{ error: ErrorCode.NONE, baseOffset: 0 }]);
    expect(cluster.contents(1)).toEqual(['0:t']);
  });

  it.each([
    [ErrorCode.TRANSACTION_ABORTABLE, 11, ErrorCode.TRANSACTION_ABORTABLE],
    [ErrorCode.TRANSACTION_ABORTABLE, 10, ErrorCode.INVALID_TXN_STATE],
    [ErrorCode.INVALID_TXN_STATE, 9, ErrorCode.INVALID_TXN_STATE],
    [ErrorCode.INVALID_PRODUCER_EPOCH, 11, ErrorCode.INVALID_PRODUCER_EPOCH],
    [ErrorCode.INVALID_PRODUCER_ID_MAPPING, 11, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    [ErrorCode.CONCURRENT_TRANSACTIONS, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
    [ErrorCode.NETWORK_EXCEPTION, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
    [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
    [ErrorCode.COORDINATOR_NOT_AVAILABLE, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
    [ErrorCode.NOT_COORDINATOR, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
  ])('not when the coordinator says %d: Produce v%d hears %d', async (said, apiVersion, told) => {
    const { cluster, asked } = await setUp();
    const appended = appending(cluster, [{}], apiVersion);
    await cluster.clock.runFor(1);
    asked[0]?.answer(said);
    const [outcome] = await appended;
    expect(outcome?.error).toBe(told);
    expect(cluster.log(1).endOffset).toBe(0);
  });

  it('and nothing is kept of one that is refused for good, while what is tried again keeps its turn', async () => {
    const { cluster, asked } = await setUp();
    const said = async (error: ErrorCode, sequence: number) => {
      const before = cluster.log(1).startVerification(5, 0, 0);
      const appended = appending(cluster, [{ sequence }]);
      await cluster.clock.runFor(1);
      asked.at(-1)?.answer(error);
      await appended;
      return cluster.log(1).startVerification(5, 0, 9) === before;
    };
    expect(await said(ErrorCode.TRANSACTION_ABORTABLE, 0)).toBe(false);
    expect(await said(ErrorCode.CONCURRENT_TRANSACTIONS, 0)).toBe(true);
  });

  it('not when a marker came between the question and the answer', async () => {
    const { cluster, asked } = await setUp();
    const appended = appending(cluster, [{}]);
    await cluster.clock.runFor(1);
    end(cluster, false);
    asked[0]?.answer();
    expect(await appended).toMatchObject([{ error: ErrorCode.INVALID_TXN_STATE }]);
    expect(cluster.log(1).lastStableOffset).toBe(1);
  });

  it('in each of a request by itself: one that is refused does not keep out another', async () => {
    const { cluster, asked } = await setUp();
    const appended = appending(cluster, [{}, { partition: 1 }, { partition: 9 }]);
    await cluster.clock.runFor(1);
    expect(asked[0]?.transaction.partitions).toHaveLength(2);
    asked[0]?.answer(ErrorCode.NONE);
    expect((await appended).map(({ error }) => error)).toEqual([
      ErrorCode.NONE,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
  });

  it('without a question where transaction.partition.verification.enable is off', async () => {
    const { cluster, asked } = await setUp({ transactionPartitionVerificationEnable: false });
    expect(await append(cluster, {})).toMatchObject([{ error: ErrorCode.NONE }]);
    expect(asked).toEqual([]);
  });

  it('for one producer only in a request', async () => {
    const { cluster } = await setUp();
    const outcomes = await append(cluster, {}, { partition: 1, producerId: 6 });
    expect(outcomes.map(({ error }) => error)).toEqual([
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    ]);
  });

  it('with the first of the requests that a producer has sent one after the other', async () => {
    const { cluster, asked } = await setUp();
    const sent = [0, 1, 2].map((sequence) => appending(cluster, [{ sequence }]));
    await cluster.clock.runFor(1);
    expect(asked).toHaveLength(1);
    asked[0]?.answer();
    const outcomes = await Promise.all(sent);
    expect(outcomes.flat().map(({ error, baseOffset }) => [error, baseOffset])).toEqual([
      [ErrorCode.NONE, 0],
      [ErrorCode.NONE, 1],
      [ErrorCode.NONE, 2],
    ]);
    expect(asked).toHaveLength(1);
  });

  it('where the broker leads; elsewhere nobody is asked', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([2, 1]);
    cluster.verify = () => Promise.reject(new Error('the coordinator was asked'));
    expect(await append(cluster, {})).toMatchObject([{ error: ErrorCode.NOT_LEADER_OR_FOLLOWER }]);
  });
});

it('records of a transaction for very many partitions are taken in turns', async () => {
  const cluster = await ReplicationCluster.start({ brokers: 1 });
  const all = Array.from({ length: 300 }, (_, partition) => ({ partition }));
  for (const { partition } of all) cluster.create([1], partition);
  let asked = 0;
  cluster.verify = async ({ partitions }) => {
    asked += partitions.length;
    return new Map(partitions.map((at) => [partitionKey(at.topic, at.partition), ErrorCode.NONE]));
  };
  let pieces = 0;
  const turns = new Turns(cluster.clock, (piece) => {
    pieces++;
    return piece();
  });
  const appended = await cluster.clock.runUntilSettled(appending(cluster, all, 11, turns), 10_000);
  expect(pieces).toBeGreaterThanOrEqual(300 / 25);
  expect(asked).toBe(300);
  expect(appended.map(({ partition, error }) => ({ partition, error }))).toEqual(
    all.map(({ partition }) => ({ partition, error: ErrorCode.NONE })),
  );
  const strangers = [...all.slice(0, 299), { partition: 299, producerId: 6 }];
  const refused = await cluster.clock.runUntilSettled(appending(cluster, strangers, 11, turns), 10_000);
  expect(new Set(refused.map(({ error }) => error))).toEqual(
    new Set([ErrorCode.INVALID_PRODUCER_ID_MAPPING]),
  );
});

describe('a reader of committed data', () => {
  const want = {
    topic: TOPIC,
    topicId: ZERO_UUID,
    partition: 0,
    fetchOffset: 0,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    maxBytes: 1_000_000,
    logStartOffset: -1,
  };

  function waiting(cluster: ReplicationCluster, id: number) {
    return Promise.resolve(
      cluster.node(id).replicas.fetch(
        {
          maxWaitMs: 5000,
          minBytes: 1,
          maxBytes: 1_000_000,
          isolation: 'read_committed',
          clientRack: '',
          partitions: [want],
        },
        new Turns(cluster.clock),
      ),
    );
  }

  it.each([true, false])('waits for the marker (committed: %s), on followers as well', async (committed) => {
    const cluster = await ReplicationCluster.start({
      brokers: 2,
      config: { transactionPartitionVerificationEnable: false },
    });
    cluster.create([1, 2]);
    await cluster.clock.runFor(100);
    await append(cluster, {});
    const fetches = [1, 2].map((id) => waiting(cluster, id));
    let answered = 0;
    for (const each of fetches) void each.then(() => answered++);
    await cluster.clock.runFor(1000);
    expect(answered).toBe(0);
    end(cluster, committed);
    for (const each of fetches) {
      const [outcome] = await cluster.clock.runUntilSettled(each, 1000);
      expect(outcome).toMatchObject({ lastStableOffset: 2, highWatermark: 2 });
      expect(outcome?.records.length).toBeGreaterThan(0);
      expect(outcome?.abortedTransactions).toHaveLength(committed ? 0 : 1);
    }
  });

  it('is told the last stable offset as the latest', async () => {
    const { cluster } = await setUp({ transactionPartitionVerificationEnable: false });
    await append(cluster, {});
    const latest = (isolation: 'read_committed' | 'read_uncommitted') =>
      atOnce(
        cluster.node(1).replicas.listOffset(TOPIC, 0, {
          timestampMs: -1,
          isolation,
          currentLeaderEpoch: -1,
          fetchOnlyLeader: true,
        }),
      ).offset;
    expect(latest('read_committed')).toBe(0);
    expect(latest('read_uncommitted')).toBe(1);
    end(cluster, false);
    expect(latest('read_committed')).toBe(2);
  });
});

describe('a transaction that nobody ends', () => {
  it('is counted once it is older than any may be, where its partition is led', async () => {
    const { cluster } = await setUp({
      transactionPartitionVerificationEnable: false,
      transactionMaxTimeoutMs: 900_000,
    });
    const late = async (): Promise<string | undefined> =>
      /partitionswithlatetransactionscount (\d+)/.exec(await cluster.node(1).metrics.render())?.[1];
    const atMs = cluster.clock.wallMs();
    const open = batch(['t'], {
      producerId: 5,
      producerEpoch: 0,
      baseSequence: 0,
      transactional: true,
      timestampMs: atMs,
    });
    cluster.log(1).appendAsLeader(open, { leaderEpoch: 0, origin: 'client', apiVersion: 9 });
    await cluster.clock.runFor(900_000 + 300_000);
    expect(await late()).toBe('0');
    await cluster.clock.runFor(1000);
    expect(await late()).toBe('1');
    end(cluster, false);
    expect(await late()).toBe('0');
  });
});
