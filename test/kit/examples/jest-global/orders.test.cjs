/** A test that finds the cluster which the run has. */
const { remoteCluster } = require('odradek/testkit');

test('finds brokers, and the commands of the kit', async () => {
  expect(process.env.ODRADEK_BOOTSTRAP_SERVERS.split(',')).toHaveLength(3);
  const cluster = remoteCluster();
  await cluster.produce('orders', ['one']);
  expect(await cluster.consume('orders', { count: 1 })).toMatchObject([{ value: 'one' }]);
});
