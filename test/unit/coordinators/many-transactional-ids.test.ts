/** What ten thousand transactional ids that do nothing cost a coordinator: memory, time to load them, and looks at them. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { newTransaction, transit } from '../../../broker/coordinators/transaction/transaction.ts';
import { transactionRecordCodec } from '../../../broker/coordinators/transaction/transaction-records.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { OWNER, TransactionWorld } from './transaction-world.ts';

const IDS = 10_000;
const IDS_A_BATCH = 1000;
const MOST_BYTES = 20 * 1024 * 1024;
/** Of the processor. */
const MOST_LOAD_MS = 1000;
const MOST_LOOK_MS = 400;
const NO_FILTERS = { producerIds: new Set<number>(), states: new Set<string>(), longerThanMs: -1 };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function worldWithManyIds(): Promise<TransactionWorld> {
  const world = new TransactionWorld();
  const nowMs = world.clock.wallMs();
  for (let first = 0; first < IDS; first += IDS_A_BATCH) {
    const records = Array.from({ length: IDS_A_BATCH }, (_, index) => {
      const unused = newTransaction(first + index, 60_000, nowMs);
      const transaction = transit(unused, { state: 'Empty', producerEpoch: 0, updatedMs: nowMs });
      return transactionRecordCodec.encode({ transactionalId: `payments-${first + index}`, transaction });
    });
    await world.log.append(OWNER, buildBatch({ records }));
  }
  return world;
}

function usedBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

it('10,000 ids are loaded within a second, in 20 MiB, and looked at without being noticed', async () => {
  const world = await worldWithManyIds();
  const before = usedBytes();
  const loadMs = await tookMs(() => world.elect());
  expect(world.transactions.list(NO_FILTERS).transactions).toHaveLength(IDS);
  expect(usedBytes() - before).toBeLessThan(MOST_BYTES);
  expect(loadMs).toBeLessThan(MOST_LOAD_MS);
  world.transactions.start();
  // Six looks for transactions that last too long.
  expect(await tookMs(() => world.clock.runFor(60_000))).toBeLessThan(MOST_LOOK_MS);
  world.transactions.shutdown();
});
