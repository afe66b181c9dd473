/** The transaction coordinator as producers and brokers see it, over a log in memory and virtual time. */
import { describe, expect, it } from 'vitest';
import { newTransaction } from '../../../broker/coordinators/transaction/transaction.ts';
import { transactionRecordCodec } from '../../../broker/coordinators/transaction/transaction-records.ts';
import { ErrorCode, errorName } from '../../../broker/errors.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import {
  claim,
  FIRST_PRODUCER_ID,
  failover,
  ID,
  OWNER,
  ongoing,
  SETTINGS,
  T0,
  T1,
  TransactionWorld,
} from './transaction-world.ts';

describe('ownership', () => {
  it('answers only for ids of partitions that this broker leads and has read', async () => {
    const world = new TransactionWorld();
    const all = async () => [
      await world.init(),
      await world.add(),
      await world.end(true),
      ...world.verify(),
      world.describe(),
    ];
    expect(new Set(await all())).toEqual(new Set(['NOT_COORDINATOR']));
    const elected = world.transactions.elect(OWNER, 1);
    expect(new Set(await all())).toEqual(new Set(['COORDINATOR_LOAD_IN_PROGRESS']));
    await world.clock.runFor(1);
    await elected;
    expect(await world.init()).toBe('4000/0');
    world.transactions.resign(OWNER);
    expect(new Set(await all())).toEqual(new Set(['NOT_COORDINATOR']));
  });

  it('is shown in the journal', async () => {
    const world = await ongoing();
    expect(await world.end(true)).toBe('NONE');
    const successor = await failover(world);
    expect(world.journal.since(0).map(({ event }) => event)).toMatchObject([
      { kind: 'transactions-loaded', partition: OWNER, leaderEpoch: 1, ids: 0 },
      { kind: 'transactions-resigned', partition: OWNER, why: 'moved' },
    ]);
    expect(successor.journal.since(0).map(({ event }) => event)).toMatchObject([
      { kind: 'transactions-loaded', partition: OWNER, leaderEpoch: 2, ids: 1, resumed: 1 },
    ]);
    expect(await successor.metrics.render()).toMatch(
      /transaction_coordinator_metrics_partition_load_time_max \d/,
    );
    const { samples, sampleMs } = SETTINGS.metricsWindow;
    await successor.clock.runFor(samples * sampleMs);
    expect(await successor.metrics.render()).toMatch(
      /transaction_coordinator_metrics_partition_load_time_max Nan/,
    );
  });
});

describe('bad input', () => {
  it('an empty transactional id is an invalid request', async () => {
    const world = await new TransactionWorld().elect();
    const none = { ...claim(), transactionalId: '' };
    const { transactions } = world;
    const answers = [
      (await transactions.initProducerId({ transactionalId: '', timeoutMs: 1, expected: null })).error,
      await transactions.addPartitions(none, [T0]),
      await transactions.endTransaction(none, true),
      ...transactions.verifyPartitions(none, [T0]),
      transactions.describe('').error,
    ];
    expect(new Set(answers)).toEqual(new Set([ErrorCode.INVALID_REQUEST]));
  });

  it('a timeout must be there, and not longer than transaction.max.timeout.ms', async () => {
    const world = await new TransactionWorld().elect();
    for (const timeoutMs of [0, -1, SETTINGS.maxTimeoutMs + 1]) {
      expect(await world.init(timeoutMs)).toBe('INVALID_TRANSACTION_TIMEOUT');
    }
    expect(await world.init(SETTINGS.maxTimeoutMs)).toBe('4000/0');
  });

  it('an id that nobody has, or has under another producer id, is no mapping', async () => {
    const world = await new TransactionWorld().elect();
    const mapping = 'INVALID_PRODUCER_ID_MAPPING';
    expect([await world.add(), await world.end(true), ...world.verify()]).toEqual([
      mapping,
      mapping,
      mapping,
    ]);
    expect(world.describe()).toBe('TRANSACTIONAL_ID_NOT_FOUND');
    await world.init();
    const far = { ...claim(), producerId: 2n ** 62n };
    expect(errorName(await world.transactions.addPartitions(far, [T0]))).toBe(mapping);
    expect(errorName(await world.transactions.endTransaction(far, true))).toBe(mapping);
  });

  it('a name that fits into no record is an error of this broker, and nothing is kept of it', async () => {
    const world = await new TransactionWorld().elect();
    for (let partition = 0; partition < 5; partition++) await world.elect(1, partition);
    const transactionalId = 'x'.repeat(40_000);
    const request = { transactionalId, timeoutMs: 1000, expected: null };
    expect((await world.transactions.initProducerId(request)).error).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(world.describe(transactionalId)).toBe('TRANSACTIONAL_ID_NOT_FOUND');
  });

  it('ids without end end at transaction.max.ids; those that there are go on', async () => {
    const world = await new TransactionWorld().elect();
    for (let partition = 0; partition < 5; partition++) await world.elect(1, partition);
    const init = async (transactionalId: string) => {
      const request = { transactionalId, timeoutMs: 1000, expected: null };
      return errorName((await world.transactions.initProducerId(request)).error);
    };
    const answers = [];
    for (const id of ['a', 'b', 'c', 'd', 'e', 'a']) answers.push(await init(id));
    expect(answers).toEqual(['NONE', 'NONE', 'NONE', 'NONE', 'POLICY_VIOLATION', 'NONE']);
    expect(world.describe('e')).toBe('TRANSACTIONAL_ID_NOT_FOUND');
  });

  it('without a producer id from the controller the producer is to come again', async () => {
    const world = await new TransactionWorld().elect();
    world.nextProducerId = null;
    expect(await world.init()).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    expect(world.describe()).toBe('TRANSACTIONAL_ID_NOT_FOUND');
  });
});

