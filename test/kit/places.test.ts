/** Clusters on an ensemble of somebody else's, in racks, with properties of single brokers, side by side. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { type KitCluster, startCluster } from './cluster.ts';

/** A busy machine may not be silent for as long as this. */
const SESSION_TIMEOUT_MS = '4000';

/** Debian's ZooKeeper where it is installed. */
const isThere = ensembleLacks() === null;

describe(`a cluster on an ensemble (${isThere ? "Debian's ZooKeeper" : 'the embedded server'})`, () => {
  let place: Place;
  let cluster: KitCluster;

  beforeAll(async () => {
    place = await (isThere ? debian() : embedded());
    cluster = await startCluster({
      zookeeper: `${place.connect}/chroot`,
      properties: {
        'zookeeper.session.timeout.ms': SESSION_TIMEOUT_MS,
        // The first answers of a JVM may take their time.
        'zookeeper.connection.timeout.ms': '20000',
      },
    });
  });
  beforeEach(() => cluster.reset());
  afterAll(async () => {
    await cluster?.close();
    await place?.end();
  });

  it('brokers stop, die, start again at once, and lose nothing', async () => {
    expect(cluster.zookeeper).toBe(`${place.connect}/chroot`);
    await cluster.createTopics('t');
    await cluster.produce('t', ['one']);
    const leader = await cluster.awaitLeader('t');
    await cluster.kill(leader);
    // As a process does, it leaves its session behind: the others hear of it when that is over.
    expect(await registered()).toContain(String(leader));
    await cluster.awaitIsr('t', 0, 2);
    expect(await registered()).not.toContain(String(leader));
    await cluster.produce('t', ['two']);
    await cluster.start(leader);
    await cluster.awaitIsr('t', 0, 3);
    const next = await cluster.awaitLeader('t');
    await cluster.kill(next);
    await cluster.start(next);
    await cluster.awaitIsr('t', 0, 3);
    await cluster.stop(next);
    await cluster.start(next);
    await cluster.expectEveryAcknowledgedRecordOnce('t', ['one', 'two']);
  });

  it('a session expires, and its broker goes on in another', async () => {
    await cluster.createTopics('t');
    await cluster.awaitIsr('t', 0, 3);
    const before = (await sessionOf(1)) ?? '';
    await cluster.expireSession(1);
    await expect.poll(() => sessionOf(1)).not.toBeOneOf([before, null]);
    expect(cluster.state(1)).toBe('running');
    await cluster.produce('t', ['one']);
    await cluster.awaitIsr('t', 0, 3);
  });

  it('a broker that stands still is replaced, and finds out when it goes on', async () => {
    await cluster.createTopics('t');
    await cluster.awaitIsr('t', 0, 3);
    const leader = await cluster.awaitLeader('t');
    cluster.pause(leader);
    await expect.poll(registered).not.toContain(String(leader));
    await cluster.awaitIsr('t', 0, 2);
    cluster.resume(leader);
    await cluster.awaitIsr('t', 0, 3);
  });

  it('the way to ZooKeeper is cut, silent, slow and whole again', async () => {
    for (const how of ['reset', 'silent'] as const) {
      cluster.cut(1, 'zookeeper', { how });
      await expect.poll(registered).not.toContain('1');
      cluster.heal(1, 'zookeeper');
      await expect.poll(registered).toContain('1');
    }
    cluster.slow(1, 'zookeeper', 50);
    await cluster.createTopics('slow');
    cluster.heal();
  });

  it('the controller moves', async () => {
    for (const to of [1, 2, 3]) {
      await cluster.moveController(to);
      expect(cluster.brokers[to - 1]?.inside.controller.isActive).toBe(true);
    }
  });

  it('a picture is taken and put back, and what is not the brokers\u2019 stays', async () => {
    await cluster.createTopics({ name: 't', configs: { 'retention.ms': '86400000' } });
    await cluster.produce('t', ['one']);
    await inSession('/chroot', (client) =>
      client.commit([{ op: 'create', path: '/other', data: Buffer.from('x'), lifetime: 'persistent' }]),
    );
    const before = await cluster.snapshot();
    await cluster.produce('t', ['two']);
    await cluster.createTopics('u');
    await cluster.restore(before);
    expect((await cluster.consume('t')).map(({ value }) => value)).toEqual(['one']);
    await cluster.createTopics('u');
    expect(await inSession('/chroot', (client) => client.children('/'))).toContain('other');
  });

  it('it is reset again and again', async () => {
    for (let round = 0; round < 3; round++) {
      await cluster.reset();
      await cluster.createTopics('t');
      expect(await cluster.consume('t')).toEqual([]);
    }
  });

  it('nothing is left there when it is closed, whatever its brokers did', async () => {
    const kept = await startCluster({ zookeeper: `${place.connect}/closed` });
    await kept.kill(1);
    kept.pause(2);
    await kept.close();
    expect(await inSession('/closed', (client) => client.children('/brokers/ids'))).toEqual([]);
  });

  async function inSession<T>(chroot: string, work: (client: Coordinator) => Promise<T>): Promise<T> {
    const options = { sessionTimeoutMs: 20_000, connectionTimeoutMs: 20_000, maxInFlightRequests: 10 };
    const client = await zookeeperSource({ connect: `${place.connect}${chroot}`, ...options }).open(60_000);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  function registered(): Promise<readonly string[] | null> {
    return inSession('/chroot', (client) => client.children('/brokers/ids'));
  }

  function sessionOf(broker: number): Promise<string | null> {
    return inSession('/chroot', async (client) => {
      const node = await client.read(`/brokers/ids/${broker}`);
      return node === null ? null : String(node.ephemeralOwner);
    });
  }
});

interface Place {
  readonly connect: string;
  readonly end: () => Promise<void>;
}

async function embedded(): Promise<Place> {
  const server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 100 });
  return {
    connect: `127.0.0.1:${server.port}`,
    end: () => server.close(),
  };
}

async function debian(): Promise<Place> {
  const ensemble = await startEnsemble({ nodes: 1, tickMs: 200 });
  return { connect: ensemble.connect, end: () => ensemble.close() };
}

it("ZooKeeper's clients see the tree of a cluster that lets them, and its brokers come and go", async () => {
  const cluster = await startCluster({ brokers: 2, zookeeperPort: 0 });
  const options = { sessionTimeoutMs: 20_000, connectionTimeoutMs: 20_000, maxInFlightRequests: 10 };
  const client = await zookeeperSource({ connect: cluster.zookeeper ?? '', ...options }).open(60_000);
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
