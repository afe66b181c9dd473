/** With node:test, run by `node --test`. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, it } from 'node:test';
import { type KitCluster, startCluster } from '../cluster.ts'; // in your project: 'odradek/testkit'

let cluster: KitCluster;

before(async () => {
  cluster = await startCluster({ brokers: 3 });
});
beforeEach(() => cluster.reset());
after(() => cluster.close());

it('survives the loss of a leader', async () => {
  await cluster.createTopics('orders');
  const leader = await cluster.awaitLeader('orders');
  await cluster.produce('orders', ['one']);
  await cluster.stop(leader);
  await cluster.produce('orders', ['two']);
  await cluster.start(leader);
  assert.deepEqual(await cluster.awaitIsr('orders', 0, 3).then((isr) => isr.length), 3);
  await cluster.expectEveryAcknowledgedRecordOnce('orders', ['one', 'two']);
});
