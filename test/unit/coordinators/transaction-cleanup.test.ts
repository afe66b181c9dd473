/** What the transaction coordinator does unasked: timeouts, and ids that are forgotten. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import {
  FIRST_PRODUCER_ID,
  failover,
  ID,
  OWNER,
  ongoing,
  SETTINGS,
  settle,
  TransactionWorld,
} from './transaction-world.ts';

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
