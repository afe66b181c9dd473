/** The transaction coordinator as producers and brokers see it, over a log in memory and virtual time. */
import { describe, expect, it } from 'vitest';
import { newTransaction } from '../../../broker/coordinators/transaction/transaction.ts';
import { transactionRecordCodec } from '../../../broker/coordinators/transaction/transaction-records.ts';
import { ErrorCode, errorName } from '../../../broker/errors.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import {
  claim,
  FIRST_PRODUCER_ID,
  ID,
  OWNER,
  SETTINGS,
  settle,
  T0,
  T1,
  TransactionWorld,
} from './transaction-world.ts';

/** Producer 4000/0 has an open transaction with t-0. */
async function ongoing(): Promise<TransactionWorld> {
  const world = await new TransactionWorld().elect();
  expect(await world.init()).toBe('4000/0');
  expect(await world.add()).toBe('NONE');
  return world;
}

/** Another broker takes over what is in the log of this one. */
async function failover(world: TransactionWorld, leaderEpoch = 2): Promise<TransactionWorld> {
  world.transactions.resign(OWNER);
  return new TransactionWorld(world.log, world.clock).elect(leaderEpoch);
}

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

describe('what can not be written', () => {
  it.each([
    [ErrorCode.NOT_ENOUGH_REPLICAS, 'COORDINATOR_NOT_AVAILABLE'],
    [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, 'COORDINATOR_NOT_AVAILABLE'],
    [ErrorCode.REQUEST_TIMED_OUT, 'COORDINATOR_NOT_AVAILABLE'],
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'COORDINATOR_NOT_AVAILABLE'],
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, 'NOT_COORDINATOR'],
    [ErrorCode.KAFKA_STORAGE_ERROR, 'NOT_COORDINATOR'],
    [ErrorCode.MESSAGE_TOO_LARGE, 'UNKNOWN_SERVER_ERROR'],
  ])('has not happened: %i is told as %s', async (error, told) => {
    const world = await ongoing();
    world.log.error = error;
    expect(await world.add(0, [T1])).toBe(told);
    expect(await world.end(true)).toBe(told);
    expect(world.telling).toEqual([]);
    expect(world.verify(0, [T0, T1])).toEqual(['NONE', 'TRANSACTION_ABORTABLE']);
    world.log.error = ErrorCode.NONE;
    expect(await world.end(true)).toBe('NONE');
  });

  it('of a new id leaves nothing behind', async () => {
    const world = await new TransactionWorld().elect();
    world.log.error = ErrorCode.NOT_ENOUGH_REPLICAS;
    expect(await world.init()).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(world.describe()).toBe('TRANSACTIONAL_ID_NOT_FOUND');
  });

  it('of an abort fences the producer all the same, and costs one epoch only', async () => {
    const world = await ongoing();
    world.log.error = ErrorCode.NOT_ENOUGH_REPLICAS;
    expect(await world.init()).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(await world.init()).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(await world.end(true)).toBe('PRODUCER_FENCED');
    world.log.error = ErrorCode.NONE;
    expect(await world.init()).toBe('CONCURRENT_TRANSACTIONS');
    expect(world.describe()).toBe('PrepareAbort/1');
    await world.told();
    expect(await world.init()).toBe('4000/2');
  });

  it('of a completion is tried until it is written', async () => {
    const world = await ongoing();
    await world.end(true);
    world.log.error = ErrorCode.NOT_ENOUGH_REPLICAS;
    await world.told();
    await world.clock.runFor(1000);
    expect(await world.metrics.render()).toMatch(/logappendretryqueuesize 1/);
    expect(await world.init()).toBe('CONCURRENT_TRANSACTIONS');
    world.log.error = ErrorCode.NONE;
    await world.clock.runFor(200);
    expect(world.describe()).toBe('CompleteCommit/0');
    expect(await world.metrics.render()).toMatch(/logappendretryqueuesize 0/);
    expect(await world.init()).toBe('4000/1');
  });

  it('of a completion is left to the next coordinator when the partition moves', async () => {
    const world = await ongoing();
    await world.end(true);
    world.log.error = ErrorCode.NOT_LEADER_OR_FOLLOWER;
    await world.told();
    world.transactions.resign(OWNER);
    await world.clock.runFor(1000);
    expect(world.clock.pending).toBe(0);
  });

  it('before the partition moved is answered by looking for the next coordinator', async () => {
    const world = await ongoing();
    world.log.held = [];
    const ending = world.end(true);
    await settle();
    world.transactions.resign(OWNER);
    for (const release of world.log.held) release();
    expect(await ending).toBe('NOT_COORDINATOR');
    expect(world.telling).toEqual([]);
  });
});

