/** Faults on demand of the ways between brokers, to ZooKeeper (a real ensemble, if there is one) and to clients. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RemoteFault } from '../kit/http/fault-client.ts';
import { eventually } from '../support/eventually.ts';
import { type HurtCluster, startHurtCluster } from './hurt-cluster.ts';
import { activeController } from './real-cluster.ts';

let hurt: HurtCluster;
let controller: number;
let leader: number;
let follower: number;

beforeAll(async () => {
  hurt = await startHurtCluster({
    brokers: 3,
    properties: { 'replica.lag.time.max.ms': '4000', 'zookeeper.session.timeout.ms': '6000' },
  });
  controller = await activeController(hurt);
  [leader = 0, follower = 0] = hurt.cluster.brokers.map(({ id }) => id).filter((id) => id !== controller);
  await hurt.createTopic('t', { replicas: [leader, follower] });
  await hurt.createTopic('elsewhere', { replicas: [controller] });
}, 150_000);

afterAll(() => hurt.close(), 60_000);

afterEach(async () => {
  for (const { id } of hurt.cluster.brokers) await hurt.faults(id).healAll();
});

const allInSync = (): Promise<void> =>
  eventually(
    'all are in sync',
    async () => (await hurt.metric(leader, 'kafka_server_replicamanager_underreplicatedpartitions')) === 0,
    90_000,
  );

/** In-sync replicas shrink while `disturb`'s fault is in place, and grow when it is healed. */
async function isrShrinksAndGrows(disturb: () => Promise<{ heal(): Promise<void> }>): Promise<void> {
  await allInSync();
  const last = hurt.lastEvent(leader);
  const fault = await disturb();
  // Who has all that there is stays in sync, however long it is not heard of.
  await hurt.produce(leader, 't');
  await hurt.event(leader, 'isr-shrink-proposed', last);
  await fault.heal();
  await hurt.event(leader, 'isr-expand-proposed', last);
  await allInSync();
}

describe('the way between two brokers', () => {
  it(
    'is cut by the one that is dialled',
    () => isrShrinksAndGrows(() => hurt.faults(leader).strike('link-cut', { to: follower })),
    180_000,
  );

  it(
    'is cut by the one that dials',
    () => isrShrinksAndGrows(() => hurt.faults(follower).strike('link-cut', { to: leader })),
    180_000,
  );

  it(
    'is silent, one way',
    () =>
      isrShrinksAndGrows(() =>
        hurt.faults(leader).strike('link-cut', { to: follower, how: 'silent', direction: 'in' }),
      ),
    180_000,
  );

  it(
    'is cut with all others',
    () => isrShrinksAndGrows(() => hurt.faults(follower).strike('link-cut', { to: 'brokers' })),
    180_000,
  );
});

it('the way to the controller is the way to the broker that is it', async () => {
  await allInSync();
  const last = hurt.lastEvent(leader);
  const cut = await hurt.faults(leader).strike('link-cut', { to: 'controller' });
  expect(cut.parameters).toMatchObject({ broker: controller });
  // The leader sees its follower lag, and can tell nobody that it is in sync no more.
  const back = await hurt.faults(follower).strike('isr-leave', { topic: 't' });
  await hurt.produce(leader, 't');
  await hurt.event(leader, 'isr-shrink-proposed', last);
  const written = hurt.lastEvent(controller);
  await cut.heal();
  expect(await hurt.event(controller, 'isr-shrunk', written)).toMatchObject({ topic: 't', to: [leader] });
  await back.heal();
  await hurt.event(leader, 'isr-expand-proposed', last);
  await expect(hurt.faults(controller).strike('link-cut', { to: 'controller' })).rejects.toThrow(
    `broker ${controller} is the controller itself`,
  );
}, 180_000);

