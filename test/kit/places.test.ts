/** Clusters on an ensemble of somebody else's, in racks, with properties of single brokers, side by side. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { startCluster } from './cluster.ts';

describe('a cluster on an ensemble', () => {
  let server: EmbeddedServer;
  beforeAll(async () => {
    server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 100 });
  });
  afterAll(() => server.close());

  it('stops, dies, starts again and is reset; what needs the tree in this process says so', async () => {
    const cluster = await startCluster({
      zookeeper: `127.0.0.1:${server.port}/chroot`,
      properties: { 'zookeeper.session.timeout.ms': '1000' },
      topics: ['t'],
    });
    try {
      await cluster.produce('t', ['one']);
      const leader = await cluster.awaitLeader('t');
      await cluster.kill(leader);
      await cluster.awaitIsr('t', 0, 2);
      await cluster.produce('t', ['two']);
      await cluster.start(leader);
      await cluster.awaitIsr('t', 0, 3);
      await cluster.expectEveryAcknowledgedRecordOnce('t', ['one', 'two']);
      for (let round = 0; round < 3; round++) {
        await cluster.reset();
        await cluster.createTopics('t');
        expect(await cluster.consume('t')).toEqual([]);
      }
      expect(cluster.zookeeper).toBe(`127.0.0.1:${server.port}/chroot`);
      expect(() => cluster.expireSession(1)).toThrow('needs the tree in this process');
      expect(() => cluster.pause(1)).toThrow('needs the tree in this process');
      expect(() => cluster.cut(1, 'zookeeper')).toThrow('start without zookeeper');
      await expect(cluster.moveController(1)).rejects.toThrow('needs the tree in this process');
      await expect(cluster.snapshot()).rejects.toThrow('needs the tree in this process');
    } finally {
      await cluster.close();
    }
    await expect.poll(() => server.connectionCount).toBe(0);
  });
});

it("ZooKeeper's clients see the tree of a cluster that lets them, and its brokers come and go", async () => {
  const cluster = await startCluster({ brokers: 2, zookeeperPort: 0 });
  const options = { sessionTimeoutMs: 2000, connectionTimeoutMs: 2000, maxInFlightRequests: 10 };
  const client = await zookeeperSource({ connect: cluster.zookeeper ?? '', ...options }).open(2000);
  let changes = 0;
  client.watch('/brokers/ids', 'children', () => changes++);
  expect(await client.children('/brokers/ids')).toEqual(['1', '2']);
  await cluster.stop(2);
  await expect.poll(() => changes).toBeGreaterThan(0);
  expect(await client.children('/brokers/ids')).toEqual(['1']);
  await client.close();
  await cluster.close();
});

it('racks and properties of single brokers are theirs', async () => {
  const cluster = await startCluster({
    brokers: 2,
    racks: ['a', 'b'],
    properties: { 'num.partitions': '4' },
    perBroker: { 2: { 'broker.rack': 'c' } },
  });
  const { brokers } = cluster.brokers[0]?.inside.metadata.image ?? {};
  expect([...(brokers?.values() ?? [])].map(({ id, rack }) => [id, rack])).toEqual([
    [1, 'a'],
    [2, 'c'],
  ]);
  await cluster.close();
});

it('clusters side by side are not in each other’s way', async () => {
  const clusters = await Promise.all([1, 2, 3, 4].map(() => startCluster({ brokers: 2, topics: ['t'] })));
  await Promise.all(
    clusters.map(async (cluster, index) => {
      await cluster.produce('t', [`of ${index}`]);
      await cluster.stop(1);
      await cluster.start(1);
      expect((await cluster.consume('t')).map(({ value }) => value)).toEqual([`of ${index}`]);
    }),
  );
  const ports = clusters.flatMap(({ bootstrapServers }) => bootstrapServers.split(','));
  expect(new Set(ports).size).toBe(8);
  await Promise.all(clusters.map((cluster) => cluster.close()));
});