describe('after a failover', () => {
  it('an open transaction goes on, and its producer with it', async () => {
    const world = await failover(await ongoing());
    expect(world.describe()).toBe('Ongoing/0');
    expect(world.telling).toEqual([]);
    expect(world.verify()).toEqual(['NONE']);
    expect(await world.add(0, [T1])).toBe('NONE');
    expect(await world.end(true)).toBe('NONE');
  });

  it('an open transaction of a producer that never comes back is aborted after its timeout', async () => {
    const world = await failover(await ongoing());
    world.transactions.start();
    await world.clock.runFor(80_000);
    expect(world.describe()).toBe('PrepareAbort/1');
    world.transactions.shutdown();
  });

  it.each([
    [true, 'PrepareCommit', 'CompleteCommit'],
    [false, 'PrepareAbort', 'CompleteAbort'],
  ])(
    'a decided end (commit: %s) is carried out by the next coordinator, under its epoch',
    async (committed, prepare, complete) => {
      const first = await ongoing();
      await first.end(committed);
      const world = await failover(first, 9);
      expect(world.describe()).toBe(`${prepare}/0`);
      expect(world.telling).toMatchObject([{ committed, partitions: new Map([['t', new Set([0])]]) }]);
      expect(world.telling[0]?.coordinatorEpoch()).toBe(9);
      expect(await world.init()).toBe('CONCURRENT_TRANSACTIONS');
      await world.told();
      expect(world.describe()).toBe(`${complete}/0`);
      expect(await world.init()).toBe('4000/1');
    },
  );

  it.each([true, false])('a completed end (commit: %s) is over', async (committed) => {
    const first = await ongoing();
    await first.end(committed);
    await first.told();
    const world = await failover(first);
    expect(world.telling).toEqual([]);
    expect(await world.end(committed)).toBe('NONE');
    expect(await world.add()).toBe('NONE');
  });

  it('the coordinator before tells nobody anything any more', async () => {
    const first = await ongoing();
    await first.end(true);
    const [end] = first.telling;
    expect(end?.isOurs()).toBe(true);
    await failover(first);
    expect(end?.isOurs()).toBe(false);
    end?.told();
    await settle();
    expect(first.describe()).toBe('NOT_COORDINATOR');
  });

  it('a fenced producer stays fenced', async () => {
    const first = await ongoing();
    await first.init();
    const world = await failover(first);
    expect(await world.end(true)).toBe('PRODUCER_FENCED');
    await world.told();
    expect(await world.add()).toBe('PRODUCER_FENCED');
    expect(await world.init()).toBe('4000/2');
  });

  it('that leaves the partition here, under a higher epoch, markers go on under that', async () => {
    const world = await ongoing();
    await world.end(true);
    await world.transactions.elect(OWNER, 4);
    expect(world.telling).toHaveLength(1);
    expect(world.telling[0]?.coordinatorEpoch()).toBe(4);
  });

  it('a record that can not be read costs itself only', async () => {
    const first = await ongoing();
    const last = first.log.batches.get(OWNER)?.at(-1)?.batch;
    // Within the value of the last record: its state.
    const at = (last?.lastIndexOf(Buffer.from('t')) ?? 0) - 2 - 4 - 1;
    last?.writeInt8(9, at);
    const world = await failover(first);
    expect(world.describe()).toBe('Empty/0');
  });

  it('a transaction that was fenced by a marker of somebody newer waits for the next coordinator', async () => {
    const first = await ongoing();
    await first.end(true);
    first.telling[0]?.fenced(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
    expect(await first.init()).toBe('CONCURRENT_TRANSACTIONS');
    expect(first.journal.since(0).map(({ event }) => event.kind)).toContain('transaction-markers-fenced');
    const world = await failover(first);
    expect(world.telling).toHaveLength(1);
  });
});

describe('time', () => {
  it('a transaction that lasts longer than its timeout is aborted, and its producer fenced', async () => {
    const world = await ongoing();
    world.transactions.start();
    await world.clock.runFor(59_000);
    expect(world.describe()).toBe('Ongoing/0');
    await world.clock.runFor(12_000);
    expect(world.describe()).toBe('PrepareAbort/1');
    expect(await world.end(true)).toBe('PRODUCER_FENCED');
    await world.told();
    expect(world.describe()).toBe('CompleteAbort/1');
    expect(world.journal.since(0).map(({ event }) => event)).toContainEqual({
      kind: 'producer-fenced',
      transactionalId: ID,
      producerId: FIRST_PRODUCER_ID,
      producerEpoch: 1,
      why: 'timed-out',
    });
    world.transactions.shutdown();
  });

  it('an abort that can not be written is tried again at the next look', async () => {
    const world = await ongoing();
    world.transactions.start();
    world.log.error = ErrorCode.NOT_ENOUGH_REPLICAS;
    await world.clock.runFor(75_000);
    expect(world.describe()).toBe('Ongoing/1');
    world.log.error = ErrorCode.NONE;
    await world.clock.runFor(10_000);
    expect(world.describe()).toBe('PrepareAbort/1');
    world.transactions.shutdown();
  });

  it('an id that nobody has used for transactional.id.expiration.ms is forgotten, also by the next coordinator', async () => {
    const world = await ongoing();
    await world.end(true);
    await world.told();
    world.transactions.start();
    await world.clock.runFor(SETTINGS.idExpirationMs - 1000);
    expect(world.describe()).toBe('CompleteCommit/0');
    await world.clock.runFor(SETTINGS.expiryCheckIntervalMs + 2000);
    expect(world.describe()).toBe('TRANSACTIONAL_ID_NOT_FOUND');
    expect([await world.add(), await world.end(true)]).toEqual([
      'INVALID_PRODUCER_ID_MAPPING',
      'INVALID_PRODUCER_ID_MAPPING',
    ]);
    expect(world.journal.since(0).at(-1)?.event).toEqual({
      kind: 'transactional-ids-expired',
      partition: OWNER,
      ids: 1,
    });
    world.transactions.shutdown();
    const successor = await failover(world);
    expect(successor.describe()).toBe('TRANSACTIONAL_ID_NOT_FOUND');
    expect(await successor.init(60_000, { producerId: FIRST_PRODUCER_ID, producerEpoch: 0 })).toBe('4000/0');
  });

  it('an id with an open transaction or an end to be told is never forgotten', async () => {
    const world = await ongoing();
    await world.end(true);
    world.transactions.start();
    await world.clock.runFor(SETTINGS.idExpirationMs * 2);
    expect(world.describe()).toBe('PrepareCommit/0');
    world.transactions.shutdown();
  });

  it('an id that can not be forgotten stays as it is', async () => {
    const world = await new TransactionWorld().elect();
    await world.init();
    world.transactions.start();
    world.log.error = ErrorCode.NOT_ENOUGH_REPLICAS;
    await world.clock.runFor(SETTINGS.idExpirationMs * 2);
    world.log.error = ErrorCode.NONE;
    expect(world.describe()).toBe('Empty/0');
    expect(await world.add()).toBe('NONE');
    world.transactions.shutdown();
  });

  it('while an id is being forgotten its producer waits', async () => {
    const world = await new TransactionWorld().elect();
    await world.init();
    world.transactions.start();
    world.log.held = [];
    await world.clock.runFor(SETTINGS.idExpirationMs + SETTINGS.expiryCheckIntervalMs);
    expect([await world.init(), await world.add()]).toEqual([
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
    ]);
    for (const release of world.log.held) release();
    world.log.held = null;
    await settle();
    expect(await world.init()).toBe('4001/0');
    world.transactions.shutdown();
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
});
