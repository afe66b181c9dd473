/** Brokers of a test cluster that stop, die, stand still and come back. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KitCluster, startCluster } from './cluster.ts';

let cluster: KitCluster;

beforeAll(async () => {
  cluster = await startCluster({ properties: { 'zookeeper.session.timeout.ms': '600' } });
});
beforeEach(() => cluster.reset());
afterAll(() => cluster.close());

describe('a broker', () => {
  it('that is stopped hands its leaders over, and starts again on its port with its records', async () => {
    await cluster.createTopics({ name: 't', partitions: 1 });
    const leader = await cluster.awaitLeader('t');
    await cluster.produce('t', ['one']);
    await cluster.stop(leader);
    expect(cluster.state(leader)).toBe('stopped');
    const next = await cluster.awaitLeader('t');
    expect(next).not.toBe(leader);
    expect(cluster.events({ kind: 'leader-moved' }).at(-1)?.event).toMatchObject({
      reason: 'controlled-shutdown',
    });
    await cluster.produce('t', ['two']);
    await cluster.start(leader);
    await cluster.awaitIsr('t', 0, 3);
    expect(cluster.brokers[leader - 1]?.inside.logs.log('t', 0)?.endOffset).toBe(2);
    const port = Number(cluster.bootstrapServers.split(',')[leader - 1]?.split(':')[1]);
    expect([...(cluster.brokers[leader - 1]?.ports.values() ?? [])]).toEqual([port]);
  });

  it('that is killed is replaced when its session has expired, and loses nothing', async () => {
    await cluster.createTopics('t');
    await cluster.produce('t', ['one', 'two']);
    const leader = await cluster.awaitLeader('t');
    await cluster.kill(leader);
    const next = await cluster.awaitLeader('t', 0);
    expect(next).not.toBe(leader);
    await cluster.awaitIsr('t', 0, 2);
    await cluster.produce('t', ['three']);
    await cluster.start(leader);
    await cluster.awaitIsr('t', 0, 3);
    await cluster.expectEveryAcknowledgedRecordOnce('t', ['one', 'two', 'three']);
  });

  it('that is killed and started at once is back without waiting for its session', async () => {
    await cluster.createTopics('t');
    for (let round = 0; round < 3; round++) {
      const leader = await cluster.awaitLeader('t');
      await cluster.kill(leader);
      await cluster.start(leader);
      await cluster.produce('t', [`round ${round}`]);
    }
    await cluster.awaitIsr('t', 0, 3);
    expect(await cluster.consume('t')).toHaveLength(3);
  });

  it('that is killed while it starts or stops leaves nobody waiting', async () => {
    const stopping = expect(cluster.stop(2)).rejects.toThrow('broker 2 was killed');
    await cluster.kill(2);
    await stopping;
    const starting = expect(cluster.start(2)).rejects.toThrow('broker 2 was killed');
    await cluster.kill(2);
    await starting;
    expect(cluster.state(2)).toBe('killed');
    await cluster.start(2);
    expect(cluster.state(2)).toBe('running');
  });

  it('that stands still is replaced, and follows when it goes on', async () => {
    await cluster.createTopics('t');
    const leader = await cluster.awaitLeader('t');
    cluster.pause(leader);
    expect(cluster.state(leader)).toBe('paused');
    await cluster.awaitLeader('t', 0);
    await cluster.produce('t', ['meanwhile']);
    cluster.resume(leader);
    await cluster.awaitIsr('t', 0, 3);
    expect(cluster.events({ kind: 'session-lost', broker: leader })).not.toHaveLength(0);
    expect(cluster.brokers[leader - 1]?.inside.logs.log('t', 0)?.endOffset).toBe(1);
  });

  it('whose session expires registers again', async () => {
    const before = cluster.brokers[0]?.inside.brokerEpoch ?? 0;
    cluster.expireSession(1);
    await expect.poll(() => cluster.brokers[0]?.inside.brokerEpoch).toBeGreaterThan(before);
    expect(cluster.events({ kind: 'session-regained', broker: 1 })).not.toHaveLength(0);
  });
});

describe('offices', () => {
  it('a leader, a coordinator and the controller go to whom they are moved', async () => {
    await cluster.createTopics({ name: 't', partitions: 2 });
    for (const to of [1, 2, 3, 1]) {
      await cluster.moveLeader('t', 1, to);
      expect(await cluster.awaitLeader('t', 1)).toBe(to);
    }
    await cluster.awaitGroup('g', 'Dead');
    await cluster.moveCoordinator('g', 2);
    await cluster.moveCoordinator('g', 3);
    for (const to of [3, 2, 1, 3]) {
      await cluster.moveController(to);
      expect(cluster.brokers.map((broker) => broker.inside.controller.isActive)).toEqual(
        [1, 2, 3].map((id) => id === to),
      );
    }
  });

  it('a leader goes to nobody who is not in sync', async () => {
    await cluster.createTopics('t');
    const leader = await cluster.awaitLeader('t');
    const gone = (leader % 3) + 1;
    await cluster.stop(gone);
    await expect(cluster.moveLeader('t', 0, gone)).rejects.toThrow(`broker ${gone} is not in sync for t-0`);
  });
});

describe('waiting', () => {
  it('says what was seen instead', async () => {
    await cluster.createTopics('t');
    await cluster.awaitGroup('g', 'Dead');
    // Long enough for one look on a busy machine.
    const wait = { timeoutMs: 3000 };
    await expect(cluster.awaitLeader('u', 0, wait)).rejects.toThrow(
      'waited 3000 ms for a leader of u-0, but brokers 1, 2, 3 see no leader',
    );
    await expect(cluster.awaitIsr('t', 0, [1, 2], wait)).rejects.toThrow(
      /waited 3000 ms for the in-sync replicas 1,2 of t-0, but brokers 1, 2, 3 see ISR [123],[123],[123]/,
    );
    await expect(cluster.awaitGroup('g', 'Stable', wait)).rejects.toThrow(
      'waited 3000 ms for group g to be Stable, but it is Dead, with 0 members',
    );
    await expect(cluster.awaitAssigned('g', 't', wait)).rejects.toThrow(
      'for all of t to be assigned in group g, but it is Dead, and partitions 0 are nobody',
    );
    await expect(cluster.consume('t', { count: 2, ...wait })).rejects.toThrow(
      'waited 3000 ms for 2 records of t, but there are 0',
    );
    await expect(cluster.awaitGroup('g', 'Stabel' as 'Stable')).rejects.toThrow('is it Stable?');
  });
});
