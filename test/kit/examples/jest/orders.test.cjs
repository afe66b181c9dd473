/** With jest: a cluster for the file, new for each test. Modules (`import`) go through jest's usual transform. */
const { startCluster } = require('odradek/testkit');

// Tests and hooks have 5 s unless told otherwise, which a machine that is busy with other things may exceed.
jest.setTimeout(60_000);
let cluster;

beforeAll(async () => {
  cluster = await startCluster({ brokers: 3 });
});
beforeEach(() => cluster.reset());
afterAll(() => cluster.close());

test('survives the loss of a leader', async () => {
  await cluster.createTopics('orders');
  const leader = await cluster.awaitLeader('orders');
  await cluster.produce('orders', ['one']);
  await cluster.stop(leader);
  await cluster.produce('orders', ['two']);
  await cluster.start(leader);
  expect(await cluster.awaitIsr('orders', 0, 3)).toHaveLength(3);
  await cluster.expectEveryAcknowledgedRecordOnce('orders', ['one', 'two']);
});

test('is new for each test', async () => {
  await cluster.createTopics('orders');
  expect(await cluster.consume('orders')).toEqual([]);
});
