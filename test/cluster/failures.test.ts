/**
 * Real processes on a real ensemble, under load by an ordinary client, while things are killed, stopped
 * and paused: what was acknowledged is read once and in order, and the cluster is whole again.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, pause } from '../support/eventually.ts';
import { Load } from '../support/load.ts';
import { activeController, type RealCluster, startRealCluster } from './real-cluster.ts';

const PARTITIONS = 3;
/** So many records that all loops of a load have been answered. */
const FULL_SWING = 100;
/** Who has not ended by then is killed, which is seen. */
const STOP_LIMIT_MS = 60_000;
let real: RealCluster;
let topics = 0;

beforeAll(async () => {
  real = await startRealCluster({ brokers: 3 });
});

afterAll(() => real.close(), 60_000);

beforeEach(() => whole());

/** All brokers are up and nothing is under-replicated. */
async function whole(): Promise<void> {
  await eventually('all brokers are up and all replicas in sync', async () => {
    for (const { id } of real.cluster.brokers) {
      if ((await real.health(id))?.healthy !== true) return false;
      if ((await real.metric(id, 'kafka_server_replicamanager_underreplicatedpartitions')) !== 0)
        return false;
    }
    return true;
  });
}

/** Runs `disturb` in the middle of a load and checks what can be read afterwards. */
async function underLoad(disturb: (load: Load) => Promise<void>): Promise<void> {
  topics++;
  const load = new Load({
    bootstrapServers: real.cluster.bootstrapServers,
    topic: `load-${topics}`,
    partitions: PARTITIONS,
  });
  await load.createTopic(3);
  await load.start();
  await acknowledged(load, FULL_SWING);
  await disturb(load);
  await acknowledged(load, load.total + FULL_SWING);
  await load.stop();
  expect(await load.verify(60_000)).toBe(null);
}

function acknowledged(load: Load, count: number): Promise<void> {
  return eventually(`${count} records are acknowledged`, () => load.total >= count);
}

describe('under load', () => {
  it('the death of a leader (kill -9) loses and repeats nothing', async () => {
    const controller = await activeController(real);
    const victim = real.cluster.brokers.find(({ id }) => id !== controller)?.id ?? 0;
    await underLoad(async (load) => {
      const led = new Set(await load.ledBy(victim));
      expect(led.size).toBeGreaterThan(0);
      await real.cluster.broker(victim).child.kill();
      await load.nextAcknowledgement(({ partition }) => led.has(partition));
      await real.cluster.restart(victim);
    });
  });

  it('the death of the controller (kill -9) makes another one, and loses and repeats nothing', async () => {
    const victim = await activeController(real);
    await underLoad(async (load) => {
      const led = new Set(await load.ledBy(victim));
      await real.cluster.broker(victim).child.kill();
      if (led.size > 0) await load.nextAcknowledgement(({ partition }) => led.has(partition));
      expect(await activeController(real, victim)).not.toBe(victim);
      await real.cluster.restart(victim);
    });
  });

  it('a clean stop moves the leaders away first, and the broker comes back with what it had', async () => {
    const controller = await activeController(real);
    const broker = real.cluster.brokers.find(({ id }) => id !== controller)?.id ?? 0;
    await underLoad(async (load) => {
      const from = real.logOf(broker).length;
      const { lastId } = real.cluster.broker(controller).child.events;
      await real.cluster.broker(broker).child.stop(STOP_LIMIT_MS);
      expect(real.cluster.broker(broker).child.ended).toBe('exit status 0');
      expect(real.logOf(broker).slice(from)).not.toContain('unclean shutdown');
      expect(await real.event(controller, 'controlled-shutdown-granted', lastId)).toMatchObject({
        broker,
        remaining: 0,
      });
      await eventually('all know that it leads nothing', async () => (await load.ledBy(broker)).length === 0);
      await real.cluster.restart(broker);
      expect(real.logOf(broker).slice(from)).not.toContain('with recovery');
    });
  });

  it('a broker that stands still past its session (SIGSTOP) is replaced, and joins again without a restart', async () => {
    const controller = await activeController(real);
    const broker = real.cluster.brokers.find(({ id }) => id !== controller)?.id ?? 0;
    await underLoad(async (load) => {
      const led = await load.ledBy(broker);
      expect(led.length).toBeGreaterThan(0);
      const { lastId } = real.cluster.broker(broker).child.events;
      const { lastId: lastOfController } = real.cluster.broker(controller).child.events;
      real.cluster.broker(broker).child.pause();
      // The client itself waits for the silent broker, so the controller is who tells of the change.
      try {
        const replaced = await real.event(controller, 'lost-leaders-replaced', lastOfController);
        expect(replaced).toMatchObject({ brokers: [broker] });
      } finally {
        real.cluster.broker(broker).child.resume();
      }
      await real.event(broker, 'broker-registered', lastId);
    });
  });

  it('a controller that stands still past its session learns that it is none any more', async () => {
    const broker = await activeController(real);
    await underLoad(async () => {
      const { lastId } = real.cluster.broker(broker).child.events;
      real.cluster.broker(broker).child.pause();
      try {
        expect(await activeController(real, broker)).not.toBe(broker);
      } finally {
        real.cluster.broker(broker).child.resume();
      }
      await real.event(broker, 'broker-registered', lastId);
      expect((await real.health(broker))?.isController).toBe(false);
    });
  });

  it("the death of the ensemble's leader is not noticed by clients", async () => {
    if (real.ensemble === null) return;
    const { ensemble } = real;
    const leader = await ensemble.leader();
    await underLoad(async () => {
      await ensemble.kill(leader);
      await pause(1000);
      await ensemble.start(leader);
    });
  });
});

describe('afterwards', () => {
  it('a topic is deleted from every broker and from ZooKeeper', async () => {
    const load = new Load({
      bootstrapServers: real.cluster.bootstrapServers,
      topic: 'short-lived',
      partitions: PARTITIONS,
    });
    await load.createTopic(3);
    await load.start();
    await acknowledged(load, FULL_SWING);
    await load.stop();
    await load.deleteTopic();
    await eventually(
      'the topic is gone',
      async () => (await load.topics()).includes('short-lived') === false,
    );
    for (const { id } of real.cluster.brokers) {
      expect(await real.metric(id, 'kafka_server_replicamanager_offlinereplicacount')).toBe(0);
    }
  });

  it('all three brokers stop cleanly, and with them gone nothing is left running', async () => {
    for (const { id, child } of real.cluster.brokers) {
      await child.stop(STOP_LIMIT_MS);
      expect(`${id}: ${child.ended}`).toBe(`${id}: exit status 0`);
    }
  });
});
