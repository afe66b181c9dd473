/** Where thousands wait for the same record, some of them are answered in each turn of the event loop. */
import { expect, it } from 'vitest';
import { ReplicationCluster } from './cluster-kit.ts';
import { fetching, oneBroker } from './one-consumer.ts';

const MANY = 1000;
const MOST_PER_TURN = 100;

/** How many of these are settled between two turns of the loop that anybody has asked for, once `event` has happened. */
async function settledPerTurn(
  { clock }: ReplicationCluster,
  waiting: readonly Promise<unknown>[],
  event: () => void,
): Promise<number[]> {
  const perTurn = [0];
  const soon = clock.soon.bind(clock);
  clock.soon = (run) =>
    soon(() => {
      perTurn.push(0);
      run();
    });
  const settled = waiting.map((one) =>
    one.then(() => {
      perTurn[perTurn.length - 1] = (perTurn.at(-1) ?? 0) + 1;
    }),
  );
  event();
  await clock.runUntilSettled(Promise.all(settled), 1000);
  return perTurn;
}

it('consumers that wait for one record all get it', async () => {
  const cluster = await oneBroker();
  const waiting = Array.from({ length: MANY }, () => fetching(cluster, 1, { maxWaitMs: 10_000 }));
  await cluster.clock.runFor(10);
  const perTurn = await settledPerTurn(cluster, waiting, () => void cluster.produce(1, ['a'], { acks: 1 }));
  expect(Math.max(...perTurn)).toBe(MOST_PER_TURN);
  for (const [outcome] of await Promise.all(waiting)) expect(outcome?.records.length).toBeGreaterThan(0);
});

it('producers whose records are replicated together all are told', async () => {
  const cluster = await ReplicationCluster.start({ brokers: 2 });
  cluster.create([1, 2]);
  await cluster.clock.runFor(1000);
  const waiting = Array.from({ length: MANY }, () => cluster.produce(1, ['a']));
  const perTurn = await settledPerTurn(cluster, waiting, () => {});
  expect(Math.max(...perTurn)).toBe(MOST_PER_TURN);
  const offsets = (await Promise.all(waiting)).map(({ baseOffset }) => baseOffset);
  expect(offsets).toEqual(Array.from({ length: MANY }, (_, at) => at));
});
