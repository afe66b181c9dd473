/** Faults on demand of processes, sessions, requests and replicas, over HTTP, each struck and healed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { eventually } from '../support/eventually.ts';
import { type HurtCluster, startHurtCluster } from './hurt-cluster.ts';
import { activeController, SILENCE_MS } from './real-cluster.ts';

const HOUR_MS = 3_600_000;
let hurt: HurtCluster;
/** Neither is the controller at the start. */
let one: number;
let other: number;

beforeAll(async () => {
  hurt = await startHurtCluster({
    brokers: 3,
    embedded: true,
    properties: { 'replica.lag.time.max.ms': '4000', 'offsets.topic.num.partitions': '1' },
  });
  const controller = await activeController(hurt);
  [one = 0, other = 0] = hurt.cluster.brokers.map(({ id }) => id).filter((id) => id !== controller);
  await hurt.createTopic('t', { replicas: [one, other] });
}, 150_000);

afterAll(() => hurt.close(), 60_000);

afterEach(async () => {
  for (const { id } of hurt.cluster.brokers) await hurt.faults(id).healAll();
});

const healthy = (id: number): Promise<void> =>
  eventually(`broker ${id} is healthy`, async () => (await hurt.health(id))?.healthy === true, 90_000);

/** The process that a broker is, once it is another than `before`. */
async function nextLife(id: number, before: number): Promise<void> {
  await eventually('another process', () => hurt.cluster.broker(id).child.pid !== before, 90_000);
  await healthy(id);
}

describe('a process', () => {
  it('that is paused says nothing, and goes on by itself', async () => {
    const last = hurt.lastEvent(other);
    const { leftMs } = await hurt.faults(other).strike('pause', { forMs: 3 * SILENCE_MS });
    expect(leftMs).toBe(3 * SILENCE_MS);
    await eventually('nothing is answered', async () => (await hurt.health(other)) === null);
    expect(await hurt.event(other, 'fault-healed', last)).toMatchObject({ fault: 'pause', why: 'time' });
    await healthy(other);
  }, 180_000);

  it('that is killed is gone at once', async () => {
    const { child } = hurt.cluster.broker(other);
    const { leftMs } = await hurt.faults(other).strike('kill');
    expect(leftMs).toBe(0);
    await eventually('it has ended', () => child.ended === 'SIGKILL');
    await hurt.cluster.restart(other);
    await healthy(other);
  }, 180_000);

  it.each(['clean', 'hard'] as const)(
    'is restarted by whoever started it: %s',
    async (how) => {
      const { child, peerPort } = hurt.cluster.broker(other);
      await hurt.faults(other).strike('restart', { how, downMs: 200 });
      await nextLife(other, child.pid);
      expect(child.ended).toBe(how === 'hard' ? 'SIGKILL' : 'exit status 0');
      // Whoever has its URL need not look for it anew.
      expect(hurt.cluster.broker(other).peerPort).toBe(peerPort);
    },
    180_000,
  );
});

it('a wall clock jumps, and back when it is healed', async () => {
  await hurt.createTopic('stamped', {
    replicas: [one],
    configs: { 'message.timestamp.type': 'LogAppendTime' },
  });
  const stamp = async (): Promise<number> => (await hurt.produce(one, 'stamped')).logAppendTimeMs;
  const before = await stamp();
  const jump = await hurt.faults(one).strike('clock-jump', { byMs: HOUR_MS });
  const during = await stamp();
  expect(during - before).toBeGreaterThanOrEqual(HOUR_MS);
  // Who asks is told the true time.
  expect(jump.struckAtMs - before).toBeLessThan(HOUR_MS);
  await jump.heal();
  const after = await stamp();
  expect(after).toBeGreaterThanOrEqual(before);
  expect(after).toBeLessThan(during);
});

describe('a ZooKeeper server of the cluster', () => {
  it.each(['zookeeper-pause', 'zookeeper-kill', 'zookeeper-stop'] as const)(
    'is not there for a while: %s',
    async (fault) => {
      const last = hurt.lastEvent(one);
      const { id } = await hurt.faults(one).strike(fault, { forMs: 60_000 });
      await hurt.event(one, 'session-suspended', last);
      await expect(hurt.faults(other).strike(fault)).rejects.toThrow('ZooKeeper server 1 is hurt already');
      await hurt.faults(one).healAll();
      await healthy(one);
      expect((await hurt.faults(one).list()).some((each) => each.id === id)).toBe(false);
      await expect(hurt.faults(one).strike(fault, { server: 2 })).rejects.toThrow(
        'there is no ZooKeeper server 2: they are 1 to 1',
      );
      await expect(hurt.faults(one).strike('zookeeper-cut')).rejects.toThrow(
        'one server with nobody beside it',
      );
    },
    180_000,
  );
});