describe('the way to ZooKeeper', () => {
  it('is cut for less than a session, which lives on', async () => {
    const last = hurt.lastEvent(follower);
    const cut = await hurt.faults(follower).strike('link-cut', { to: 'zookeeper' });
    await hurt.event(follower, 'session-suspended', last);
    await cut.heal();
    await hurt.event(follower, 'session-resumed', last);
  }, 180_000);

  it('is silent for longer than a session, which is another after that', async () => {
    const last = hurt.lastEvent(follower);
    const seen = hurt.lastEvent(controller);
    const cut = await hurt.faults(follower).strike('link-cut', { to: 'zookeeper', how: 'silent' });
    expect((await hurt.event(controller, 'brokers-changed', seen)).left).toEqual([follower]);
    await cut.heal();
    await hurt.event(follower, 'session-lost', last);
    await hurt.event(follower, 'session-regained', last);
    await eventually('it is healthy', async () => (await hurt.health(follower))?.healthy === true, 90_000);
  }, 180_000);

  it('ends when ZooKeeper lets the session expire: the broker lives, and registers anew', async () => {
    const last = hurt.lastEvent(follower);
    const { pid } = hurt.cluster.broker(follower).child;
    await hurt.faults(follower).strike('session-expire');
    const lost = await hurt.event(follower, 'session-lost', last);
    expect((await hurt.event(follower, 'session-regained', last)).sessionId).not.toBe(lost.sessionId);
    await hurt.event(follower, 'broker-registered', last);
    expect(hurt.cluster.broker(follower).child.pid).toBe(pid);
    await eventually('it is healthy', async () => (await hurt.health(follower))?.healthy === true, 90_000);
  }, 180_000);

  it('ends also while its broker is cut off: ZooKeeper is told past what is cut', async () => {
    const last = hurt.lastEvent(follower);
    const cut = await hurt.faults(follower).strike('link-cut', { to: 'zookeeper' });
    await hurt.faults(follower).strike('session-expire');
    await cut.heal();
    await hurt.event(follower, 'session-lost', last);
    await hurt.event(follower, 'broker-registered', last);
    await eventually('it is healthy', async () => (await hurt.health(follower))?.healthy === true, 90_000);
  }, 180_000);

  it('is cut to single servers: the session goes to another one', async () => {
    if (hurt.ensemble === null) return;
    const servers = hurt.ensemble.ports.map((port) => `zookeeper:127.0.0.1:${port}`);
    const [first = '', second = '', third = ''] = servers;
    const cuts = [];
    for (const to of [first, second]) cuts.push(await hurt.faults(follower).strike('link-cut', { to }));
    await eventually('it is healthy', async () => (await hurt.health(follower))?.healthy === true, 90_000);
    const last = hurt.lastEvent(follower);
    // Now it can only be on the third.
    await hurt.faults(follower).strike('link-cut', { to: third });
    await hurt.event(follower, 'session-suspended', last);
    for (const cut of cuts) await cut.heal();
    await hurt.event(follower, 'session-resumed', last);
  }, 180_000);
});

describe('the way to clients', () => {
  const produce = async (to: number, topic: string, valueBytes = 1): Promise<void> => {
    expect((await hurt.produce(to, topic, valueBytes)).errorCode).toBe(0);
  };

  /** More one after the other than what is held up has, so that this would be through first if nothing held it. */
  const ELSEWHERE = 30;

  /**
   * What is sent through the fault is overtaken by what is sent elsewhere after it, and comes through whole.
   * How long either takes is up to the machine.
   */
  async function holdsUp(fault: RemoteFault, send: () => Promise<void>): Promise<void> {
    const order: string[] = [];
    const sent = send().then(() => order.push('through the fault'));
    for (let count = 0; count < ELSEWHERE; count++) await produce(controller, 'elsewhere');
    order.push('elsewhere');
    await fault.heal();
    await sent;
    expect(order).toEqual(['elsewhere', 'through the fault']);
  }

  it('is cut, and mends by itself', async () => {
    const last = hurt.lastEvent(leader);
    await hurt.faults(leader).strike('link-cut', { to: 'clients', forMs: 1500 });
    await expect(hurt.produce(leader, 't')).rejects.toThrow();
    expect(await hurt.event(leader, 'fault-healed', last)).toMatchObject({ fault: 'link-cut', why: 'time' });
    await produce(leader, 't');
  });

  it.each([undefined, 'in', 'out'] as const)(
    'is slow (direction: %s)',
    async (direction) => {
      const way = direction === undefined ? {} : { direction };
      const fault = await hurt
        .faults(leader)
        .strike('link-delay', { to: 'clients', delayMs: 60_000, ...way });
      await holdsUp(fault, () => produce(leader, 't'));
    },
    180_000,
  );

  it('takes as much longer each way as was asked for', async () => {
    const fault = await hurt.faults(leader).strike('link-delay', { to: 'clients', delayMs: 300 });
    const beforeMs = performance.now();
    await produce(leader, 't');
    // Two requests (ApiVersions is the other one), there and back: one way alone would make 600.
    expect(performance.now() - beforeMs).toBeGreaterThan(1100);
    await fault.heal();
  });

  it('is narrow', async () => {
    const fault = await hurt.faults(leader).strike('link-rate', { to: 'clients', bytesPerSecond: 100 });
    await holdsUp(fault, () => produce(leader, 't', 50_000));
  }, 180_000);

  it('loses packets: nothing is missing, but it stalls', async () => {
    const fault = await hurt
      .faults(leader)
      .strike('link-loss', { to: 'clients', rate: 0.95, direction: 'in' });
    // Twenty pieces in a row, of which each waits 5 s on average (6.2 s at most, three times of four).
    await holdsUp(fault, async () => {
      for (let count = 0; count < 10; count++) await produce(leader, 't');
    });
  }, 180_000);
});

it('there is no way to somebody unknown, and it is said to whom there are ways', async () => {
  await expect(hurt.faults(leader).strike('link-cut', { to: 9 })).rejects.toThrow(
    /^there is no way to '9': there are \d, \d, 'brokers', 'controller', 'clients', 'zookeeper', 'zookeeper:/,
  );
  await expect(hurt.faults(leader).strike('link-cut', { to: leader })).rejects.toThrow('there is no way');
  await expect(hurt.faults(leader).strike('link-cut', { to: follower, direction: 'in' })).rejects.toThrow(
    "direction is for how: 'silent'",
  );
});
