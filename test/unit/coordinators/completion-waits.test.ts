/** Requests that come while the transaction before is completed wait for that, a short time, and one at a time. */
import { expect, it } from 'vitest';
import { OWNER, ongoing, settle, type TransactionWorld } from './transaction-world.ts';

const WAIT_MS = 50;

/** What has been answered so far; nothing while it waits. */
interface Asked {
  answer: string | null;
}

function asked(coming: Promise<string>): Asked {
  const made: Asked = { answer: null };
  void coming.then((answer) => {
    made.answer = answer;
  });
  return made;
}

/** The transaction is decided, and its partitions are being told. */
async function ending(): Promise<TransactionWorld> {
  const world = await ongoing({ completionWaitMs: WAIT_MS });
  expect(await world.end(true)).toBe('NONE');
  return world;
}

it('partitions are added to the next transaction as soon as the one before is completed', async () => {
  const world = await ending();
  const added = asked(world.add());
  await world.clock.runFor(WAIT_MS - 1);
  expect([added.answer, world.describe()]).toEqual([null, 'PrepareCommit/0']);
  await world.told();
  await settle();
  expect([added.answer, world.describe()]).toEqual(['NONE', 'Ongoing/0']);
});

it('after transaction.completion.wait.ms the answer is CONCURRENT_TRANSACTIONS, as it is at once in Kafka', async () => {
  const world = await ending();
  const added = asked(world.add());
  await world.clock.runFor(WAIT_MS);
  await settle();
  expect(added.answer).toBe('CONCURRENT_TRANSACTIONS');
  // And nothing is left of it.
  await world.told();
  expect(world.describe()).toBe('CompleteCommit/0');
  expect(await world.add()).toBe('NONE');
});

it('another request of the id does not wait as well', async () => {
  const world = await ending();
  const first = asked(world.add());
  const second = asked(world.add());
  await settle();
  expect([first.answer, second.answer]).toEqual([null, 'CONCURRENT_TRANSACTIONS']);
  await world.told();
  await settle();
  expect(first.answer).toBe('NONE');
});

it('when the coordinator moves away meanwhile, that is the answer', async () => {
  const world = await ending();
  const added = asked(world.add());
  await settle();
  world.transactions.resign(OWNER);
  await settle();
  expect(added.answer).toBe('NOT_COORDINATOR');
});

it('an EndTxn that is sent again, and who has another epoch, are answered at once', async () => {
  const world = await ending();
  const answers = [asked(world.end(true)), asked(world.add(7))];
  await settle();
  expect(answers.map(({ answer }) => answer)).toEqual(['CONCURRENT_TRANSACTIONS', 'PRODUCER_FENCED']);
});

it('a producer that comes again has its predecessor’s transaction aborted and gets its epoch in one request', async () => {
  const world = await ongoing({ completionWaitMs: WAIT_MS });
  const made = asked(world.init());
  await settle();
  expect([made.answer, world.describe()]).toEqual([null, 'PrepareAbort/1']);
  await world.told();
  await settle();
  expect([made.answer, world.describe()]).toEqual(['4000/2', 'Empty/2']);
});