it('requests fail so often as was said, and no others', async () => {
  await hurt.createTopic('failing', { replicas: [one] });
  await hurt.createTopic('well', { replicas: [one] });
  const last = hurt.lastEvent(one);
  const { id } = await hurt
    .faults(one)
    .strike('request-fail', { api: 'Produce', topic: 'failing', error: 'NOT_LEADER_OR_FOLLOWER', times: 2 });
  expect((await hurt.produce(one, 'failing')).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  expect((await hurt.produce(one, 'well')).errorCode).toBe(ErrorCode.NONE);
  expect(await hurt.faults(one).list()).toMatchObject([{ id, fault: 'request-fail', struck: 1 }]);
  expect((await hurt.produce(one, 'failing')).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  expect((await hurt.produce(one, 'failing')).errorCode).toBe(ErrorCode.NONE);
  expect(await hurt.event(one, 'fault-healed', last)).toMatchObject({ id, why: 'count' });
  await hurt.faults(one).strike('request-fail', { api: 'Produce', error: 'close' });
  await expect(hurt.produce(one, 'failing')).rejects.toThrow('closed');
  expect(await hurt.faults(one).list()).toEqual([]);
});

describe('a replica', () => {
  it('leaves the in-sync replicas when it follows nobody, and comes back', async () => {
    const before = hurt.lastEvent(other);
    await hurt.createTopic('kept-back', { replicas: [one, other] });
    // The controller's answer does not say that the follower has begun, nor its beginning that it knows the topic.
    await hurt.event(other, 'became-follower', before);
    await eventually('it is known', async () => (await hurt.partition(other, 'kept-back')).leader === one);
    const last = hurt.lastEvent(one);
    const fault = await hurt.faults(other).strike('isr-leave', { topic: 'kept-back' });
    // Who has all that there is stays in sync, however long it is not heard of.
    await hurt.produce(one, 'kept-back');
    expect(await hurt.event(one, 'isr-shrink-proposed', last)).toMatchObject({
      topic: 'kept-back',
      to: [one],
    });
    await fault.heal();
    await hurt.event(one, 'isr-expand-proposed', last);
    await expect(hurt.faults(one).strike('isr-leave', { topic: 'kept-back' })).rejects.toThrow(
      `broker ${one} follows nobody for kept-back-0: ask one of ${other}`,
    );
  }, 180_000);

  it('that is in sync takes over from the leader, whichever broker is asked', async () => {
    await hurt.createTopic('moving', { replicas: [one, other] });
    const controller = await activeController(hurt);
    for (const asked of hurt.cluster.brokers.map(({ id }) => id)) {
      const last = hurt.lastEvent(controller);
      const { parameters } = await hurt.faults(asked).strike('leader-move', { topic: 'moving' });
      const moved = await hurt.event(controller, 'leader-moved', last);
      expect([moved.topic, moved.to]).toEqual(['moving', parameters['to']]);
      await eventually(
        'it leads, and the controller tells clients so',
        async () =>
          (await hurt.produce(moved.to, 'moving')).errorCode === ErrorCode.NONE &&
          (await hurt.partition(controller, 'moving')).leader === moved.to,
      );
    }
  }, 180_000);

  it('that coordinates a group hands it over', async () => {
    const offsets = { replicas: [one, other] };
    await hurt.createTopic('__consumer_offsets', offsets);
    const controller = await activeController(hurt);
    const last = hurt.lastEvent(controller);
    await hurt.faults(controller).strike('coordinator-move', { group: 'g', to: other });
    expect(await hurt.event(controller, 'leader-moved', last)).toMatchObject({
      topic: '__consumer_offsets',
      to: other,
    });
    await expect(hurt.faults(controller).strike('coordinator-move', {})).rejects.toThrow(
      'say whose coordinator: group or transactionalId, one of them',
    );
  }, 180_000);
});
