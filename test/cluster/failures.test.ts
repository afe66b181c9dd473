/**
 * Real processes on a real ensemble, under load by an ordinary client, while things are killed, stopped
 * and paused: what was acknowledged is read once and in order, and the cluster is whole again.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EventKind, EventOf } from '../../broker/platform/cluster-events.ts';
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

/** The newest event of each broker: what is recorded from now on comes after it. */
function newestEvents(): ReadonlyMap<number, number> {
  return new Map(real.cluster.brokers.map(({ id, child }) => [id, child.events.lastId]));
}

/** Resolves when whoever is the controller then, for the office may move, has recorded such an event. */
function recorded<Kind extends EventKind>(
  kind: Kind,
  isIt: (event: EventOf<Kind>) => boolean,
  after: ReadonlyMap<number, number>,
): Promise<void> {
  return eventually(`a broker records such a ${kind}`, () =>
    real.cluster.brokers.some(({ id, child }) =>
      child.events
        .since(after.get(id) ?? 0)
        .some(({ event }) => event.kind === kind && isIt(event as EventOf<Kind>)),
    ),
  );
}

/** Some broker that is not the controller at this moment. */
async function notTheController(): Promise<number> {
  const controller = await activeController(real);
  return real.cluster.brokers.find(({ id }) => id !== controller)?.id ?? 0;
}

describe('under load', () => {
  it('the death of a leader (kill -9) loses and repeats nothing', async () => {
    await underLoad(async (load) => {
      const victim = await notTheController();
      const led = new Set(await load.ledBy(victim));
      expect(led.size).toBeGreaterThan(0);
      await real.cluster.broker(victim).child.kill();
      await load.nextAcknowledgement(({ partition }) => led.has(partition));
      await real.cluster.restart(victim);
    });
  });

  it('the death of the controller (kill -9) makes another one, and loses and repeats nothing', async () => {
    await underLoad(async (load) => {
      const victim = await activeController(real);
      const led = new Set(await load.ledBy(victim));
      await real.cluster.broker(victim).child.kill();
      if (led.size > 0) await load.nextAcknowledgement(({ partition }) => led.has(partition));
      expect(await activeController(real, victim)).not.toBe(victim);
      await real.cluster.restart(victim);
    });
  });

  it('a clean stop moves the leaders away first, and the broker comes back with what it had', async () => {
    await underLoad(async (load) => {
      const broker = await notTheController();
      expect((await load.ledBy(broker)).length).toBeGreaterThan(0);
      const from = real.logOf(broker).length;
      const before = newestEvents();
      await real.cluster.broker(broker).child.stop(STOP_LIMIT_MS);
      expect(real.cluster.broker(broker).child.ended).toBe('exit status 0');
      expect(real.logOf(broker).slice(from)).not.toContain('unclean shutdown');
      await recorded(
        'controlled-shutdown-granted',
        (granted) => granted.broker === broker && granted.remaining === 0,
        before,
      );
      await eventually('all know that it leads nothing', async () => (await load.ledBy(broker)).length === 0);
      await real.cluster.restart(broker);
      expect(real.logOf(broker).slice(from)).not.toContain('with recovery');
    });
  });

  it('a broker that stands still past its session (SIGSTOP) is replaced, and joins again without a restart', async () => {
    await underLoad(async (load) => {
      const broker = await notTheController();
      const led = await load.ledBy(broker);
      expect(led.length).toBeGreaterThan(0);
      const { lastId } = real.cluster.broker(broker).child.events;
      const before = newestEvents();
      real.cluster.broker(broker).child.pause();
      // The client itself waits for the silent broker, so the controller is who tells of the change.
      try {
        await recorded('lost-leaders-replaced', ({ brokers }) => brokers.includes(broker), before);
      } finally {
        real.cluster.broker(broker).child.resume();
      }
      await real.event(broker, 'broker-registered', lastId);
    });
  });

  it('a controller that stands still past its session learns that it is none any more', async () => {
    await underLoad(async () => {
      const broker = await activeController(real);
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