describe('a producer', () => {
  it('commits: the answer comes first, then the partitions are told, then the next transaction may begin', async () => {
    const world = await ongoing();
    expect(await world.add(0, [T0, T1])).toBe('NONE');
    expect(await world.end(true)).toBe('NONE');
    expect(world.describe()).toBe('PrepareCommit/0');
    expect(world.telling).toMatchObject([
      {
        transactionalId: ID,
        producerId: FIRST_PRODUCER_ID,
        producerEpoch: 0,
        committed: true,
        partitions: new Map([['t', new Set([0, 1])]]),
      },
    ]);
    expect(world.telling[0]?.coordinatorEpoch()).toBe(1);
    expect([await world.add(), await world.end(true), await world.init()]).toEqual([
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
    ]);
    await world.told();
    expect(world.describe()).toBe('CompleteCommit/0');
    expect([await world.end(true), await world.end(false)]).toEqual(['NONE', 'INVALID_TXN_STATE']);
    expect(await world.add()).toBe('NONE');
    expect(world.verify(0, [T0, T1])).toEqual(['NONE', 'TRANSACTION_ABORTABLE']);
  });

  it('aborts', async () => {
    const world = await ongoing();
    expect(await world.end(false)).toBe('NONE');
    expect(world.telling).toMatchObject([{ committed: false }]);
    await world.told();
    expect(world.describe()).toBe('CompleteAbort/0');
    expect([await world.end(false), await world.end(true)]).toEqual(['NONE', 'INVALID_TXN_STATE']);
  });

  it('that comes again fences the one before, whose open transaction is aborted first', async () => {
    const world = await ongoing();
    expect(await world.init()).toBe('CONCURRENT_TRANSACTIONS');
    expect(world.telling).toMatchObject([{ committed: false, producerEpoch: 1 }]);
    expect([await world.add(), await world.end(true), ...world.verify()]).toEqual([
      'PRODUCER_FENCED',
      'PRODUCER_FENCED',
      'PRODUCER_FENCED',
    ]);
    await world.told();
    expect(await world.init()).toBe('4000/2');
    expect(await world.add(2)).toBe('NONE');
    expect(await world.end(true)).toBe('PRODUCER_FENCED');
  });

  it('is one of two that come at once: the other waits', async () => {
    const world = await new TransactionWorld().elect();
    expect(await Promise.all([world.init(), world.init()])).toEqual(['4000/0', 'CONCURRENT_TRANSACTIONS']);
    expect(await Promise.all([world.init(), world.init()])).toEqual(['4000/1', 'CONCURRENT_TRANSACTIONS']);
  });

  it('that goes on after an error keeps its id', async () => {
    const world = await ongoing();
    const own = { producerId: FIRST_PRODUCER_ID, producerEpoch: 0 };
    expect(await world.end(false)).toBe('NONE');
    await world.told();
    expect(await world.init(60_000, own)).toBe('4000/1');
    expect(await world.init(60_000, own)).toBe('4000/1');
    expect(await world.init(60_000, { ...own, producerId: 9 })).toBe('PRODUCER_FENCED');
  });

  it('whose epochs are used up gets another id', async () => {
    const world = new TransactionWorld();
    const last = {
      ...newTransaction(FIRST_PRODUCER_ID, 60_000, world.clock.wallMs()),
      producerEpoch: 0x7ffd,
    };
    const record = transactionRecordCodec.encode({ transactionalId: ID, transaction: last });
    await world.log.append(OWNER, buildBatch({ records: [record] }));
    await world.elect();
    world.nextProducerId = 4001;
    expect(await world.init()).toBe('4000/32766');
    expect(await world.add(0x7ffe)).toBe('NONE');
    expect(await world.init()).toBe('CONCURRENT_TRANSACTIONS');
    expect(world.describe()).toBe('PrepareAbort/32767');
    await world.told();
    expect(await world.init()).toBe('4001/0');
    expect(await world.add()).toBe('INVALID_PRODUCER_ID_MAPPING');
  });
});

