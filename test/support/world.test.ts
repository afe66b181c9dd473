/** The world of the tests in one process: parts that belong together, and the same for the same seed. */
import { describe, expect, it } from 'vitest';
import { sleep } from '../../broker/platform/clock.ts';
import { World } from './world.ts';

/** Whatever chance decides in a world, in order. */
async function drawn(seed: number): Promise<unknown> {
  const world = new World({ seed, latencyMs: (random) => [1, 2 + random.int(1000)] });
  const arrivals: number[] = [];
  const { channels } = world.network.host('b');
  await channels.listen({
    host: 'b',
    port: 1,
    maxMessageBytes: 10,
    accept: () => arrivals.push(world.clock.nowMs()),
    http: () => Promise.reject(new Error('nobody asks')),
  });
  for (let count = 0; count < 3; count++) {
    const near = world.network.host('a').channels;
    await world.settled(near.dial({ host: 'b', port: 1, timeoutMs: 5000, maxMessageBytes: 10 }));
  }
  return [arrivals, world.fork().int(1000), world.platform().random.int(1000)];
}

describe('a world', () => {
  it('is the same for the same seed, and another for another', async () => {
    expect(await drawn(3)).toEqual(await drawn(3));
    expect(await drawn(3)).not.toEqual(await drawn(4));
  });

  it('has one disk for each host, which a process finds again after the one before it', () => {
    const world = new World();
    world.platform('a').disk.makeDirectory('/left');
    expect(world.platform('a').disk.list('/')).toEqual(['left']);
    expect(world.platform('b').disk.list('/')).toEqual([]);
  });

  it('keeps what processes say, with their host, and gives each a journal and metrics of its own', () => {
    const world = new World();
    const [one, other] = [world.platform('a'), world.platform('a')];
    one.journal.record({ kind: 'topic-deleted', topic: 't' });
    expect(world.lines).toEqual([expect.stringMatching(/^a .* Topic t is deleted$/)]);
    expect([one.journal.lastId, other.journal.lastId]).toEqual([1, 0]);
    expect(one.metrics).not.toBe(other.metrics);
  });

  it('stands still until it is told how long to go on', async () => {
    const world = new World();
    let woken = false;
    void sleep(world.clock, 100).then(() => {
      woken = true;
    });
    await world.pass(99);
    expect(woken).toBe(false);
    await world.until(() => woken, 1);
    expect(world.clock.nowMs()).toBe(100);
  });

  it('that flows answers from its tree without being told, and without time', async () => {
    const world = World.flowing();
    const store = await world.store();
    expect(await store.nextSequenceBrokerId()).toBe(1);
    expect([world.tree.read('/brokers/seqid')?.version, world.clock.nowMs()]).toEqual([1, 0]);
  });
});
