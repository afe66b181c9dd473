/** Disks that fail and fill up in the kit: what a broker makes of it, and what it is afterwards. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KitCluster, startCluster } from './cluster.ts';
import { until } from './waits.ts';

let cluster: KitCluster;

beforeAll(async () => {
  cluster = await startCluster({ properties: { 'zookeeper.session.timeout.ms': '600' } });
});
beforeEach(() => cluster.reset());
afterAll(() => cluster.close());

const stopped = (broker: number): Promise<void> =>
  until(`broker ${broker} to stop`, {}, () => {
    const state = cluster.state(broker);
    return state === 'stopped' ? { done: undefined } : { seen: state };
  });

/** A topic, its leader, and that records written now are acknowledged by others than it. */
async function leaderOf(topic: string): Promise<number> {
  await cluster.createTopics(topic);
  await cluster.produce(topic, ['before']);
  return cluster.awaitLeader(topic);
}

describe('a disk', () => {
  it('that is full ends its broker, another one leads, and after a start it is as before', async () => {
    const leader = await leaderOf('t');
    cluster.fillDisk(leader);
    await cluster.produce('t', ['one']);
    await stopped(leader);
    expect(await cluster.awaitLeader('t')).not.toBe(leader);
    cluster.healDisk(leader);
    await cluster.start(leader);
    await cluster.awaitIsr('t', 0, 3);
    expect((await cluster.consume('t', { count: 2 })).map(({ value }) => value)).toEqual(['before', 'one']);
  });

  it('that fills up takes what there is room for', async () => {
    const leader = await leaderOf('t');
    cluster.fillDisk(leader, { afterBytes: 10_000, topic: 't', partition: 0 });
    await cluster.produce('t', ['x'.repeat(5000)]);
    expect(cluster.state(leader)).toBe('running');
    await cluster.produce('t', ['x'.repeat(6000)]);
    await stopped(leader);
  });

  it.each(['write', 'read'] as const)('that fails in a %s ends its broker', async (operation) => {
    const leader = await leaderOf('t');
    cluster.failDisk(leader, { operation, topic: 't', times: 1 });
    if (operation === 'write') await cluster.produce('t', ['one']);
    else await cluster.consume('t', { count: 1 });
    await stopped(leader);
    await cluster.start(leader);
    await cluster.awaitIsr('t', 0, 3);
  });

  it('that fails in a sync ends its broker', async () => {
    await cluster.createTopics({ name: 't', configs: { 'flush.messages': '1' } });
    const leader = await cluster.awaitLeader('t');
    cluster.failDisk(leader, { operation: 'sync', topic: 't' });
    await cluster.produce('t', ['one']);
    await stopped(leader);
  });

  it('of a topic that nobody writes to hurts nobody, and reset heals it', async () => {
    await cluster.createTopics('t', 'u');
    const leader = await cluster.awaitLeader('t');
    cluster.failDisk(leader, { operation: 'write', topic: 'other' });
    await cluster.produce('t', ['one']);
    expect(cluster.state(leader)).toBe('running');
    cluster.fillDisk(leader, { topic: 'x' });
    await cluster.reset();
    await cluster.createTopics('x');
    await cluster.produce('x', ['one']);
    expect(cluster.state(leader)).toBe('running');
  });

  it('is hurt by words that there are', () => {
    expect(() => cluster.failDisk(9)).toThrow('there is no broker 9: they are 1 to 3');
    expect(() => cluster.failDisk(1, { operation: 'wrte' as 'write' })).toThrow(
      "'wrte' is no operation of a disk: is it write?",
    );
    expect(() => cluster.failDisk(1, { error: 'EOI' as 'EIO' })).toThrow("'EOI' is no error of a disk");
    expect(() => cluster.failDisk(1, { times: 0 })).toThrow('times must be 1 or more, not 0');
    expect(() => cluster.failDisk(1, { partition: 0 })).toThrow('a partition needs its topic');
    expect(() => cluster.fillDisk(1, { afterBytes: -1 })).toThrow('afterBytes must be 0 or more, not -1');
    expect(() => cluster.fillDisk(1, { after: 1 } as object)).toThrow("'after' is no option of fillDisk");
  });
});
