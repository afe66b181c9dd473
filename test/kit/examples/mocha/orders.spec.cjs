/** With mocha: a cluster for the file, new for each test. A test has 2 s unless it says more. */
const assert = require('node:assert/strict');
const { startCluster } = require('odradek/testkit');

let cluster;

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
  assert.equal((await cluster.awaitIsr('orders', 0, 3)).length, 3);
  await cluster.expectEveryAcknowledgedRecordOnce('orders', ['one', 'two']);
}).timeout(10_000);