describe('a list', () => {
  const NONE = { producerIds: new Set<number>(), states: new Set<string>(), longerThanMs: -1 };

  async function listing() {
    const world = await new TransactionWorld().elect();
    for (let partition = 0; partition < 5; partition++) await world.elect(1, partition);
    const { transactions } = world;
    for (const transactionalId of ['a', 'b', 'c']) {
      await transactions.initProducerId({ transactionalId, timeoutMs: 60_000, expected: null });
    }
    await transactions.addPartitions({ transactionalId: 'b', producerId: 4001, producerEpoch: 0 }, [T0]);
    await world.clock.runFor(5000);
    await transactions.addPartitions({ transactionalId: 'c', producerId: 4002, producerEpoch: 0 }, [T0]);
    const list = (filters: Partial<typeof NONE>) => {
      const { error, transactions: found } = transactions.list({ ...NONE, ...filters });
      return [
        errorName(error),
        ...found.map(({ transactionalId, state }) => `${transactionalId} ${state}`).sort(),
      ];
    };
    return { world, list };
  }

  it('shows all, or those of some producer ids, in some states, or older than so long', async () => {
    const { list } = await listing();
    expect(list({})).toEqual(['NONE', 'a Empty', 'b Ongoing', 'c Ongoing']);
    expect(list({ producerIds: new Set([4001, 9]) })).toEqual(['NONE', 'b Ongoing']);
    expect(list({ states: new Set(['Empty', 'PrepareAbort']) })).toEqual(['NONE', 'a Empty']);
    expect(list({ states: new Set(['Nonsense']) })).toEqual(['NONE']);
    expect(list({ longerThanMs: 4999, states: new Set(['Ongoing']) })).toEqual(['NONE', 'b Ongoing']);
    expect(list({ longerThanMs: 5000, states: new Set(['Ongoing']) })).toEqual(['NONE']);
  });

  it('waits while a partition is being read', async () => {
    const { world, list } = await listing();
    world.transactions.resign(OWNER);
    const elected = world.transactions.elect(OWNER, 3);
    expect(list({})).toEqual(['COORDINATOR_LOAD_IN_PROGRESS']);
    await world.clock.runFor(1);
    await elected;
    expect(list({})).toContain('b Ongoing');
  });

  it('is none while a partition is damaged here that others have whole, which is told and shown', async () => {
    const { world, list } = await listing();
    world.transactions.resign(OWNER);
    world.log.isCopied = true;
    world.log.unreadableFrom = 0;
    await world.elect(3);
    expect(list({})).toEqual(['KAFKA_STORAGE_ERROR']);
    expect(world.journal.since(0).map(({ event }) => event)).toContainEqual({
      kind: 'transactions-failed',
      partition: OWNER,
      leaderEpoch: 3,
      reason: 'no batch',
    });
    expect(await world.metrics.render()).toMatch(/odradek_transaction_coordinator_failed_partitions 1/);
    world.log.unreadableFrom = Number.POSITIVE_INFINITY;
    await world.elect(4);
    expect(list({})).toContain('b Ongoing');
    expect(await world.metrics.render()).toMatch(/odradek_transaction_coordinator_failed_partitions 0/);
  });
});
