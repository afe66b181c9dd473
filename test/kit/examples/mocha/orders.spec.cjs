/** With mocha: a cluster for the file, new for each test. Tests and hooks have 2 s unless they say more. */
const assert = require('node:assert/strict');
const { startCluster } = require('odradek/testkit');

/** Far more than any of it takes: also a machine that is busy with other things is given its time. */
const TIME_MS = 60_000;
let cluster;

before(async function () {
  this.timeout(TIME_MS);
  cluster = await startCluster({ brokers: 3 });
});
beforeEach(function () {
  this.timeout(TIME_MS);
  return cluster.reset();
});
after(function () {
  this.timeout(TIME_MS);
  return cluster.close();
});

it('survives the loss of a leader', async () => {
  await cluster.createTopics('orders');
  const leader = await cluster.awaitLeader('orders');
  await cluster.produce('orders', ['one']);
  await cluster.stop(leader);
  await cluster.produce('orders', ['two']);
  await cluster.start(leader);
  assert.equal((await cluster.awaitIsr('orders', 0, 3)).length, 3);
  await cluster.expectEveryAcknowledgedRecordOnce('orders', ['one', 'two']);
}).timeout(TIME_MS);
