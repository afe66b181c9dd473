/** What a transaction lives through: records that can not be written, and a coordinator that is another one. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { sealBatch } from '../../../broker/records/batch.ts';
import { failover, OWNER, ongoing, settle, T0, T1, TransactionWorld } from './transaction-world.ts';

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
    sealBatch(last ?? Buffer.alloc(0), 0);
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
